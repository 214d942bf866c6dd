//! What is computed again after a change is what is computed from the start: on the documents of
//! the demo estate and the shipped rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use foothold_engine::attack::{AttackGraph, RuleSet, derive, derive_again};
use foothold_engine::budget::Budget;
use foothold_engine::build::{Staging, assemble};
use foothold_engine::graph::{NodeId, Snapshot, SnapshotDelta};
use foothold_engine::model::{FactRef, Facts, Origin, PropRange, SourceInfo, Value};
use foothold_engine::recompute::{Computed, EstateRisk, recompute, recompute_again};
use foothold_engine::score::ScoringModel;
use foothold_engine::search::{AttackPath, PathQuery, StateId, StepId, attack_paths};
use foothold_loaders::{Context, Options, Outcome, load_bytes, load_paths};
use foothold_query::define::Definitions;
use foothold_query::verb::{AttackPathValue, default_start};

/// Documents by name, with what they say.
type Documents = BTreeMap<String, (SourceInfo, Facts)>;

fn demo() -> Documents {
    let mut documents = Documents::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/demo");
    load_paths(&[folder], &Options::new(0), &mut |outcome| {
        if let Outcome::Read(loaded) = outcome {
            let name = loaded.source.name.to_string();
            documents.insert(name, (loaded.source, loaded.facts));
        }
    })
    .unwrap();
    assert!(documents.len() > 30);
    documents
}

/// Puts a document in the place of the one whose name ends so.
fn replace(documents: &mut Documents, ending: &str, bytes: Vec<u8>) {
    let name = documents.keys().find(|name| name.ends_with(ending));
    let name = name.unwrap().clone();
    let options = Options {
        context: Context::default(),
        ..Options::new(0)
    };
    match load_bytes(&name, bytes, &options) {
        Outcome::Read(loaded) => documents.insert(name, (loaded.source, loaded.facts)),
        other => panic!("{name}: {:?}", other.report()),
    };
}

struct Engine {
    pool: rayon::ThreadPool,
    budget: Budget,
    model: Arc<ScoringModel>,
}

impl Engine {
    fn new() -> Self {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2);
        Engine {
            pool: pool.build().unwrap(),
            budget: Budget::unlimited(),
            model: Arc::new(ScoringModel::shipped()),
        }
    }

    fn rules(&self, snapshot: &Snapshot) -> Arc<RuleSet> {
        Arc::new(Definitions::shipped().compile(snapshot, &self.model).0)
    }

    fn full(&self, snapshot: &Arc<Snapshot>) -> AttackGraph {
        derive(snapshot, &self.rules(snapshot), &self.pool, &self.budget).unwrap()
    }

    fn again(&self, old: &AttackGraph, snapshot: &Arc<Snapshot>) -> (AttackGraph, SnapshotDelta) {
        let delta = SnapshotDelta::new(old.snapshot(), snapshot);
        let rules = self.rules(snapshot);
        let graph = derive_again(old, &delta, snapshot, &rules, &self.pool, &self.budget);
        (graph.unwrap(), delta)
    }

    fn risk(&self, graph: &AttackGraph) -> EstateRisk {
        let starts = default_start(graph);
        let outcome = recompute(graph, &starts, &self.pool, &self.budget, &|_| {});
        outcome.into_parts().0
    }

    fn risk_again(
        &self,
        old: Computed<'_>,
        graph: &AttackGraph,
        delta: &SnapshotDelta,
    ) -> EstateRisk {
        let starts = default_start(graph);
        let outcome = recompute_again(old, graph, delta, &starts, &self.pool, &self.budget);
        outcome.into_parts().0
    }

    /// The likeliest paths from the internet to these stores, by signature.
    fn paths(&self, graph: &Arc<AttackGraph>, stores: &[String]) -> BTreeMap<String, AttackPath> {
        let snapshot = graph.snapshot();
        let targets: Vec<StateId> = stores
            .iter()
            .flat_map(|store| graph.target_states(snapshot.node(store).unwrap()))
            .collect();
        let query = PathQuery::best(default_start(graph), targets, 400);
        let found = attack_paths(graph.topology(), &query, &self.pool, &self.budget);
        let paths = found.into_parts().0.into_iter();
        paths
            .map(|path| {
                let value = AttackPathValue::new(graph, None, path.clone());
                (value.signature().to_owned(), path)
            })
            .collect()
    }
}

fn snapshot_of(documents: &Documents) -> Arc<Snapshot> {
    let mut staging = Staging::new();
    for (source, facts) in documents.values() {
        staging.add(source, facts);
    }
    Arc::new(assemble(staging).unwrap())
}

/// The ids of every data store.
fn stores(snapshot: &Snapshot) -> Vec<String> {
    let stores = snapshot.labelled(snapshot.label_id("DataStore").unwrap());
    let ids = stores.iter().map(|store| snapshot.stable_id(NodeId(store)));
    ids.map(str::to_owned).collect()
}

/// A step in words that hold in every graph: rule, premises, gain.
fn words(graph: &AttackGraph, step: StepId) -> String {
    let topology = graph.topology();
    let mut words = graph.rules().get(graph.rule_of(step)).name.to_string();
    for state in topology
        .premises(step)
        .into_iter()
        .chain([topology.gain(step)])
    {
        words.push(' ');
        words.push_str(&graph.state_text(state));
    }
    words
}

fn costs(graph: &AttackGraph) -> BTreeMap<String, u32> {
    let topology = graph.topology();
    let steps = topology.steps();
    steps
        .map(|step| (words(graph, step), topology.cost(step)))
        .collect()
}

/// Whether a step rests on one of these nodes in one of its matches.
fn rests_on(graph: &AttackGraph, step: StepId, nodes: &BTreeSet<NodeId>) -> bool {
    graph.instances_of(step).any(|instance| {
        let bindings = graph.bindings_of(step, instance);
        bindings.nodes().any(|node| nodes.contains(&node))
    })
}

fn kev(ids: &[&str]) -> Vec<u8> {
    let entries: Vec<_> = ids
        .iter()
        .map(|id| {
            serde_json::json!({"cveID": id, "vendorProject": "x", "product": "x",
                "vulnerabilityName": "x", "dateAdded": "2026-01-01", "dueDate": "2026-02-01",
                "knownRansomwareCampaignUse": "Unknown"})
        })
        .collect();
    let feed = serde_json::json!({"title": "CISA Catalog of Known Exploited Vulnerabilities",
        "catalogVersion": "2026.01.01", "count": ids.len(), "vulnerabilities": entries});
    feed.to_string().into_bytes()
}

/// The ids of vulnerabilities that some step of the graph rests on.
fn in_use(graph: &AttackGraph) -> Vec<String> {
    let snapshot = graph.snapshot();
    let label = snapshot.label_id("Vulnerability").unwrap();
    let mut found = BTreeSet::new();
    for step in graph.topology().steps() {
        for instance in graph.instances_of(step) {
            let nodes = graph.bindings_of(step, instance);
            let nodes = nodes
                .nodes()
                .filter(|&node| snapshot.has_label(node, label));
            found.extend(nodes.map(|node| snapshot.stable_id(node)["vuln:".len()..].to_owned()));
        }
    }
    found.into_iter().collect()
}

/// T23: another KEV list, then other EPSS scores. What is computed again is what is computed from
/// the start; of steps and paths only those that rest on a vulnerability whose entry changed have
/// another likelihood, and those of what is listed anew a higher one.
#[test]
fn t23_a_feed_rescores_only_affected_paths_and_equals_a_full_recomputation() {
    let engine = Engine::new();
    let mut documents = demo();
    let before = Arc::new(engine.full(&snapshot_of(&documents)));
    let used = in_use(&before);
    assert!(used.len() > 5);
    // One more is exploited, one gets another score; most stay.
    let listed = ["CVE-2021-44228", "CVE-2021-45046"];
    let is_other = |id: &&String| id.starts_with("CVE-") && !listed.contains(&id.as_str());
    let exploited = used.iter().rfind(is_other).unwrap();
    let scored = used.iter().find(is_other).unwrap();
    assert_ne!(exploited, scored);

    let feed = kev(&[listed[0], listed[1], exploited]);
    replace(&mut documents, "scans/kev.json", feed);
    let after = only_these_are_rescored(&engine, &before, &documents, exploited);
    let feed = format!(
        "#model_version:v2026.01.01,score_date:2026-01-02T00:00:00Z\n\
         cve,epss,percentile\n{scored},0.97,0.99\n"
    );
    replace(&mut documents, "scans/epss.csv", feed.into_bytes());
    let after = only_these_are_rescored(&engine, &after, &documents, scored);
    // And back: what is no longer listed is no longer likelier.
    let (back, _) = engine.again(&after, &snapshot_of(&demo()));
    assert!(back.is_identical(&before));
}

/// The graph of these documents, computed again from the one before: what changed rests on changed
/// vulnerabilities, and what rests on this one became likelier.
fn only_these_are_rescored(
    engine: &Engine,
    before: &Arc<AttackGraph>,
    documents: &Documents,
    likelier: &str,
) -> Arc<AttackGraph> {
    let risk_before = engine.risk(before);
    let stores = stores(before.snapshot());
    let paths_before = engine.paths(before, &stores);
    let snapshot = snapshot_of(documents);
    let (after, delta) = engine.again(before, &snapshot);
    let after = Arc::new(after);

    // Equal to a full recomputation, to the byte.
    assert!(after.is_identical(&engine.full(&snapshot)));
    let computed = Computed {
        graph: before,
        risk: &risk_before,
    };
    let risk = engine.risk_again(computed, &after, &delta);
    assert_eq!(risk, engine.risk(&after));
    assert_ne!(risk.assets, risk_before.assets);

    // Only what rests on a changed entry has another likelihood.
    let changed: BTreeSet<NodeId> = delta
        .node_properties()
        .iter()
        .flat_map(|changed| changed.ids.iter().map(|&id| NodeId(id)))
        .chain(delta.new_nodes().iter().map(|&id| NodeId(id)))
        .collect();
    let (costs_before, costs_after) = (costs(before), costs(&after));
    assert!(costs_before.keys().eq(costs_after.keys()), "the steps stay");
    let steps: BTreeMap<String, StepId> = after
        .topology()
        .steps()
        .map(|step| (words(&after, step), step))
        .collect();
    let rescored: BTreeSet<&String> = costs_after
        .iter()
        .filter(|&(step, cost)| costs_before[step] != *cost)
        .map(|(step, _)| step)
        .collect();
    assert!(!rescored.is_empty() && rescored.len() * 4 < steps.len());
    let node = snapshot.node(&format!("vuln:{likelier}")).unwrap();
    assert!(changed.contains(&node));
    let mut n_likelier = 0;
    for step in &rescored {
        assert!(rests_on(&after, steps[*step], &changed), "{step}");
        if rests_on(&after, steps[*step], &BTreeSet::from([node])) {
            assert!(costs_after[*step] < costs_before[*step], "{step}");
            n_likelier += 1;
        }
    }
    assert!(n_likelier > 0, "{likelier}");
    let paths = engine.paths(&after, &stores);
    let signatures =
        |paths: &BTreeMap<String, AttackPath>| -> Vec<String> { paths.keys().cloned().collect() };
    assert_eq!(
        signatures(&paths),
        signatures(&paths_before),
        "no path comes or goes"
    );
    let (mut n_rescored, mut n_kept) = (0, 0);
    for (signature, path) in &paths {
        let concerns = |step: &StepId| rescored.contains(&words(&after, *step));
        if path.steps.iter().any(concerns) {
            n_rescored += 1;
        } else {
            assert_eq!(path.cost, paths_before[signature].cost, "{signature}");
            n_kept += 1;
        }
    }
    assert!(n_rescored > 0 && n_kept > 0, "{n_rescored} {n_kept}");
    after
}

/// Numbers that are the same on every machine (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) as usize % n.max(1)
    }
}

/// Says what a document says, in other words.
struct Copy<'a> {
    from: &'a Facts,
    to: Facts,
    /// The name of a fact's property and its value to what is said instead, if anything is.
    property: &'a mut dyn FnMut(&str, &Value) -> Option<Value>,
}

impl Copy<'_> {
    fn node(&mut self, at: usize, id: &str) {
        let node = &self.from.nodes()[at];
        let labels: Vec<&str> = node
            .labels
            .iter()
            .map(|&label| self.from.str(label))
            .collect();
        let copy = self.to.node(id, &labels).unwrap();
        self.properties(copy, &node.props);
        if node.confidence < 100 {
            self.to.infer(copy, "copied", node.confidence);
        }
    }

    fn edge(&mut self, at: usize, from: &str, to: &str) {
        let edge = &self.from.edges()[at];
        let copy = self.to.edge(from, self.from.str(edge.kind), to).unwrap();
        self.properties(copy, &edge.props);
        if let Some(key) = edge.key {
            self.to.set_key(copy, self.from.str(key));
        }
        if let Origin::Inferred(method) = edge.origin {
            self.to.infer(copy, self.from.str(method), edge.confidence);
        }
    }

    fn properties(&mut self, fact: FactRef, range: &PropRange) {
        for (name, value) in self.from.props(range) {
            let name = self.from.str(*name);
            if let Some(value) = (self.property)(name, value) {
                self.to.set(fact, name, value);
            }
        }
    }
}

/// The facts with about one in `rarity` of them gone, without a property, or elsewhere.
fn disturbed(facts: &Facts, random: &mut Random, rarity: usize) -> Facts {
    let mut property_random = Random(random.below(usize::MAX) as u64);
    let mut property = |_: &str, value: &Value| {
        let value = value.clone();
        match (property_random.below(4 * rarity), value) {
            (0, _) => None,
            (1, Value::Bool(flag)) => Some(Value::Bool(!flag)),
            (1, Value::Float(number)) => Some(Value::Float(number / 2.0)),
            (_, value) => Some(value),
        }
    };
    let mut copy = Copy {
        from: facts,
        to: Facts::new(),
        property: &mut property,
    };
    for (at, node) in facts.nodes().iter().enumerate() {
        if random.below(2 * rarity) > 0 {
            copy.node(at, facts.str(node.id));
        }
    }
    for (at, edge) in facts.edges().iter().enumerate() {
        let (from, to) = (facts.str(edge.from), facts.str(edge.to));
        match random.below(2 * rarity) {
            0 => {}
            1 => {
                let same: Vec<_> = facts
                    .edges()
                    .iter()
                    .filter(|one| one.kind == edge.kind)
                    .collect();
                let other = same[random.below(same.len())];
                copy.edge(at, from, facts.str(other.to));
            }
            _ => copy.edge(at, from, to),
        }
    }
    copy.to
}

/// Random changes of the demo's documents, one after the other.
#[test]
fn random_changes_of_the_demo_give_the_bytes_of_a_full_derivation() {
    let engine = Engine::new();
    let demo = demo();
    let names: Vec<&String> = demo.keys().collect();
    for seed in 0..6 {
        let mut random = Random(seed);
        let mut documents = demo.clone();
        let mut old = engine.full(&snapshot_of(&documents));
        let mut risk = engine.risk(&old);
        for round in 0..4 {
            let rarity = [400, 60, 15, 60][round];
            for _ in 0..=random.below(3) {
                let name = names[random.below(names.len())];
                // From what it first said: what was gone comes back.
                let facts = disturbed(&demo[name].1, &mut random, rarity);
                documents.get_mut(name).unwrap().1 = facts;
            }
            let snapshot = snapshot_of(&documents);
            let (again, delta) = engine.again(&old, &snapshot);
            let full = engine.full(&snapshot);
            assert!(again.is_identical(&full), "seed {seed}, round {round}");
            let computed = Computed {
                graph: &old,
                risk: &risk,
            };
            let risk_again = engine.risk_again(computed, &again, &delta);
            assert_eq!(risk_again, engine.risk(&full), "seed {seed}, round {round}");
            (old, risk) = (again, risk_again);
        }
    }
}

/// Properties whose text is one of a few words.
const WORDS: &[&str] = &[
    "attack_complexity",
    "attack_vector",
    "class",
    "kind",
    "privileges_required",
    "severity",
    "status",
    "type",
    "user_interaction",
];

/// Some of what the documents say, of other things: no id and no name is one of theirs.
fn elsewhere(documents: &Documents, random: &mut Random) -> Facts {
    let word = format!("{}-", ["0a", "m5", "zz"][random.below(3)]);
    let other = |id: &str| {
        let (scheme, rest) = id.split_once(':').unwrap();
        match rest.strip_prefix("//") {
            Some(rest) => format!("{scheme}://{word}{rest}"),
            None => format!("{scheme}:{word}{rest}"),
        }
    };
    let mut property = |name: &str, value: &Value| {
        Some(match value {
            Value::Str(text) if !WORDS.contains(&name) => {
                Value::from(format!("{word}{text}").as_str())
            }
            Value::List(_) => return None,
            value => value.clone(),
        })
    };
    let mut to = Facts::new();
    for (_, facts) in documents.values() {
        let mut copy = Copy {
            from: facts,
            to,
            property: &mut property,
        };
        for (at, node) in facts.nodes().iter().enumerate() {
            if random.below(3) > 0 {
                copy.node(at, &other(facts.str(node.id)));
            }
        }
        for (at, edge) in facts.edges().iter().enumerate() {
            if random.below(3) > 0 {
                let ends = [edge.from, edge.to].map(|end| other(facts.str(end)));
                copy.edge(at, &ends[0], &ends[1]);
            }
        }
        to = copy.to;
    }
    to
}

/// Whatever else the graph holds, a path is called what it was called.
#[test]
fn signatures_of_paths_stay_when_unrelated_facts_come_and_go() {
    let engine = Engine::new();
    let mut documents = demo();
    let before = Arc::new(engine.full(&snapshot_of(&documents)));
    let stores = stores(before.snapshot());
    let costs = |paths: &BTreeMap<String, AttackPath>| -> Vec<(String, u32)> {
        let costs = paths.iter().map(|(name, path)| (name.clone(), path.cost));
        costs.collect()
    };
    let expected = costs(&engine.paths(&before, &stores));
    assert!(expected.len() > 20);
    for seed in 0..6 {
        let facts = elsewhere(&documents, &mut Random(seed));
        let source = SourceInfo {
            name: "elsewhere".into(),
            ..SourceInfo::default()
        };
        documents.insert("elsewhere".to_owned(), (source, facts));
        let after = Arc::new(engine.full(&snapshot_of(&documents)));
        let (n_before, n_after) = (before.n_steps(), after.n_steps());
        assert!(n_after > n_before * 11 / 10, "{n_before} {n_after}");
        assert_eq!(
            costs(&engine.paths(&after, &stores)),
            expected,
            "seed {seed}"
        );
        documents.remove("elsewhere");
    }
}
