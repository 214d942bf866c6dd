import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import {
  getSchema,
  listQueries,
  Problem,
  type QueryResult,
  runQuery,
  type SavedQuery,
  type Schema,
  saveQuery,
} from "./api";
import { Editor } from "./editor/editor";
import { Results } from "./results/results";

/** Questions worth asking first, on any estate. */
const EXAMPLES: { name: string; query: string }[] = [
  {
    name: "Likeliest path to each store",
    query: "ATTACK PATHS TO read(d:DataStore) TOP 1 PER TARGET",
  },
  { name: "Ten likeliest paths", query: "ATTACK PATHS TOP 10" },
  {
    name: "How exposed is each data store",
    query:
      "EXPLOITABILITY OF (d:DataStore)\nYIELD node, likelihood, steps, entry\nRETURN node.name AS store, likelihood, steps, entry\nORDER BY likelihood DESC",
  },
  { name: "What falls if a workload falls", query: "BLAST RADIUS OF (w:Workload)" },
  {
    name: "Known exploited and running",
    query:
      "MATCH (w:Workload)-[:RUNS]->(i:Image)-[:CONTAINS]->(p:Package)-[:AFFECTED_BY]->(v:Vulnerability)\nWHERE v.kev = true\nRETURN w.name AS workload, p.name AS package, p.version AS version, v.name AS vulnerability",
  },
  {
    name: "What is in the graph",
    query: "MATCH (n)\nRETURN labels(n) AS labels, count(*) AS n\nORDER BY n DESC",
  },
];

/** The query of the address bar, so that a link shows what its sender saw. */
function queryOfLink(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("q");
}

type Status =
  | { kind: "idle" }
  | { kind: "running"; abort: AbortController }
  | { kind: "failed"; problem: Problem | Error }
  | { kind: "done"; result: QueryResult };

export function App() {
  // What the editor was last given; what is typed since then is the editor's own, so that typing
  // draws nothing again and no older text can come back over a newer one.
  const [given, setGiven] = useState({ text: queryOfLink() ?? EXAMPLES[0]?.query ?? "" });
  const query = useRef(given.text);
  const [status, setStatus] = useState<Status>({ kind: "idle" });
  const [schema, setSchema] = useState<Schema | null>(null);
  const [saved, setSaved] = useState<SavedQuery[]>([]);
  const current = useRef<AbortController | null>(null);

  const run = useCallback(async (text: string) => {
    if (!text.trim()) return;
    current.current?.abort();
    const abort = new AbortController();
    current.current = abort;
    history.replaceState(null, "", `#${new URLSearchParams({ q: text })}`);
    setStatus({ kind: "running", abort });
    try {
      const result = await runQuery(text, abort.signal);
      if (current.current === abort) setStatus({ kind: "done", result });
    } catch (error) {
      if (current.current !== abort) return;
      const problem = error instanceof Error ? error : new Error(String(error));
      setStatus(abort.signal.aborted ? { kind: "idle" } : { kind: "failed", problem });
    }
  }, []);

  const refresh = useCallback(() => {
    getSchema().then(setSchema, () => setSchema(null));
    listQueries().then(setSaved, () => setSaved([]));
  }, []);

  useEffect(() => {
    refresh();
    void run(query.current);
  }, []);

  const choose = (text: string) => {
    query.current = text;
    setGiven({ text });
    void run(text);
  };

  const save = async () => {
    const name = prompt("Name of the saved query");
    if (name) {
      await saveQuery(name, query.current);
      refresh();
    }
  };

  return (
    <>
      <header class="top">
        <h1>
          <img src="./favicon.svg" alt="" width="22" height="22" /> Foothold
        </h1>
        <Facts schema={schema} />
      </header>
      <div class="body">
        <nav aria-label="Queries">
          <h2>Start here</h2>
          <QueryList items={EXAMPLES} onChoose={choose} />
          {saved.length > 0 && <h2>Saved</h2>}
          <QueryList items={saved} onChoose={choose} />
        </nav>
        <main>
          <div class="ask">
            <Editor
              given={given}
              onChange={(text) => {
                query.current = text;
              }}
              onRun={() => void run(query.current)}
              onCancel={() => current.current?.abort()}
            />
            <div class="actions">
              {status.kind === "running" ? (
                <button type="button" class="primary" onClick={() => status.abort.abort()}>
                  Cancel <kbd>Esc</kbd>
                </button>
              ) : (
                <button type="button" class="primary" onClick={() => void run(query.current)}>
                  Run <kbd>Ctrl Enter</kbd>
                </button>
              )}
              <button type="button" class="quiet" onClick={() => void save()}>
                Save
              </button>
            </div>
          </div>
          <Answer status={status} />
        </main>
      </div>
    </>
  );
}

function Facts({ schema }: { schema: Schema | null }) {
  if (!schema) return <p class="facts">No data loaded yet.</p>;
  const { nodes, edges, states, steps } = schema.snapshot;
  const number = new Intl.NumberFormat("en");
  return (
    <p class="facts">
      <b>{number.format(nodes)}</b> nodes <b>{number.format(edges)}</b> edges{" "}
      <b>{number.format(states)}</b> attack states <b>{number.format(steps)}</b> steps
    </p>
  );
}

function QueryList({
  items,
  onChoose,
}: {
  items: { name: string; query: string }[];
  onChoose: (query: string) => void;
}) {
  return (
    <ul class="queries">
      {items.map((item) => (
        <li key={item.name}>
          <button type="button" title={item.query} onClick={() => onChoose(item.query)}>
            {item.name}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Answer({ status }: { status: Status }) {
  switch (status.kind) {
    case "idle":
      return <p class="empty">Ask something, or start with a question on the left.</p>;
    case "running":
      return <p class="empty">Running…</p>;
    case "failed":
      return <Refusal problem={status.problem} />;
    case "done":
      return <Results result={status.result} />;
  }
}

function Refusal({ problem }: { problem: Problem | Error }) {
  if (problem instanceof Problem && problem.diagnostics.length > 0) {
    return (
      <div class="notice error" role="alert">
        {problem.diagnostics.map((diagnostic) => (
          <p key={`${diagnostic.code}${diagnostic.line}:${diagnostic.column}`}>
            <code>
              {diagnostic.line}:{diagnostic.column}
            </code>{" "}
            {diagnostic.message} {diagnostic.help && <em>{diagnostic.help}</em>}{" "}
            <small>{diagnostic.code}</small>
          </p>
        ))}
      </div>
    );
  }
  return (
    <p class="notice error" role="alert">
      {problem.message || "The server did not answer. Is it still running?"}
    </p>
  );
}
