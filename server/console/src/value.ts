/** Values as the query endpoint writes them, turned into what a person reads. */

import type { AttackPath } from "./api";

interface Tagged {
  $node?: { id: string; labels: string[]; props: Record<string, unknown> };
  $rel?: { id: string; type: string; start: string; end: string };
  $path?: { nodes: unknown[]; rels: unknown[] };
  $attack_path?: AttackPath;
  $map?: Record<string, unknown>;
  $float?: string;
}

function tagged(value: unknown): Tagged | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Tagged)
    : null;
}

/** The attack path inside a cell, if it is one. */
export function attackPathOf(value: unknown): AttackPath | null {
  return tagged(value)?.$attack_path ?? null;
}

/** Every attack path of a result, in row order. */
export function attackPathsOf(rows: unknown[][]): AttackPath[] {
  return rows.flatMap((row) => row.map(attackPathOf).filter((path) => path !== null));
}

/** A cell as one line of text. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.map(cellText).join(", ");
  const tag = tagged(value);
  if (tag?.$node) return String(tag.$node.props.name ?? tag.$node.id);
  if (tag?.$rel) return `${tag.$rel.start} -[${tag.$rel.type}]-> ${tag.$rel.end}`;
  if (tag?.$path) return `path of ${tag.$path.rels.length}`;
  if (tag?.$attack_path) return pathText(tag.$attack_path);
  if (tag?.$float) return tag.$float;
  if (tag?.$map) {
    return Object.entries(tag.$map)
      .map(([key, item]) => `${key}: ${cellText(item)}`)
      .join(", ");
  }
  if (tag && "asset" in tag && "capability" in tag) return stateText(tag as never);
  return JSON.stringify(value);
}

function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** `exec(checkout)`: what is held, over what people call it. */
export function stateText(state: { capability: string; name: string }): string {
  return `${state.capability}(${state.name})`;
}

/** The states of a path in one line. */
export function pathText(path: AttackPath): string {
  return path.states.map(stateText).join(" → ");
}

/** A likelihood as people say it: 41%, 3.2%, <0.1%. */
export function percent(likelihood: number): string {
  const value = likelihood * 100;
  if (value >= 10) return `${Math.round(value)}%`;
  if (value >= 0.1) return `${Number(value.toPrecision(2))}%`;
  return value > 0 ? "<0.1%" : "0%";
}

/** A result as comma-separated values. A leading quote keeps a spreadsheet from running a cell. */
export function toCsv(columns: string[], rows: unknown[][]): string {
  const quote = (text: string): string => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns, ...rows.map((row) => row.map(cellText))]
    .map((cells) => cells.map(quote).join(","))
    .join("\r\n");
}
