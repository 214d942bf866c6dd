//! A server that went through many changes answers what one that was started on the result answers,
//! and what one answers that never knew anything else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Server, run};

/// Of everything that is asked, something.
const QUESTIONS: &[&str] = &[
    "ATTACK PATHS TOP 40",
    "ATTACK PATHS TO (d:DataStore) CONFIDENCE >= 0.5 TOP 10",
    "EXPLOITABILITY OF (d:DataStore) SAMPLED 256",
    "BLAST RADIUS OF (w:Workload)",
    "CHOKE POINTS",
    "FIX PLAN",
    "WHY NOT exploit-network-cve TO exec(w:Workload)",
    "WHAT IF REMOVE (v:Vulnerability WHERE v.kev) ATTACK PATHS TOP 5",
    "MATCH (a)-[r:ATTACK]->(b) RETURN r.rule, r.likelihood, r.confidence, r.from, id(a), r.to, id(b)",
    "MATCH (n) RETURN id(n), labels(n), properties(n), sources(n), confidence(n)",
    "MATCH (a)-[r]->(b) RETURN id(a), type(r), id(b), properties(r), sources(r), confidence(r)",
];

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/demo")
}

/// Every answer without how long it took and of which snapshot it is.
fn answers(server: &Server) -> Vec<(String, String)> {
    let mut answers: Vec<(String, String)> = QUESTIONS
        .iter()
        .map(|question| {
            let answer = server.post("/api/v1/query", &json!({ "query": question }));
            assert_eq!(answer.status, 200, "{question}: {}", answer.body);
            let mut answer = answer.json();
            answer["stats"].take();
            (question.to_string(), answer.to_string())
        })
        .collect();
    let job = server.post("/api/v1/jobs", &json!({ "kind": "recompute" }));
    let job = server.wait_for(job.json()["id"].as_str().unwrap());
    assert_eq!(job["status"], "done");
    for path in ["/api/v1/assets?limit=10000", "/api/v1/schema"] {
        let mut answer = server.get(path).json();
        for of_this_run in ["/snapshot", "/stats/elapsed_ms"] {
            if let Some(part) = answer.pointer_mut(of_this_run) {
                part.take();
            }
        }
        answers.push((path.to_owned(), answer.to_string()));
    }
    answers
}

#[track_caller]
fn assert_same(one: &[(String, String)], other: &[(String, String)], what: &str) {
    for ((question, one), (_, other)) in one.iter().zip(other) {
        let at = one.bytes().zip(other.bytes()).position(|(a, b)| a != b);
        let at = at.unwrap_or(one.len().min(other.len())).saturating_sub(200);
        let around = |text: &str| text.chars().skip(at).take(500).collect::<String>();
        assert!(
            one == other,
            "{what}: {question}:\n{}\n{}",
            around(one),
            around(other)
        );
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// splitmix64: the same changes every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % n
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// One change of what is imported.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A source is removed.
    Remove,
    /// A document of the demo comes (again), as it is.
    Again,
    /// A document of the demo comes under another name as well.
    Twice,
    /// A document comes again, and is broken.
    Broken,
    /// Other vulnerabilities are known to be exploited.
    Kev,
    /// They have other scores.
    Epss,
    /// Other things are worth something.
    Criticality,
    /// Somebody states facts by hand that others state otherwise.
    ByHand,
    /// What was stated by hand is stated again, in the same bytes.
    ByHandAgain,
    /// The same facts, written anew.
    Rewritten,
}

const KINDS: [Kind; 10] = [
    Kind::ByHand,
    Kind::Remove,
    Kind::Kev,
    Kind::Twice,
    Kind::ByHandAgain,
    Kind::Broken,
    Kind::Rewritten,
    Kind::Epss,
    Kind::Criticality,
    Kind::Again,
];

struct Sequence {
    server: Server,
    random: Random,
    /// Names of the files of the demo that mean the same wherever they lie.
    files: Vec<String>,
    vulnerabilities: Vec<String>,
    stores: Vec<String>,
    /// Ends by kind of relationship.
    edges: Vec<[String; 3]>,
    /// What is there, the last import last.
    alive: Vec<(String, Vec<u8>)>,
    by_hand: Vec<(String, Vec<u8>)>,
}

impl Sequence {
    fn import(&mut self, name: &str, bytes: Vec<u8>) {
        let status = import(&self.server, name, &bytes);
        if status == "read" {
            let known = self.alive.iter().position(|(known, _)| known == name);
            match known {
                // The same once more changes nothing, neither what is said nor who says it last.
                Some(at) if self.alive[at].1 == bytes => {}
                Some(at) => {
                    self.alive.remove(at);
                    self.alive.push((name.to_owned(), bytes));
                }
                None => self.alive.push((name.to_owned(), bytes)),
            }
        }
    }

    fn file(&mut self) -> (String, Vec<u8>) {
        let name = self.random.pick(&self.files).clone();
        let bytes = fs::read(demo().join(&name)).unwrap();
        (format!("demo/{name}"), bytes)
    }

    fn change(&mut self, kind: Kind) {
        match kind {
            Kind::Remove => {
                let name = self.alive[self.random.below(self.alive.len())].0.clone();
                let removed = self.server.delete(&format!("/api/v1/sources?name={name}"));
                assert_eq!(removed.json()["removed"], 1, "{}", removed.body);
                self.alive.retain(|(known, _)| *known != name);
            }
            Kind::Again => {
                let (name, bytes) = self.file();
                self.import(&name, bytes);
            }
            Kind::Twice => {
                let (name, bytes) = self.file();
                self.import(&name.replacen("demo/", "twice/", 1), bytes);
            }
            Kind::Broken => {
                let (name, bytes) = self.file();
                let half = bytes[..bytes.len() / 2].to_vec();
                self.import(&name, half);
            }
            Kind::Kev => {
                let entries: Vec<Value> = (0..6)
                    .map(|_| {
                        let id = self.random.pick(&self.vulnerabilities);
                        json!({"cveID": id, "vendorProject": "x", "product": "x",
                            "vulnerabilityName": "x", "dateAdded": "2026-01-01",
                            "dueDate": "2026-02-01", "knownRansomwareCampaignUse": "Unknown"})
                    })
                    .collect();
                let feed = json!({"title": "CISA Catalog of Known Exploited Vulnerabilities",
                    "catalogVersion": "2026.01.01", "count": 6, "vulnerabilities": entries});
                self.import("demo/scans/kev.json", feed.to_string().into_bytes());
            }
            Kind::Epss => {
                let mut table = "#model_version:v2026.01.01,score_date:2026-01-02T00:00:00Z\n\
                    cve,epss,percentile\n"
                    .to_owned();
                let mut seen = BTreeSet::new();
                for _ in 0..8 {
                    let id = self.random.pick(&self.vulnerabilities).clone();
                    let score = self.random.below(100);
                    if seen.insert(id.clone()) {
                        table += &format!("{id},0.{score:02},0.5\n");
                    }
                }
                self.import("demo/scans/epss.csv", table.into_bytes());
            }
            Kind::Criticality => {
                let mut text = "criticality:\n".to_owned();
                for _ in 0..4 {
                    let store = self.random.pick(&self.stores).clone();
                    let value = self.random.below(1000);
                    text += &format!("  - match: {store}\n    value: {value}\n");
                }
                self.import("demo/criticality.yaml", text.into_bytes());
            }
            Kind::ByHand => {
                for _ in 0..2 {
                    let facts = self.facts();
                    let name = format!("hand/{}.jsonl", self.by_hand.len());
                    self.by_hand.push((name.clone(), facts.clone()));
                    self.import(&name, facts);
                }
            }
            Kind::Rewritten => {
                let (name, mut bytes) = self.by_hand[0].clone();
                bytes.push(b'\n');
                self.import(&name, bytes);
            }
            Kind::ByHandAgain => {
                let (name, bytes) = self.random.pick(&self.by_hand).clone();
                self.import(&name, bytes);
            }
        }
    }

    /// Some relationships with another end, and some properties with another value: about the same
    /// things each time.
    fn facts(&mut self) -> Vec<u8> {
        let mut lines = Vec::new();
        for at in 0..6 {
            let [from, kind, _] = self.random.pick(&self.edges).clone();
            let same: Vec<[String; 3]> = self
                .edges
                .iter()
                .filter(|edge| edge[1] == kind)
                .cloned()
                .collect();
            let to = self.random.pick(&same)[2].clone();
            lines.push(json!({"edge": {"from": from, "kind": kind, "to": to, "props": {}}}));
            let id = format!(
                "vuln:{}",
                self.vulnerabilities[at % self.vulnerabilities.len()]
            );
            let props = json!({"kev": self.random.below(2) == 0, "attack_vector":
                self.random.pick(&["network", "local"])});
            lines.push(json!({"node": {"id": id, "labels": ["Vulnerability"], "props": props}}));
        }
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        lines.join("\n").into_bytes()
    }
}

/// How the only document of an import fared.
fn import(server: &Server, name: &str, bytes: &[u8]) -> String {
    let path = format!("/api/v1/imports?name={name}");
    let accepted = server.request("POST", &path, &[], Some(bytes));
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    server.wait_for(&id);
    let import = server.get(&format!("/api/v1/imports/{id}")).json();
    import["documents"][0]["status"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn texts(server: &Server, query: &str) -> Vec<Vec<String>> {
    let answer = server
        .post("/api/v1/query", &json!({ "query": query }))
        .json();
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let cells = row.as_array().unwrap().iter();
        cells
            .map(|cell| cell.as_str().unwrap().to_owned())
            .collect()
    })
    .collect()
}

/// A server on the demo, each document a source of its own.
fn start(db: &Path, seed: u64) -> Sequence {
    let done = run(&[
        "import",
        "--db",
        db.to_str().unwrap(),
        "--source",
        "demo",
        demo().to_str().unwrap(),
    ]);
    assert_eq!(done.code, 0, "{}", done.err);
    let server = Server::start(db);
    let sources = server.get("/api/v1/sources?limit=1000").json();
    let sources = sources["items"].as_array().unwrap().iter();
    let names: Vec<String> = sources
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect();
    let first = |query: &str| -> Vec<String> {
        texts(&server, query)
            .into_iter()
            .map(|row| row[0].clone())
            .collect()
    };
    Sequence {
        files: names
            .iter()
            .map(|name| name["demo/".len()..].to_owned())
            .filter(|name| {
                ["api/", "sarif/", "sbom/", "scans/"]
                    .iter()
                    .any(|own| name.starts_with(own))
            })
            .collect(),
        vulnerabilities: first(
            "MATCH (v:Vulnerability)<-[:AFFECTED_BY]-() WHERE v.name STARTS WITH 'CVE-' RETURN DISTINCT v.name AS name ORDER BY name",
        ),
        stores: first("MATCH (d:DataStore) RETURN id(d) AS id ORDER BY id"),
        edges: texts(&server, "MATCH (a)-[r]->(b) RETURN id(a), type(r), id(b)")
            .into_iter()
            .map(|row| row.try_into().unwrap())
            .collect(),
        alive: names
            .iter()
            .map(|name| {
                (
                    name.clone(),
                    fs::read(demo().join(&name["demo/".len()..])).unwrap(),
                )
            })
            .collect(),
        by_hand: Vec::new(),
        server,
        random: Random(seed),
    }
}

#[test]
fn after_every_change_the_answers_are_those_of_a_server_started_on_the_result() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let mut sequence = start(&db, 7);
    let n_initial = sequence.alive.len();
    let initial: Vec<String> = sequence.alive.iter().map(|it| it.0.clone()).collect();
    assert!(n_initial > 40);
    let mut before = answers(&sequence.server);
    let mut n_changed = 0;
    for (round, kind) in KINDS.into_iter().enumerate() {
        sequence.change(kind);
        let what = format!("{round}: {kind:?}");
        let after = answers(&sequence.server);
        n_changed += usize::from(after != before);
        let copy = dir.path().join(format!("copy-{round}"));
        copy_folder(&db, &copy);
        assert_same(&after, &answers(&Server::start(&copy)), &what);
        before = after;
    }
    assert!(n_changed > KINDS.len() / 2, "{n_changed}");

    // One that never knew anything else: first what is as it was, then the rest in its order.
    let folder = dir.path().join("documents");
    let is_first = |name: &String, bytes: &Vec<u8>| {
        let file = name.strip_prefix("demo/").map(|file| demo().join(file));
        initial.contains(name) && file.is_some_and(|file| fs::read(file).unwrap() == *bytes)
    };
    let (first, rest): (Vec<_>, Vec<_>) =
        (sequence.alive.iter()).partition(|(name, bytes)| is_first(name, bytes));
    for (name, bytes) in &first {
        let path = folder.join(&name["demo/".len()..]);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    // What the folders say of their documents.
    for name in initial.iter().map(|name| &name["demo/".len()..]) {
        for folder_of in Path::new(name).ancestors().skip(1) {
            let context = folder_of.join("foothold.yaml");
            if demo().join(&context).exists() {
                fs::create_dir_all(folder.join(folder_of)).unwrap();
                fs::copy(demo().join(&context), folder.join(&context)).unwrap();
            }
        }
    }
    let fresh_db = dir.path().join("fresh");
    let done = run(&[
        "import",
        "--db",
        fresh_db.to_str().unwrap(),
        "--source",
        "demo",
        folder.to_str().unwrap(),
    ]);
    assert_eq!(done.code, 0, "{}", done.err);
    let fresh = Server::start(&fresh_db);
    for (name, bytes) in rest {
        assert_eq!(import(&fresh, name, bytes), "read");
    }
    assert_same(&before, &answers(&fresh), "from nothing");
}
