"""Answers the counting queries of `opengraph.md` from the files, without this product.

    python3 check.py ../shared/corpus/opengraph

Prints what the page must show. Nothing here runs in a test.
"""

import collections
import json
import pathlib
import sys

nodes, edges = {}, set()
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    graph = json.loads(file.read_text())["graph"]
    for node in graph["nodes"]:
        known = nodes.setdefault(node["id"], {"kinds": set(), "props": {}})
        known["kinds"] |= set(node["kinds"])
        known["props"] |= node.get("properties") or {}
    for edge in graph["edges"]:
        ends = edge["start"]["value"], edge["end"]["value"]
        traversable = (edge.get("properties") or {}).get("traversable")
        edges.add((ends[0], edge["kind"], ends[1], traversable))
edges = {e for e in edges if e[0] in nodes and e[2] in nodes}
out = collections.defaultdict(list)
for start, kind, end, _ in edges:
    out[start].append((kind, end))


def of(kind):
    return [id for id in nodes if kind in nodes[id]["kinds"]]


def name(id):
    return nodes[id]["props"].get("name")


def step(start, kind, label=None):
    return [e for k, e in out[start] if k == kind and (label is None or label in nodes[e]["kinds"])]


def closure(start, kinds):
    seen, todo = {start: 0}, [start]
    for here in todo:
        for kind, end in out[here]:
            if kind in kinds and end not in seen:
                seen[end] = seen[here] + 1
                todo.append(end)
    return seen


def show(title, rows):
    print(f"## {title}")
    for row in rows:
        print("  ", row)


show("roles", sorted((name(u), name(r)) for u in of("GH_User") for r in step(u, "GH_HasRole", "GH_OrgRole")))
show("owners", sorted({name(u) for u in of("GH_User") for r in step(u, "GH_HasRole", "GH_OrgRole") if nodes[r]["props"].get("short_name") == "owners"}))
admins = [r for r in of("GH_RepoRole") if nodes[r]["props"].get("short_name") == "admin"]
show("edges of admin", sorted(collections.Counter(k for r in admins for k, _ in out[r]).items(), key=lambda x: (-x[1], x[0]))[:5])
show("kinds", sorted(collections.Counter(k for n in nodes.values() for k in n["kinds"]).items(), key=lambda x: (-x[1], x[0]))[:6])
hops = collections.Counter()
for u in of("GH_User"):
    seen = closure(u, {"GH_HasRole", "GH_HasBaseRole", "GH_MemberOf", "GH_WriteRepoContents"})
    for r in of("GH_Repository"):
        if r in seen:
            hops[seen[r]] += 1
show("shortest", sorted(hops.items()))
inherits = collections.Counter()
def trails(here, used):
    for kind, end in out[here]:
        edge = (here, kind, end)
        if kind == "GH_HasBaseRole" and edge not in used:
            if "GH_RepoRole" in nodes[end]["kinds"]:
                yield end
            yield from trails(end, used | {edge})
for r in of("GH_RepoRole"):
    for end in trails(r, frozenset()):
        inherits[nodes[r]["props"].get("short_name"), nodes[end]["props"].get("short_name")] += 1
show("inherits", sorted(inherits.items(), key=lambda x: (-x[1], str(x[0]))))
writers = {}
for u in of("GH_User"):
    branches = set()
    for role in step(u, "GH_HasRole", "GH_RepoRole"):
        for base in closure(role, {"GH_HasBaseRole"}):
            if "GH_RepoRole" in nodes[base]["kinds"]:
                branches |= set(step(base, "GH_CanWriteBranch", "GH_Branch"))
    if branches:
        writers[name(u)] = len(branches)
show("writers", sorted(writers.items(), key=lambda x: (-x[1], x[0]))[:5])
protected = {end for start, kind, end, _ in edges if kind == "GH_ProtectedBy" and "GH_BranchProtectionRule" in nodes[start]["kinds"]}
show("unprotected", sorted(collections.Counter(name(r) for r in of("GH_Repository") for b in step(r, "GH_HasBranch", "GH_Branch") if b not in protected).items(), key=lambda x: (-x[1], x[0]))[:5])
show("protected", [len([b for b in of("GH_Branch") if b in protected])])
show("no workflow", sorted(name(r) for r in of("GH_Repository") if not step(r, "GH_HasWorkflow")))
show("secrets", sorted(((name(r), len({name(s) for s in step(r, "GH_HasSecret", "GH_Secret")})) for r in of("GH_Repository") if step(r, "GH_HasSecret")), key=lambda x: (-x[1], x[0]))[:4])
users = collections.Counter(name(s) for r in of("GH_Repository") for s in step(r, "GH_HasSecret", "GH_OrgSecret"))
show("org secrets", sorted(((s, n) for s, n in users.items() if n > 1), key=lambda x: (-x[1], x[0])))
show("teams, apps", [len(of("GH_App")), len(of("GH_Team"))])
show("admin roles", [sum(1 for r in of("GH_RepoRole") if name(r).lower().endswith("/admin") and name(r).startswith("SpecterTst/"))])
show("b*test*", sorted(name(r) for r in of("GH_Repository") if name(r).lower().startswith("b") and "test" in name(r).lower()))
show("traversable", sorted(collections.Counter(k for _, k, _, t in edges if t is True).items(), key=lambda x: (-x[1], x[0]))[:5])
tokens = collections.defaultdict(lambda: (set(), set()))
for u in of("GH_User"):
    for _, t in out[u]:
        if "GH_PersonalAccessToken" in nodes[t]["kinds"]:
            for r in step(t, "GH_CanAccess", "GH_Repository"):
                tokens[name(u)][0].add(t)
                tokens[name(u)][1].add(r)
show("tokens", sorted((u, len(t), len(r)) for u, (t, r) in tokens.items()))
teams = collections.defaultdict(set)
for u in of("GH_User"):
    for role in step(u, "GH_HasRole", "GH_TeamRole"):
        for t in step(role, "GH_MemberOf", "GH_Team"):
            teams[name(t)].add(u)
show("teams", sorted(((t, len(us)) for t, us in teams.items()), key=lambda x: (-x[1], x[0]))[:3])
show("users", sorted(((name(u), bool(step(u, "GH_HasRole", "GH_OrgRole")), len(step(u, "GH_HasRole", "GH_RepoRole"))) for u in of("GH_User")), key=lambda x: (-x[2], x[0]))[:3])
show("secrets by scope", [len(of("GH_RepoSecret")), len(of("GH_OrgSecret")), len(of("GH_EnvironmentSecret"))])
