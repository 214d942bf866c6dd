"""Searches on the synthetic attack graph: Foothold beside graph libraries from PyPI.

    pip install -r benches/peers/requirements.txt
    python benches/peers/search.py [SCALE] [DIRECTORY]

Exports the graph, times Foothold's searches and the peers' on it in one run, and prints a table
of the best CPU milliseconds with the ratio to Foothold (above 1: Foothold is faster). A peer's
figure that was extrapolated from a part of the work is marked `~`; what a library has no routine
for is `-`. Graph construction is not counted for anyone. Every figure also goes to the standard
error output as soon as it is known. PEERS=scipy,igraph asks only these.
"""

import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

SCALE = sys.argv[1] if len(sys.argv) > 1 else "1"
DIRECTORY = sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()
REPEATS = 3
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def example(name, *args):
    """Runs one of our examples; its program can be given as FOOTHOLD_<NAME>."""
    program = os.environ.get("FOOTHOLD_" + name.upper())
    command = [program] if program else [
        "cargo", "run", "--release", "-q", "-p", "foothold-benches", "--example", name, "--"]
    out = subprocess.run(command + list(args), cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return out.stdout.decode()


n_states = int(example("export_attack_graph", DIRECTORY, SCALE))


def numbers(name):
    return np.fromfile(os.path.join(DIRECTORY, name + ".u32"), dtype="<u4").astype(np.int64)


sources, gains, costs = numbers("sources"), numbers("gains"), numbers("costs")
pairs = numbers("jewels").reshape(-1, 2)
jewels = pairs[:, 0]
ours = {}
for line in example("search_timings", SCALE, str(REPEATS)).splitlines():
    if line.startswith('{"work"'):
        record = json.loads(line)
        ours[record["work"]] = record["cpu_ms"]
    elif line.startswith('{"states"'):
        ours["memory"] = json.loads(line)["bytes_per_step"]

# One edge for each pair, the cheapest; no loops. Costs of 0 would vanish in a sparse matrix.
order = np.lexsort((costs, gains, sources))
sources, gains, costs = sources[order], gains[order], np.maximum(costs[order], 1)
first = np.ones(len(sources), bool)
first[1:] = (sources[1:] != sources[:-1]) | (gains[1:] != gains[:-1])
first &= sources != gains
sources, gains = sources[first].astype(np.int32), gains[first].astype(np.int32)
costs = costs[first]

results = {}


def measure(work, library, run, part=1.0):
    """Best CPU time of `run`, which does `part` of the work."""
    spent = float("inf")
    for _ in range(REPEATS if part == 1.0 else 1):
        start = time.process_time()
        run()
        spent = min(spent, (time.process_time() - start) * 1000 / part)
    record(work, library, spent, part < 1.0)


def record(work, library, figure, is_extrapolated=False):
    results.setdefault(work, {})[library] = (figure, is_extrapolated)
    print(f"{library}: {work}: {figure:.1f}", file=sys.stderr, flush=True)


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def building(library):
    """What building the library's graph adds to the process, for each step."""
    gc.collect()
    before = resident_bytes()
    yield
    gc.collect()
    record(MEMORY, library, (resident_bytes() - before) / len(sources))


def guarded(function):
    try:
        function()
    except Exception as error:  # a peer that fails must not end the others
        print(f"{function.__name__}: {type(error).__name__}: {error}", file=sys.stderr)


EXPLOIT, SCC = "exploitability", "components"
REACH, BLAST = "reach, condensed anew", "blast radius sizes"
PAIRS, DOMINATORS, CUT = "10 paths for 20 pairs", "dominators", "minimum vertex cut"
MEMORY = "memory"
ROWS = [EXPLOIT, SCC, REACH, BLAST, PAIRS, DOMINATORS, CUT, MEMORY]
SAMPLE = 50
sample = np.random.default_rng(1).choice(n_states, SAMPLE, replace=False)


def split_network():
    """States split in two; capacity 1 between the halves, but for the start and the jewels."""
    big = 10**6
    capacity = np.ones(n_states, np.int64)
    capacity[0] = big
    capacity[jewels] = big
    end = 2 * n_states
    states = np.arange(n_states)
    heads = np.concatenate([2 * states, 2 * sources + 1, 2 * jewels + 1])
    tails = np.concatenate([2 * states + 1, 2 * gains, np.full(len(jewels), end)])
    limits = np.concatenate(
        [capacity, np.full(len(sources), big), np.full(len(jewels), big)])
    return heads, tails, limits, end


def scipy_peer():
    from scipy.sparse import csr_array
    from scipy.sparse import csgraph
    shape = (n_states, n_states)
    with building("scipy"):
        graph = csr_array((costs.astype(float), (sources, gains)), shape=shape)
        back = csr_array(graph.T)
    measure(EXPLOIT, "scipy", lambda: csgraph.dijkstra(graph, indices=0))
    measure(SCC, "scipy",
            lambda: csgraph.connected_components(graph, directed=True, connection="strong"))
    def reach():
        total = np.zeros(n_states)
        for state, value in pairs:
            found = csgraph.breadth_first_order(back, state, return_predecessors=False)
            total[found] += value
    measure(REACH, "scipy", reach)
    measure(BLAST, "scipy", lambda: [
        len(csgraph.breadth_first_order(graph, int(state), return_predecessors=False))
        for state in sample], SAMPLE / n_states)
    if hasattr(csgraph, "yen"):
        measure(PAIRS, "scipy", lambda: csgraph.yen(graph, 0, int(jewels[0]), 10), 1 / 20)
    heads, tails, limits, end = split_network()
    heads, tails = heads.astype(np.int32), tails.astype(np.int32)
    network = csr_array((limits.astype(np.int32), (heads, tails)), shape=(end + 1, end + 1))
    measure(CUT, "scipy", lambda: csgraph.maximum_flow(network, 1, end, method="dinic"))


def igraph_peer():
    import igraph
    with building("igraph"):
        graph = igraph.Graph(n=n_states, edges=np.stack([sources, gains], 1), directed=True)
    weights = costs.tolist()
    measure(EXPLOIT, "igraph", lambda: graph.distances(0, weights=weights))
    measure(SCC, "igraph", lambda: graph.connected_components(mode="strong"))
    measure(REACH, "igraph", lambda: [
        graph.subcomponent(int(state), mode="in") for state in jewels])
    measure(BLAST, "igraph", lambda: [
        len(graph.subcomponent(int(state), mode="out")) for state in sample], SAMPLE / n_states)
    measure(PAIRS, "igraph", lambda: graph.get_k_shortest_paths(
        0, int(jewels[0]), k=10, weights=weights, output="vpath"), 1 / 20)
    measure(DOMINATORS, "igraph", lambda: graph.dominator(0))
    heads, tails, limits, end = split_network()
    network = igraph.Graph(n=end + 1, edges=np.stack([heads, tails], 1), directed=True)
    capacity = limits.tolist()
    measure(CUT, "igraph", lambda: network.maxflow_value(1, end, capacity=capacity))


def networkit_peer():
    import networkit
    networkit.setNumberOfThreads(os.cpu_count())
    with building("networkit"):
        graph = networkit.GraphFromCoo(
            (costs.astype(float), (sources.astype(np.uint64), gains.astype(np.uint64))),
            n=n_states, weighted=True, directed=True)
    back = networkit.graphtools.transpose(graph)
    measure(EXPLOIT, "networkit",
            lambda: networkit.distance.Dijkstra(graph, 0, storePaths=False).run())
    measure(SCC, "networkit",
            lambda: networkit.components.StronglyConnectedComponents(graph).run())
    measure(REACH, "networkit", lambda: [
        networkit.distance.BFS(back, int(state), storePaths=False).run() for state in jewels])
    if n_states <= 200_000:
        exact = networkit.reachability.ReachableNodes(graph, True)
        start = time.process_time()
        exact.run()
        record(BLAST, "networkit", (time.process_time() - start) * 1000)


def rustworkx_peer():
    import rustworkx
    with building("rustworkx"):
        graph = rustworkx.PyDiGraph(multigraph=True)
        graph.add_nodes_from(range(n_states))
        graph.add_edges_from(
            list(zip(sources.tolist(), gains.tolist(), costs.astype(float).tolist())))
    measure(EXPLOIT, "rustworkx",
            lambda: rustworkx.dijkstra_shortest_path_lengths(graph, 0, edge_cost_fn=float))
    measure(SCC, "rustworkx", lambda: rustworkx.strongly_connected_components(graph))
    measure(REACH, "rustworkx", lambda: [
        rustworkx.ancestors(graph, int(state)) for state in jewels])
    measure(BLAST, "rustworkx", lambda: [
        len(rustworkx.descendants(graph, int(state))) for state in sample], SAMPLE / n_states)
    measure(DOMINATORS, "rustworkx", lambda: rustworkx.immediate_dominators(graph, 0))


libraries = os.environ.get("PEERS", "scipy,igraph,rustworkx,networkit").split(",")
for library in libraries:
    guarded(globals()[library + "_peer"])

print(f"{n_states} states, {len(sources)} distinct steps; CPU ms (ratio to Foothold); "
      "memory in bytes a step")
print("| work | Foothold | " + " | ".join(libraries) + " |")
print("|---|---|" + "---|" * len(libraries))
for row in ROWS:
    own = ours.get(row)
    cells = []
    for library in libraries:
        found = results.get(row, {}).get(library)
        if found is None or own is None:
            cells.append("-")
        else:
            mark = "~" if found[1] else ""
            cells.append(f"{mark}{found[0]:,.0f} ({found[0] / own:,.1f}x)")
    print(f"| {row} | {own if own is None else format(own, ',.1f')} | " + " | ".join(cells) + " |")
