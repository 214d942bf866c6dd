import { describe, expect, it } from "vitest";
import type { AttackPath, State, Step } from "../api";
import { buildScene, curve } from "./scene";

const state = (id: string): State => ({ id, asset: id, capability: "exec", labels: [], name: id });

const step = (rule: string, from: string, gain: string): Step => ({
  rule,
  title: rule,
  likelihood: 0.5,
  confidence: 1,
  premises: [from],
  gain,
  explanation: "",
  factors: [],
  evidence: [],
  fixes: [],
});

function path(ids: string[], rule = "r"): AttackPath {
  const states = ids.map(state);
  const first = states[0] as State;
  const last = states.at(-1) as State;
  const steps = ids.slice(1).map((id, at) => step(rule, ids[at] as string, id));
  return {
    source: first,
    target: last,
    likelihood: 0.5,
    confidence: 1,
    signature: "",
    states,
    steps,
  };
}

describe("a scene", () => {
  it("holds each state and step once and knows the paths through them", () => {
    const scene = buildScene([path(["a", "b", "d"]), path(["a", "b", "c", "d"])]);
    expect(scene.nodes.map((node) => node.state.id).sort()).toEqual(["a", "b", "c", "d"]);
    expect(scene.edges.find((edge) => edge.from === "a")?.paths).toEqual([0, 1]);
    expect(scene.nodes.find((node) => node.state.id === "a")?.role).toBe("entry");
    expect(scene.nodes.find((node) => node.state.id === "d")?.role).toBe("target");
  });

  it("runs from left to right", () => {
    const scene = buildScene([path(["a", "b", "c"])]);
    const xs = ["a", "b", "c"].map(
      (id) => scene.nodes.find((node) => node.state.id === id)?.x ?? 0,
    );
    expect(xs).toEqual([...xs].sort((left, right) => left - right));
  });

  it("keeps two rules between the same states apart", () => {
    const scene = buildScene([path(["a", "b"], "one"), path(["a", "b"], "two")]);
    expect(scene.edges).toHaveLength(2);
  });

  it("is empty without paths", () => {
    expect(buildScene([])).toMatchObject({ nodes: [], edges: [] });
  });
});

describe("a curve", () => {
  it("starts and ends where the edge does", () => {
    const drawn = curve([
      { x: 0, y: 1 },
      { x: 10, y: 5 },
    ]);
    expect(drawn.startsWith("M0,1")).toBe(true);
    expect(drawn.endsWith("10,5")).toBe(true);
  });
});
