/** The HTTP API as the console uses it: types of the wire, and one function a call. */

/** What an attacker holds over one asset. */
export interface State {
  id: string;
  asset: string;
  capability: string;
  labels: string[];
  name: string;
}

export interface Factor {
  name: string;
  value?: unknown;
  effect: string;
}

export interface Evidence {
  type: "edge" | "node";
  id: string;
  kind?: string;
  from?: string;
  to?: string;
  sources?: string[];
}

export interface Fix {
  id: string;
  action: string;
  title: string;
  target?: string;
  owner?: string | null;
}

/** One application of a rule. */
export interface Step {
  rule: string;
  id?: string | null;
  title: string;
  technique?: string | null;
  likelihood: number;
  confidence: number;
  premises: string[];
  gain: string;
  explanation: string;
  factors: Factor[];
  evidence: Evidence[];
  fixes: Fix[];
}

export interface AttackPath {
  source: State;
  target: State;
  likelihood: number;
  confidence: number;
  signature: string;
  states: State[];
  steps: Step[];
}

export interface Completeness {
  complete: boolean;
  limit: string | null;
  answer: string;
  silent_rules?: { rule: string; missing: string[] }[];
  unknown?: string[];
}

export interface Diagnostic {
  code: string;
  severity: "error" | "warning";
  message: string;
  line: number;
  column: number;
  length: number;
  help?: string | null;
}

export interface QueryResult {
  columns: string[];
  rows: unknown[][];
  completeness: Completeness;
  stats: Record<string, number>;
  warnings: Diagnostic[];
}

export interface SchemaLabel {
  name: string;
  count: number;
}

export interface Schema {
  labels: SchemaLabel[];
  kinds: { name: string; count: number }[];
  snapshot: { id: string; nodes: number; edges: number; states: number; steps: number };
}

export interface SavedQuery {
  id: string;
  name: string;
  query: string;
  description?: string | null;
}

export interface CompletionItem {
  label: string;
  kind: string;
  detail?: string | null;
}

/** A refused request: RFC 9457, with diagnostics when a query is at fault. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly diagnostics: Diagnostic[],
  ) {
    super(detail || title);
  }
}

const base = "/api/v1";

async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(`${base}${path}`, {
    ...init,
    headers: { "content-type": "application/json", accept: "application/json", ...init.headers },
  });
  const text = await response.text();
  const body = text ? JSON.parse(text) : null;
  if (!response.ok) {
    throw new Problem(
      response.status,
      body?.title ?? response.statusText,
      body?.detail ?? "",
      body?.diagnostics ?? [],
    );
  }
  return body as T;
}

/** Runs a query; aborting `signal` also cancels it on the server. */
export function runQuery(query: string, signal: AbortSignal): Promise<QueryResult> {
  const id = crypto.randomUUID();
  signal.addEventListener("abort", () => {
    void fetch(`${base}/query/${id}`, { method: "DELETE" }).catch(() => undefined);
  });
  return call("/query", {
    method: "POST",
    body: JSON.stringify({ query }),
    headers: { "x-request-id": id },
    signal,
  });
}

export const validate = (query: string): Promise<{ diagnostics: Diagnostic[] }> =>
  call("/query/validate", { method: "POST", body: JSON.stringify({ query }) });

export const complete = (
  query: string,
  offset: number,
): Promise<{ from: number; items: CompletionItem[] }> =>
  call("/query/complete", { method: "POST", body: JSON.stringify({ query, offset }) });

export const getSchema = (): Promise<Schema> => call("/schema");

export const listQueries = async (): Promise<SavedQuery[]> => {
  const body = await call<SavedQuery[] | { items: SavedQuery[] }>("/queries");
  return Array.isArray(body) ? body : body.items;
};

export const saveQuery = (name: string, query: string): Promise<SavedQuery> =>
  call("/queries", { method: "POST", body: JSON.stringify({ name, query }) });
