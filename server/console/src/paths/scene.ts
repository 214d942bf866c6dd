/**
 * From attack paths to a drawing: every state once, every step once, laid out left to right.
 *
 * The scene is pure data. The same paths give the same scene, so a link shows everyone the same
 * picture.
 */

import dagre from "@dagrejs/dagre";
import type { AttackPath, State, Step } from "../api";

export interface SceneNode {
  state: State;
  x: number;
  y: number;
  /** Indexes of the paths through it. */
  paths: number[];
  role: "entry" | "target" | "between";
}

export interface SceneEdge {
  key: string;
  from: string;
  to: string;
  step: Step;
  points: { x: number; y: number }[];
  paths: number[];
}

export interface Scene {
  nodes: SceneNode[];
  edges: SceneEdge[];
  width: number;
  height: number;
}

export const NODE_WIDTH = 176;
export const NODE_HEIGHT = 52;

/** The key of a step: one arrow for each premise and rule. */
export function edgeKey(from: string, step: Step): string {
  return `${from}|${step.rule}|${step.gain}`;
}

/** Lays out the union of `paths`. */
export function buildScene(paths: AttackPath[]): Scene {
  const states = new Map<string, { state: State; paths: Set<number> }>();
  const steps = new Map<string, { from: string; step: Step; paths: Set<number> }>();
  const entries = new Set<string>();
  const targets = new Set<string>();
  paths.forEach((path, index) => {
    entries.add(path.source.id);
    targets.add(path.target.id);
    for (const state of path.states) {
      const known = states.get(state.id) ?? { state, paths: new Set<number>() };
      known.paths.add(index);
      states.set(state.id, known);
    }
    for (const step of path.steps) {
      for (const from of step.premises.filter((id) => states.has(id))) {
        const key = edgeKey(from, step);
        const known = steps.get(key) ?? { from, step, paths: new Set<number>() };
        known.paths.add(index);
        steps.set(key, known);
      }
    }
  });

  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 22, ranksep: 92, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of states.keys()) graph.setNode(id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const [key, { from, step }] of steps) {
    graph.setEdge(from, step.gain, { width: 10, height: 10, labelpos: "c" }, key);
  }
  dagre.layout(graph);

  const nodes = [...states.values()].map(({ state, paths: through }): SceneNode => {
    const placed = graph.node(state.id);
    return {
      state,
      x: placed.x ?? 0,
      y: placed.y ?? 0,
      paths: [...through],
      role: entries.has(state.id) ? "entry" : targets.has(state.id) ? "target" : "between",
    };
  });
  const edges = [...steps].map(([key, { from, step, paths: through }]): SceneEdge => {
    const placed = graph.edge(from, step.gain, key);
    return { key, from, to: step.gain, step, points: placed?.points ?? [], paths: [...through] };
  });
  const size = graph.graph();
  return { nodes, edges, width: size.width ?? 0, height: size.height ?? 0 };
}

/** A smooth line through the points of an edge. */
export function curve(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x},${first.y}`;
  let previous = first;
  for (const point of rest) {
    const middle = (previous.x + point.x) / 2;
    path += ` C${middle},${previous.y} ${middle},${point.y} ${point.x},${point.y}`;
    previous = point;
  }
  return path;
}
