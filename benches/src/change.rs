//! Changes to an estate as lines: what a day brings.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Vulnerabilities get another EPSS score.
    Scores,
    /// Packages are found to be affected by more vulnerabilities.
    Findings,
    /// Workloads are started: copies of others, with all their edges.
    Workloads,
    /// Edges of any kind go.
    Removals,
    /// Edges of any kind go, and others of the same kinds come.
    Mixed,
}

impl Change {
    /// Every kind.
    pub const ALL: [Change; 5] = [
        Change::Scores,
        Change::Findings,
        Change::Workloads,
        Change::Removals,
        Change::Mixed,
    ];

    /// What it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Change::Scores => "new EPSS scores",
            Change::Findings => "new findings",
            Change::Workloads => "new workloads",
            Change::Removals => "edges removed",
            Change::Mixed => "edges moved",
        }
    }
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

/// The lines of an estate in which about `part` of all facts (lines) are changed in one way.
///
/// # Panics
/// When `lines` are not those of an estate.
#[allow(
    clippy::expect_used,
    clippy::cast_sign_loss,
    reason = "lines come from the generator; a part is positive"
)]
pub fn changed(lines: &[u8], change: Change, part: f64, seed: u64) -> Vec<u8> {
    let mut facts: Vec<Value> = lines
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a line of JSON"))
        .collect();
    let mut random = Random(seed);
    let n = ((facts.len() as f64 * part) as usize).max(1);
    let labelled = |facts: &[Value], label: &str| -> Vec<usize> {
        let has = |fact: &Value| {
            let labels = fact["node"]["labels"].as_array();
            labels.is_some_and(|labels| labels.iter().any(|one| one == label))
        };
        (0..facts.len()).filter(|&at| has(&facts[at])).collect()
    };
    let is_edge = |fact: &Value| fact.get("edge").is_some();
    match change {
        Change::Scores => {
            let mut found = labelled(&facts, "Vulnerability");
            for _ in 0..n.min(found.len()) {
                let at = found.swap_remove(random.below(found.len()));
                let epss = random.below(10_000) as f64 / 10_000.0;
                facts[at]["node"]["props"]["epss"] = json!(epss);
            }
        }
        Change::Findings => {
            let packages = labelled(&facts, "Package");
            let found = labelled(&facts, "Vulnerability");
            for _ in 0..n {
                let package = &facts[packages[random.below(packages.len())]]["node"]["id"];
                let vulnerability = &facts[found[random.below(found.len())]]["node"]["id"];
                let edge = json!({"edge": {
                    "from": package, "to": vulnerability, "kind": "AFFECTED_BY", "props": {}
                }});
                facts.push(edge);
            }
        }
        Change::Workloads => {
            let workloads = labelled(&facts, "Workload");
            let mut edges_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (at, fact) in facts.iter().enumerate() {
                for end in ["from", "to"] {
                    if let Some(id) = fact["edge"][end].as_str() {
                        edges_of.entry(id).or_default().push(at);
                    }
                }
            }
            let mut copies = Vec::new();
            while copies.len() < n {
                let at = workloads[random.below(workloads.len())];
                let id = facts[at]["node"]["id"].clone();
                let copy = format!("{}-copy{}", id.as_str().expect("an id"), copies.len());
                let edges = id.as_str().and_then(|id| edges_of.get(id));
                let edges: Vec<Value> = edges
                    .into_iter()
                    .flatten()
                    .map(|&edge| facts[edge].clone())
                    .collect();
                copies.push(facts[at].clone());
                let node = copies.len() - 1;
                copies[node]["node"]["id"] = json!(copy);
                for mut edge in edges {
                    for end in ["from", "to"] {
                        if edge["edge"][end] == id {
                            edge["edge"][end] = json!(copy);
                        }
                    }
                    copies.push(edge);
                }
            }
            facts.extend(copies);
        }
        Change::Removals | Change::Mixed => {
            let mut edges: Vec<usize> =
                (0..facts.len()).filter(|&at| is_edge(&facts[at])).collect();
            let mut gone = vec![false; facts.len()];
            for _ in 0..n.min(edges.len()) {
                gone[edges.swap_remove(random.below(edges.len()))] = true;
            }
            if change == Change::Mixed && !edges.is_empty() {
                for at in 0..gone.len() {
                    if gone[at] {
                        // It now ends where another edge of its kind does.
                        let kind = facts[at]["edge"]["kind"].clone();
                        let other = (0..64)
                            .map(|_| edges[random.below(edges.len())])
                            .find(|&other| facts[other]["edge"]["kind"] == kind);
                        if let Some(other) = other {
                            facts[at]["edge"]["to"] = facts[other]["edge"]["to"].clone();
                            gone[at] = false;
                        }
                    }
                }
            }
            let mut gone = gone.into_iter();
            facts.retain(|_| !gone.next().unwrap_or(false));
        }
    }
    let mut out = Vec::with_capacity(lines.len());
    for fact in &facts {
        serde_json::to_writer(&mut out, fact).expect("memory takes everything");
        out.push(b'\n');
    }
    out
}
