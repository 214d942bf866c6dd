"""Queries on the generated estate: Foothold beside graph and SQL engines from PyPI.

    pip install -r benches/peers/requirements-query.txt
    python benches/peers/query.py [--scale 1] [--repeats 5] [--limit 60] [--engines duckdb,ladybug]
                                  [--only four-hop,count] [--graph DIRECTORY] [--save FILE]

Exports the graph that Foothold asks (one CSV file for each label and for each kind between two
labels), loads it into every engine, asks each the questions of `benches/queries.toml` from text to
rows, checks that all answers agree, and prints one table. A cell is the best of the repeats in
milliseconds, the median in brackets, and the ratio of the best to Foothold's (above 1: Foothold is
faster). Engines run one after the other, each in a process of its own, with every core they like;
Foothold runs on one (`FOOTHOLD_THREADS`). A question that takes longer than the limit is given up.
With `--save` what was measured is kept and shown again, so that engines can be run on different days.
"""

import argparse
import importlib.metadata
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
ENGINES = ["foothold", "ladybug", "kglite", "grafeo", "duckdb", "duckdb-best", "falkordb"]
PACKAGES = {"ladybug": "ladybug", "kglite": "kglite", "grafeo": "grafeo", "duckdb": "duckdb",
            "duckdb-best": "duckdb", "falkordb": "falkordblite"}


def questions():
    with open(os.path.join(HERE, "..", "queries.toml"), "rb") as file:
        return tomllib.load(file)["query"]


def example(name):
    """The command of one of our examples; its program can be given as FOOTHOLD_<NAME>."""
    program = os.environ.get("FOOTHOLD_" + name.upper())
    return [program] if program else [
        "cargo", "run", "--release", "-q", "-p", "foothold-benches", "--example", name, "--"]


# --- engines: each loads the exported graph and gives `ask(text, params) -> rows` -----------------


class Graph:
    """The exported files."""

    def __init__(self, directory):
        self.directory = directory
        with open(os.path.join(directory, "schema.json")) as file:
            schema = json.load(file)
        self.nodes, self.edges = schema["nodes"], schema["edges"]
        with open(os.path.join(directory, "pairs.csv")) as file:
            self.pairs = [line.strip().split(",") for line in file.readlines()[1:]]

    def node_file(self, node):
        return os.path.join(self.directory, "nodes", node["label"] + ".csv")

    def edge_file(self, edge):
        return os.path.join(self.directory, "edges", edge["kind"],
                            f"{edge['from']}-{edge['to']}.csv")


class Ladybug:
    dialect = "ladybug"

    def __init__(self, graph):
        import ladybug
        database = ladybug.Database(os.path.join(tempfile.mkdtemp(), "graph"))
        self.connection = ladybug.Connection(database)
        for node in graph.nodes:
            columns = "".join(f", `{name}` {kind}" for name, kind in node["columns"])
            self.connection.execute(
                f"CREATE NODE TABLE {node['label']}(id INT64, key STRING{columns}, PRIMARY KEY(id))")
            self.connection.execute(
                f"COPY {node['label']} FROM '{graph.node_file(node)}' (header=true, parallel=false)")
        kinds = {}
        for edge in graph.edges:
            kinds.setdefault(edge["kind"], []).append(edge)
        for kind, edges in kinds.items():
            ends = ", ".join(f"FROM {edge['from']} TO {edge['to']}" for edge in edges)
            self.connection.execute(f"CREATE REL TABLE {kind}({ends})")
            for edge in edges:
                where = (f", from='{edge['from']}', to='{edge['to']}'" if len(edges) > 1 else "")
                self.connection.execute(
                    f"COPY {kind} FROM '{graph.edge_file(edge)}' (header=true{where})")

    def ask(self, text, params):
        result = self.connection.execute(text, params)
        rows = []
        while result.has_next():
            rows.append(result.get_next())
        return rows


class Kglite:
    dialect = "kglite"

    def __init__(self, graph):
        import kglite
        import pandas
        self.graph = kglite.KnowledgeGraph()
        for node in graph.nodes:
            frame = pandas.read_csv(graph.node_file(node))
            title = "name" if any(name == "name" for name, _ in node["columns"]) else "key"
            self.graph.add_nodes(frame, node_type=node["label"], unique_id_field="id",
                                 node_title_field=title)
        for edge in graph.edges:
            frame = pandas.read_csv(graph.edge_file(edge))
            self.graph.add_relationships(
                frame, connection_type=edge["kind"], source_type=edge["from"],
                source_id_field="from", target_type=edge["to"], target_id_field="to")

    def ask(self, text, params):
        return [list(row.values()) for row in self.graph.cypher(text, params=params)]


class Grafeo:
    dialect = "grafeo"

    def __init__(self, graph):
        import csv
        import grafeo
        self.database = grafeo.GrafeoDB()
        read = {"BOOL": lambda text: text == "true", "INT64": int, "DOUBLE": float, "STRING": str}
        ids = {}
        for node in graph.nodes:
            kinds = dict(node["columns"], id="INT64", key="STRING")
            with open(graph.node_file(node)) as file:
                rows = [{name: read[kinds[name]](text) for name, text in row.items() if text != ""}
                        for row in csv.DictReader(file)]
            made = self.database.batch_create_nodes_with_props(node["label"], rows)
            ids.update(zip((row["id"] for row in rows), made))
        for edge in graph.edges:
            with open(graph.edge_file(edge)) as file:
                next(file)
                ends = [line.split(",") for line in file]
            self.database.batch_create_edges(
                [(ids[int(source)], ids[int(target)], edge["kind"]) for source, target in ends])
        self.database.create_property_index("name")

    def ask(self, text, params):
        return [list(row.values()) for row in self.database.execute_cypher(text, params)]


class Duckdb:
    dialect = "sql"

    def __init__(self, graph):
        import duckdb
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 2")
        for node in graph.nodes:
            kinds = {"BOOL": "BOOLEAN", "INT64": "BIGINT", "DOUBLE": "DOUBLE", "STRING": "VARCHAR"}
            columns = {"id": "BIGINT", "key": "VARCHAR"} | {
                name: kinds[kind] for name, kind in node["columns"]}
            self.connection.execute(
                f"CREATE TABLE {node['label']} AS FROM read_csv('{graph.node_file(node)}', "
                f"header=true, columns={columns})")
        for edge in graph.edges:
            name = f"{edge['kind']}_{edge['from']}_{edge['to']}"
            columns = {"from": "BIGINT", "to": "BIGINT"}
            self.connection.execute(
                f"CREATE TABLE {name} AS FROM read_csv('{graph.edge_file(edge)}', header=true, "
                f"columns={columns})")
        tables = [f"{edge['kind']}_{edge['from']}_{edge['to']}" for edge in graph.edges]
        union = " UNION ALL ".join(f'SELECT "from", "to" FROM {table}' for table in tables)
        self.connection.execute(f"CREATE TABLE edges AS {union}")
        self.connection.execute("CREATE TABLE pairs(f VARCHAR, t VARCHAR)")
        self.connection.executemany("INSERT INTO pairs VALUES (?, ?)", graph.pairs)

    def ask(self, text, params):
        wanted = {name: value for name, value in params.items() if "$" + name in text}
        return [list(row) for row in self.connection.execute(text, wanted or None).fetchall()]


class DuckdbBest(Duckdb):
    dialect = "sql_best"


class Falkordb:
    dialect = "falkordb"
    BATCH = 5000

    def __init__(self, graph):
        import csv
        from redislite.falkordb_client import FalkorDB
        self.client = FalkorDB(os.path.join(tempfile.mkdtemp(), "graph.db"))
        self.graph = self.client.select_graph("estate")
        read = {"BOOL": lambda text: text == "true", "INT64": int, "DOUBLE": float, "STRING": str}
        for node in graph.nodes:
            kinds = dict(node["columns"], id="INT64", key="STRING")
            with open(graph.node_file(node)) as file:
                rows = [{name: read[kinds[name]](text) for name, text in row.items() if text != ""}
                        for row in csv.DictReader(file)]
            for at in range(0, len(rows), self.BATCH):
                self.graph.query(f"UNWIND $rows AS row CREATE (n:{node['label']}) SET n = row",
                                 {"rows": rows[at:at + self.BATCH]})
            self.graph.query(f"CREATE INDEX FOR (n:{node['label']}) ON (n.id, n.name)")
        time.sleep(3)
        for edge in graph.edges:
            with open(graph.edge_file(edge)) as file:
                next(file)
                rows = [[int(number) for number in line.split(",")] for line in file]
            for at in range(0, len(rows), self.BATCH):
                self.graph.query(
                    f"UNWIND $rows AS row MATCH (a:{edge['from']} {{id: row[0]}}), "
                    f"(b:{edge['to']} {{id: row[1]}}) CREATE (a)-[:{edge['kind']}]->(b)",
                    {"rows": rows[at:at + self.BATCH]})

    def ask(self, text, params):
        wanted = {name: value for name, value in params.items() if "$" + name in text}
        return self.graph.query(text, wanted).result_set

    def pid(self):
        return self.client.client.pid


MAKERS = {"ladybug": Ladybug, "kglite": Kglite, "grafeo": Grafeo, "duckdb": Duckdb,
          "duckdb-best": DuckdbBest, "falkordb": Falkordb}


# --- one engine in its own process: a JSON object a line -----------------------------------------


def memory(pid="self"):
    with open(f"/proc/{pid}/status") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) * 1024


def cpu_seconds(pid=None):
    if pid is None:
        return time.process_time()
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(record):
    print(json.dumps(record), flush=True)


def serve(name, directory, repeats, names):
    """Loads the graph, then asks the named questions."""
    graph = Graph(directory)
    before, start, cpu = memory(), time.perf_counter(), cpu_seconds()
    try:
        engine = MAKERS[name](graph)
    except Exception as error:  # noqa: BLE001 - whatever it is goes into the table
        return say({"broken": f"{type(error).__name__}: {error}"[:300]})
    pid = engine.pid() if hasattr(engine, "pid") else None
    used = memory(pid) if pid else memory() - before
    cpu = cpu_seconds(pid) if pid else cpu_seconds() - cpu
    say({"load": {"seconds": time.perf_counter() - start, "cpu_seconds": cpu, "bytes": used,
                  "pid": pid}})
    for question in questions():
        if question["name"] not in names:
            continue
        say({"asking": question["name"]})
        text = question.get(engine.dialect)
        if text is None and engine.dialect not in ("sql", "sql_best"):
            text = question["fql"]
        if not text:
            say({"name": question["name"], "error": ""})
            continue
        if question.get("each_pair"):
            sets = [{"f": f, "t": t} for f, t in graph.pairs]
        else:
            sets = [{"pairs": graph.pairs} if "$pairs" in text else {}]

        def ask():
            return [list(row) for params in sets for row in engine.ask(text, params)]

        try:
            # The first time is not counted, but says how often it can be repeated.
            start = time.perf_counter()
            rows = ask()
            first = time.perf_counter() - start
            n = repeats if first < 2 else 1 if first > 20 else 2
            times, cpu = [], cpu_seconds(pid)
            for _ in range(n):
                start = time.perf_counter()
                ask()
                times.append((time.perf_counter() - start) * 1000)
            cpu = (cpu_seconds(pid) - cpu) * 1000 / n
            say({"name": question["name"], "min_ms": min(times), "rows": rows, "cpu_ms": cpu,
                 "median_ms": statistics.median(times)})
        except Exception as error:  # noqa: BLE001
            say({"name": question["name"], "error": f"{type(error).__name__}: {error}"[:200]})
    os._exit(0)


# --- all engines ---------------------------------------------------------------------------------


def run_engine(name, directory, options):
    """The records of an engine; a question over the limit ends its process, the rest go on anew."""
    if name == "foothold":
        command = example("query_timings") + [str(options.scale), str(options.repeats)]
        out = subprocess.run(command + options.only, cwd=ROOT, check=True, stdout=subprocess.PIPE)
        return [json.loads(line) for line in out.stdout.decode().splitlines()]
    records, left = [], list(options.only)
    while left:
        child = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--serve", name, "--graph", directory,
             "--repeats", str(options.repeats), "--only", ",".join(left)],
            stdout=subprocess.PIPE)
        buffer, asking, ended, server = b"", None, False, None
        while not ended:
            limit = options.limit if asking else options.load_limit
            if not select.select([child.stdout], [], [], limit)[0]:
                records.append({"name": asking, "error": f"> {options.limit} s"} if asking else
                               {"broken": f"loading takes more than {options.load_limit} s"})
                left = left[left.index(asking) + 1:] if asking else []
                break
            chunk = os.read(child.stdout.fileno(), 1 << 20)
            ended = not chunk
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            for line in filter(None, lines):
                record = json.loads(line) if line.startswith(b"{") else {}
                if "asking" in record:
                    asking = record["asking"]
                elif record:
                    records.append(record)
                    server = record.get("load", {}).get("pid") or server
                    if record.get("name") == asking and asking:
                        asking = None
                if "broken" in record:
                    return records
        if ended and asking:
            records.append({"name": asking, "error": f"the process died ({child.wait()})"})
            left = left[left.index(asking) + 1:]
        elif ended:
            left = []
        child.kill()
        child.wait()
        if server:
            # It outlives the process that started it.
            try:
                os.kill(server, signal.SIGKILL)
            except ProcessLookupError:
                pass
    return records


def version(engine):
    if engine == "foothold":
        return "this tree"
    try:
        return importlib.metadata.version(PACKAGES[engine])
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def same(left, right):
    """Rows as a bag, numbers by value."""
    def key(rows):
        return sorted(json.dumps([float(cell) if isinstance(cell, (int, float)) else cell
                                  for cell in row]) for row in rows)
    return key(left) == key(right)


def number(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def main(options):
    wanted = [question["name"] for question in questions()]
    options.only = [name for name in wanted if not options.only or name in options.only.split(",")]
    directory = options.graph or tempfile.mkdtemp()
    if not os.path.exists(os.path.join(directory, "schema.json")):
        subprocess.run(example("export_graph") + [directory, str(options.scale)], cwd=ROOT,
                       check=True, stdout=subprocess.DEVNULL)
    table = {}
    if options.save and os.path.exists(options.save):
        with open(options.save) as file:
            table = json.load(file)
    for engine in filter(None, options.engines.split(",")):
        if engine != "foothold" and version(engine) == "not installed":
            table[engine] = {"broken": "not installed"}
            continue
        records = []
        loads = [os.getloadavg()[0]]
        records = run_engine(engine, directory, options)
        loads.append(os.getloadavg()[0])
        table[engine] = {record["name"]: record for record in records if "name" in record}
        table[engine]["busy"] = f"{engine} {loads[0]:.1f} to {loads[1]:.1f}"
        table[engine]["version"] = version(engine)
        for record in records:
            for key in ("load", "broken"):
                if key in record:
                    table[engine].setdefault(key, record[key])
        if options.save:
            with open(options.save, "w") as file:
                json.dump(table, file)
    table = {engine: table[engine] for engine in ENGINES if engine in table}
    show(table, options, [one["busy"] for one in table.values() if "busy" in one])


def cell(record, ours):
    if record is None:
        return "-"
    if "error" in record:
        error = record["error"]
        return error if error.startswith(">") else "refused" if error else "-"
    text = f"{number(record['min_ms'])} ({number(record['median_ms'])})"
    if ours and "min_ms" in ours:
        if not same(record["rows"], ours["rows"]):
            return text + " **other answer**"
        if record is not ours:
            ratio = record["min_ms"] / ours["min_ms"]
            text += f", {ratio:.1f}x" if ratio < 10 else f", {ratio:,.0f}x"
    return text


def show(table, options, busy):
    engines = [engine for engine in table if "broken" not in table[engine]]
    ours = table.get("foothold", {})
    print(f"Scale {options.scale}; milliseconds, best (median), ratio to Foothold; "
          f"load of the machine: {'; '.join(busy)}; {os.cpu_count()} cores\n")
    print("| question | " + " | ".join(f"{engine} {table[engine]['version']}" for engine in engines) + " |")
    print("|---|" + "---|" * len(engines))
    for question in questions():
        name = question["name"]
        if name in options.only:
            cells = [cell(table[engine].get(name), ours.get(name)) for engine in engines]
            print(f"| {question['title']} | " + " | ".join(cells) + " |")
    loads = [table[engine].get("load", {}) for engine in engines]
    print("| loading, seconds (CPU) | " + " | ".join(
        f"{load['seconds']:.1f} ({load['cpu_seconds']:.1f})" if load else "-"
        for load in loads) + " |")
    print("| memory of the loaded graph, MB | " + " | ".join(
        f"{load['bytes'] / 1e6:.0f}" if load else "-" for load in loads) + " |")
    print()
    for engine in table:
        if "broken" in table[engine]:
            print(f"- {engine}: {table[engine]['broken']}")
        for name, record in table[engine].items():
            if isinstance(record, dict) and record.get("error") and record["error"][0] != ">":
                print(f"- {engine}, {name}: {' '.join(record['error'].split())}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--load-limit", type=float, default=600)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--only", default="")
    parser.add_argument("--graph")
    parser.add_argument("--save")
    parser.add_argument("--serve")
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.graph, given.repeats, given.only.split(","))
    else:
        main(given)
