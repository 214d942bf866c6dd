/** A result: as paths, as a table, as JSON. The shape of the result chooses the first tab. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { QueryResult } from "../api";
import { StepPanel, Stories } from "../paths/panels";
import { PathView } from "../paths/path_view";
import type { SceneEdge } from "../paths/scene";
import { attackPathsOf, cellText, toCsv } from "../value";

type Tab = "paths" | "table" | "json";

/** More would not be read, and the browser would not draw it well. */
const DRAWN_PATHS = 60;
const SHOWN_ROWS = 500;

export function Results({ result }: { result: QueryResult }) {
  const paths = useMemo(() => attackPathsOf(result.rows), [result]);
  // The same array for the same result: a new one would be laid out anew with every key typed.
  const drawn = useMemo(() => paths.slice(0, DRAWN_PATHS), [paths]);
  const [tab, setTab] = useState<Tab>(paths.length > 0 ? "paths" : "table");
  useEffect(() => setTab(paths.length > 0 ? "paths" : "table"), [paths]);
  const tabs: Tab[] = paths.length > 0 ? ["paths", "table", "json"] : ["table", "json"];
  return (
    <section class="results" aria-label="Result">
      <Notices result={result} />
      <div class="tabs" role="tablist">
        {tabs.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={tab === name}
            onClick={() => setTab(name)}
          >
            {name === "json" ? "JSON" : name[0]?.toUpperCase() + name.slice(1)}
          </button>
        ))}
        <span class="count">
          {result.rows.length} {result.rows.length === 1 ? "row" : "rows"}
          {result.stats.elapsed_ms !== undefined && ` in ${cellText(result.stats.elapsed_ms)} ms`}
        </span>
        <button type="button" class="quiet" onClick={() => download(result)}>
          CSV
        </button>
      </div>
      {tab === "paths" && <Paths paths={drawn} total={paths.length} />}
      {tab === "table" && <Table result={result} />}
      {tab === "json" && <pre class="json">{JSON.stringify(result, null, 2)}</pre>}
    </section>
  );
}

function Notices({ result }: { result: QueryResult }) {
  const { completeness, warnings } = result;
  const silent = completeness.silent_rules ?? [];
  return (
    <>
      {!completeness.complete && (
        <p class="notice warn" role="status">
          This answer is partial: {completeness.limit ?? "a"} limit reached. Raise the limit or
          narrow the question.
        </p>
      )}
      {warnings.map((warning) => (
        <p key={warning.code + warning.message} class="notice warn" role="status">
          {warning.message}
          {warning.help && ` ${warning.help}`}
        </p>
      ))}
      {silent.length > 0 && attackPathsOf(result.rows).length === 0 && (
        <details class="notice">
          <summary>{silent.length} rules had no facts to work on</summary>
          <ul>
            {silent.map((rule) => (
              <li key={rule.rule}>
                {rule.rule}: no {rule.missing.join(", ")}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Paths({ paths, total }: { paths: ReturnType<typeof attackPathsOf>; total: number }) {
  const [selectedPath, setSelectedPath] = useState<number | null>(null);
  const [edge, setEdge] = useState<SceneEdge | null>(null);
  useEffect(() => {
    setSelectedPath(null);
    setEdge(null);
  }, [paths]);
  return (
    <div class={`paths${edge ? " with-panel" : ""}`}>
      <div class="list">
        <Stories paths={paths} selected={selectedPath} onSelect={setSelectedPath} />
        {total > paths.length && (
          <p class="notice">
            The first {paths.length} of {total} paths are drawn; the table has all.
          </p>
        )}
      </div>
      <div class="canvas">
        <PathView
          paths={paths}
          selectedPath={selectedPath}
          selectedStep={edge?.key ?? null}
          onSelectStep={setEdge}
          onSelectState={(node) => setSelectedPath(node.paths[0] ?? null)}
        />
      </div>
      {edge && <StepPanel step={edge.step} onClose={() => setEdge(null)} />}
    </div>
  );
}

function Table({ result }: { result: QueryResult }) {
  if (result.rows.length === 0)
    return <p class="empty">No rows. The question was answered: nothing matches.</p>;
  return (
    <div class="scroll">
      <table class="rows">
        <thead>
          <tr>
            {result.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {result.rows.slice(0, SHOWN_ROWS).map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={result.columns[column]} class={typeof cell === "number" ? "number" : ""}>
                  {cellText(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {result.rows.length > SHOWN_ROWS && (
        <p class="notice">
          The first {SHOWN_ROWS} of {result.rows.length} rows are shown; the CSV has all.
        </p>
      )}
    </div>
  );
}

function download(result: QueryResult): void {
  const blob = new Blob([toCsv(result.columns, result.rows)], { type: "text/csv" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = "foothold.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}
