import { describe, expect, it } from "vitest";
import { attackPathsOf, cellText, percent, toCsv } from "./value";

describe("cells", () => {
  it("show what people call a thing", () => {
    expect(
      cellText({ $node: { id: "k8s://a", labels: ["Workload"], props: { name: "web" } } }),
    ).toBe("web");
    expect(cellText({ $node: { id: "k8s://a", labels: [], props: {} } })).toBe("k8s://a");
    expect(cellText([1, 2.5, null])).toBe("1, 2.5, ");
    expect(cellText({ $float: "NaN" })).toBe("NaN");
    expect(cellText({ $map: { a: 1 } })).toBe("a: 1");
  });

  it("keep formulas from running in a spreadsheet", () => {
    expect(toCsv(["a"], [["=1+1"], ['say "hi", you']])).toBe('a\r\n\'=1+1\r\n"say ""hi"", you"');
  });
});

describe("likelihoods", () => {
  it("are as exact as they deserve", () => {
    expect([0.4136, 0.0317, 0.0002, 0, 1].map(percent)).toEqual([
      "41%",
      "3.2%",
      "<0.1%",
      "0%",
      "100%",
    ]);
  });
});

describe("attack paths", () => {
  it("are found in any column", () => {
    const path = { states: [], steps: [] };
    expect(attackPathsOf([["x", { $attack_path: path }], [1]])).toEqual([path]);
  });
});
