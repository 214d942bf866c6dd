/** The drawing: attack paths left to right, entry points left, targets right. */

import { useMemo } from "preact/hooks";
import type { AttackPath } from "../api";
import { percent, stateText } from "../value";
import {
  buildScene,
  curve,
  NODE_HEIGHT,
  NODE_WIDTH,
  type SceneEdge,
  type SceneNode,
} from "./scene";

/** Names are still readable at this size. */
const SMALLEST_SCALE = 0.62;

interface Props {
  paths: AttackPath[];
  /** The path to bring forward, or none. */
  selectedPath: number | null;
  selectedStep: string | null;
  onSelectStep: (edge: SceneEdge) => void;
  onSelectState: (node: SceneNode) => void;
}

export function PathView({
  paths,
  selectedPath,
  selectedStep,
  onSelectStep,
  onSelectState,
}: Props) {
  const scene = useMemo(() => buildScene(paths), [paths]);
  const width = Math.max(scene.width, 320);
  const height = Math.max(scene.height, 120);
  const isDim = (through: number[]): boolean =>
    selectedPath !== null && !through.includes(selectedPath);
  return (
    <svg
      class="scene"
      role="img"
      aria-label={`${paths.length} attack paths drawn from left to right`}
      viewBox={`0 0 ${width} ${height}`}
      // Shrinks to the canvas as far as it stays readable, then scrolls.
      style={{ width: `max(100%, ${width * SMALLEST_SCALE}px)`, maxWidth: `${width}px` }}
    >
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path d="M0,0 L8,4 L0,8 z" class="arrow" />
        </marker>
      </defs>
      {scene.edges.map((edge) => (
        <Edge
          key={edge.key}
          edge={edge}
          dim={isDim(edge.paths)}
          selected={edge.key === selectedStep}
          onSelect={() => onSelectStep(edge)}
        />
      ))}
      {scene.nodes.map((node) => (
        <Node
          key={node.state.id}
          node={node}
          dim={isDim(node.paths)}
          onSelect={() => onSelectState(node)}
        />
      ))}
    </svg>
  );
}

function activate(run: () => void) {
  return (event: KeyboardEvent) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      run();
    }
  };
}

interface EdgeProps {
  edge: SceneEdge;
  dim: boolean;
  selected: boolean;
  onSelect: () => void;
}

function Edge({ edge, dim, selected, onSelect }: EdgeProps) {
  const middle = edge.points[Math.floor(edge.points.length / 2)] ?? { x: 0, y: 0 };
  const label = edge.step.technique ?? edge.step.id ?? "";
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button cannot be drawn inside a picture
    <g
      class={`edge${dim ? " dim" : ""}${selected ? " selected" : ""}`}
      role="button"
      tabindex={0}
      aria-label={`${edge.step.title}, ${percent(edge.step.likelihood)}`}
      data-rule={edge.step.rule}
      onClick={onSelect}
      onKeyDown={activate(onSelect)}
    >
      <path d={curve(edge.points)} class="hit" />
      <path d={curve(edge.points)} class="line" marker-end="url(#arrow)" />
      <text x={middle.x} y={middle.y - 7} text-anchor="middle">
        {label}
        <tspan class="likelihood" dx="4">
          {percent(edge.step.likelihood)}
        </tspan>
      </text>
    </g>
  );
}

interface NodeProps {
  node: SceneNode;
  dim: boolean;
  onSelect: () => void;
}

function Node({ node, dim, onSelect }: NodeProps) {
  const left = node.x - NODE_WIDTH / 2;
  const top = node.y - NODE_HEIGHT / 2;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button cannot be drawn inside a picture
    <g
      class={`node ${node.role}${dim ? " dim" : ""}`}
      role="button"
      tabindex={0}
      aria-label={stateText(node.state)}
      onClick={onSelect}
      onKeyDown={activate(onSelect)}
    >
      <title>{node.state.asset}</title>
      <rect x={left} y={top} width={NODE_WIDTH} height={NODE_HEIGHT} rx="8" />
      <text x={left + 12} y={top + 20} class="kind">
        {node.state.capability} · {node.state.labels[0] ?? ""}
      </text>
      <text x={left + 12} y={top + 38} class="name">
        {shorten(node.state.name, 21)}
      </text>
    </g>
  );
}

/** Keeps both ends of a long name: they differ, the middle rarely does. */
export function shorten(name: string, length: number): string {
  if (name.length <= length) return name;
  const head = Math.ceil((length - 1) / 2);
  return `${name.slice(0, head)}…${name.slice(name.length - (length - 1 - head))}`;
}
