//! The catalogue as a whole: its form, its guards, and the table of it in `docs/rules.md`, which
//! `REWRITE=1 cargo test` writes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foothold_engine::attack::{Rule, RuleSet, StateTemplate};
use foothold_engine::graph::Snapshot;
use foothold_engine::model::schema::NOT_LOADED;
use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;

/// Where the table stands in the page.
const BEGIN: &str =
    "<!-- table of rules: REWRITE=1 cargo test -p foothold-query --test catalogue -->";
const END: &str = "<!-- end of the table of rules -->";

/// Kinds of edges and labels, and the documents that state them; the first that fits of each edge.
const FEEDS: &[(&str, &str)] = &[
    ("HAS_PERMISSION", "RBAC or IAM"),
    ("CiJob", "GitHub Actions"),
    ("APPLIED_AS", "GitHub Actions"),
    ("HAS_ROLE_ON", "GitHound"),
    ("HAS_BRANCH", "GitHound"),
    ("CAN_BYPASS", "GitHound"),
    ("HAS_SECRET", "GitHound"),
    ("CAN_WRITE", "GitHound"),
    ("INSTALLED_ON", "GitHound"),
    ("OPERATES", "GitHound"),
    ("IN_ORGANIZATION", "GitHound"),
    ("Human", "GitHound"),
    ("CAN_ASSUME", "AWS IAM"),
    ("HAS_POLICY", "AWS IAM"),
    ("IN_ACCOUNT", "AWS"),
    ("TRUSTS", "AWS IAM"),
    ("FEDERATES_TO", "AWS IAM"),
    ("CONTAINS", "SBOM or scanner"),
    ("AFFECTED_BY", "scanner"),
    ("HAS_FINDING", "SARIF or Trivy"),
    ("EXPLOITABLE_VIA", "SARIF"),
    ("REVEALS", "SARIF or Trivy"),
    ("HAS_ROUTE", "OpenAPI"),
    ("SERVED_BY", "OpenAPI"),
    ("BUILDS", "image labels"),
    ("HOLDS", "image references"),
    ("SYNCED_TO", "Argo CD or Flux"),
    ("CAN_REACH", "Kubernetes or AWS network"),
    ("ROUTES_TO", "Kubernetes"),
    ("RUNS", "Kubernetes"),
    ("RUNS_AS", "Kubernetes or AWS"),
    ("MOUNTS", "Kubernetes"),
    ("SCHEDULED_ON", "Kubernetes"),
    ("IN_NAMESPACE", "Kubernetes"),
    ("IN_CLUSTER", "Kubernetes"),
    ("CONNECTS_TO", "Kubernetes"),
    ("AUTHENTICATES", "Kubernetes"),
    ("MEMBER_OF", "AWS IAM"),
    ("DataStore", "AWS"),
];

/// Guards that are worked out before any rule is asked, with the place that says so.
const BEFORE_RULES: &[(&str, &str)] = &[(
    "G12",
    "../engine/src/build/correlate/cloud.rs: a permission to read is stated where its key may be used",
)];

fn shipped() -> RuleSet {
    let model = Arc::new(ScoringModel::shipped());
    let (rules, broken) = Definitions::shipped().compile(&Snapshot::empty(), &model);
    assert!(broken.is_empty(), "{broken:#?}");
    rules
}

/// `R04M` is number 4 with a letter.
fn number(rule: &Rule) -> Option<(u32, String)> {
    let id = rule.id.as_deref()?.strip_prefix('R')?;
    let digits: String = id.chars().take_while(char::is_ascii_digit).collect();
    Some((digits.parse().ok()?, id[digits.len()..].to_owned()))
}

#[test]
fn every_technique_is_well_formed() {
    for (_, rule) in shipped().iter() {
        assert!(!rule.techniques.is_empty(), "{}", rule.name);
        for technique in &rule.techniques {
            let is_number = |text: &str, n: usize| {
                text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit())
            };
            let digits = technique
                .strip_prefix("AML.T")
                .or_else(|| technique.strip_prefix('T'))
                .unwrap_or_default();
            let is_well_formed = match digits.split_once('.') {
                Some((main, sub)) => is_number(main, 4) && is_number(sub, 3),
                None => is_number(digits, 4),
            };
            assert!(is_well_formed, "{}: {technique}", rule.name);
        }
    }
}

#[test]
fn every_rule_says_what_to_do() {
    for (_, rule) in shipped().iter() {
        let name = &rule.name;
        assert_ne!(rule.title, rule.name, "{name} has no title");
        assert!(!rule.remediation.is_empty(), "{name} has no remediation");
        assert!(!rule.explanation.0.is_empty(), "{name} has no explanation");
        // What holds by design has nothing to change but what leads to it.
        let by_design = ["D0", "1.0"].contains(&rule.likelihood.text());
        assert!(by_design || !rule.fixes.is_empty(), "{name} has no fix");
    }
}

#[test]
fn every_number_of_the_catalogue_is_there_once() {
    let rules = shipped();
    let mut ids: Vec<&str> = rules
        .iter()
        .filter_map(|(_, rule)| rule.id.as_deref())
        .collect();
    ids.sort_unstable();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "a number twice: {ids:?}");
    let numbers: BTreeSet<u32> = rules
        .iter()
        .filter_map(|(_, rule)| number(rule))
        .map(|(number, _)| number)
        .collect();
    // 71 is the rule for 1: it needs network access, wherever that comes from.
    let lacking: Vec<u32> = (1..=80)
        .filter(|number| !numbers.contains(number) && *number != 71)
        .collect();
    assert!(lacking.is_empty(), "{lacking:?}");
    let of_one = &rules.get(rules.find("R01").expect("R01")).techniques;
    assert!(of_one.iter().any(|technique| &**technique == "T1210"));
}

#[test]
fn every_guard_is_used_or_worked_out_before() {
    let rules = shipped();
    let used: BTreeSet<String> = rules
        .iter()
        .flat_map(|(_, rule)| &rule.guards)
        .filter_map(|guard| guard_id(&guard.name))
        .collect();
    let page = std::fs::read_to_string(page()).expect("the page");
    for number in 1..=14 {
        let id = format!("G{number}");
        let before = BEFORE_RULES.iter().any(|(guard, _)| *guard == id);
        // The one formula that knows of reachability is the likelihood of a vulnerability.
        assert!(used.contains(&id) || before, "{id} is nowhere");
        assert!(
            page.contains(&format!("| {id} |")),
            "{id} is not documented"
        );
    }
}

fn guard_id(name: &str) -> Option<String> {
    let first = name.split(' ').next()?;
    let digits = first.strip_prefix('G')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| first.to_owned())
}

/// What of a rule's facts no loader states.
fn not_loaded(rule: &Rule) -> Vec<String> {
    let mut missing = Vec::new();
    let is_loaded = |name: &str| !NOT_LOADED.contains(&name);
    let labels_of = |var| {
        let nodes = rule.pattern.nodes.iter();
        nodes
            .filter(move |node| node.var == var)
            .flat_map(|node| node.labels.names())
    };
    for node in &rule.pattern.nodes {
        if !node.labels.names().is_empty() && !node.labels.holds(&is_loaded) {
            missing.extend(node.labels.names().iter().map(|name| format!("`:{name}`")));
        }
        for label in node.labels.names() {
            let of_label = |name: &&&str| name.split('.').next() == Some(label);
            for property in NOT_LOADED.iter().filter(of_label) {
                let Some((_, property)) = property.split_once('.') else {
                    continue;
                };
                let var = &rule.pattern.vars[usize::from(node.var.0)].name;
                let read = format!("{var}.{property} = ");
                let mut conditions = rule.pattern.conditions.iter();
                if conditions.any(|condition| condition.text().contains(&read)) {
                    missing.push(format!("`{label}.{property}`"));
                }
            }
        }
    }
    for edge in &rule.pattern.edges {
        if !edge.kinds.names().is_empty() && !edge.kinds.holds(&is_loaded) {
            missing.extend(edge.kinds.names().iter().map(|name| format!("`{name}`")));
        }
        for label in labels_of(edge.from).chain(labels_of(edge.to)) {
            for kind in edge.kinds.names() {
                if NOT_LOADED.contains(&&*format!("{label}-[:{kind}]")) {
                    missing.push(format!("`{kind}` of a `:{label}`"));
                }
            }
        }
    }
    missing.sort_unstable();
    missing.dedup();
    missing
}

fn fed_by(rule: &Rule) -> String {
    let missing = not_loaded(rule);
    if !missing.is_empty() {
        return format!("silent: {}", missing.join(", "));
    }
    let mut names: Vec<&str> = Vec::new();
    for edge in &rule.pattern.edges {
        names.extend(edge.kinds.names());
    }
    for node in &rule.pattern.nodes {
        names.extend(node.labels.names());
    }
    let mut feeds: Vec<&str> = Vec::new();
    for (name, feed) in FEEDS {
        let feed = match (*name, &*rule.family) {
            ("HAS_PERMISSION", "control-plane") if &*rule.name != "create-access-entry" => {
                "Kubernetes RBAC"
            }
            ("HAS_PERMISSION", _) => "AWS IAM",
            _ => feed,
        };
        // What a job is handed and publishes, its workflow says.
        let of_job = names.contains(&"CiJob") && matches!(*name, "MOUNTS" | "BUILDS");
        let feed = if of_job { "GitHub Actions" } else { feed };
        let is_known = feeds.iter().any(|known| known.contains(feed));
        if names.contains(name) && !is_known && (*name != "DataStore" || feeds.is_empty()) {
            feeds.push(feed);
        }
    }
    assert!(!feeds.is_empty(), "{}: fed by nothing", rule.name);
    feeds.join(", ")
}

fn states(rule: &Rule, states: &[StateTemplate]) -> String {
    let text = |state: &StateTemplate| {
        let label = rule
            .pattern
            .nodes
            .iter()
            .find(|node| node.var == state.var)
            .and_then(|node| node.labels.names().first().copied().map(str::to_owned));
        let var = &rule.pattern.vars[usize::from(state.var.0)].name;
        let shown = label.unwrap_or_else(|| var.to_string());
        format!("{}({shown})", state.capability.name())
    };
    states.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// The table as it should be: one for each family, in order of number.
fn table() -> String {
    let rules = shipped();
    let mut families: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for (_, rule) in rules.iter() {
        families.entry(&rule.family).or_default().push(rule);
    }
    let mut out = String::new();
    let silent = rules
        .iter()
        .filter(|(_, rule)| !not_loaded(rule).is_empty())
        .count();
    writeln!(
        out,
        "{} rules. {silent} of them are silent until a document states facts that no loader of this release reads; the last column says which.",
        rules.len()
    )
    .expect("writing to a string");
    for (family, mut rules) in families {
        rules.sort_by_key(|rule| (number(rule), Arc::clone(&rule.name)));
        write!(
            out,
            "\n### {family}\n\n| id | rule | what it says | held | gained | technique | likelihood | guards | fed by |\n|---|---|---|---|---|---|---|---|---|\n"
        )
        .expect("writing to a string");
        for rule in rules {
            let guards: Vec<&str> = rule.guards.iter().map(|guard| &*guard.name).collect();
            let one_line = |text: &str| {
                text.split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .replace('|', "\\|")
            };
            writeln!(
                out,
                "| {} | `{}` | {} | {} | {} | {} | `{}` | {} | {} |",
                rule.id.as_deref().unwrap_or(""),
                rule.name,
                rule.title,
                states(rule, &rule.given),
                states(rule, &rule.gain),
                rule.techniques.join(", "),
                one_line(rule.likelihood.text()),
                one_line(&guards.join("; ")),
                fed_by(rule),
            )
            .expect("writing to a string");
        }
    }
    out
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md")
}

#[test]
fn the_page_shows_the_rules_as_they_are() {
    let text = std::fs::read_to_string(page()).expect("docs/rules.md");
    let start = text.find(BEGIN).expect("the mark before the table") + BEGIN.len();
    let end = text.find(END).expect("the mark after the table");
    let wanted = format!("\n\n{}\n", table());
    if std::env::var_os("REWRITE").is_some() {
        let rewritten = format!("{}{wanted}{}", &text[..start], &text[end..]);
        std::fs::write(page(), rewritten).expect("a writable page");
    } else {
        assert!(
            text[start..end] == wanted,
            "docs/rules.md is not what the rules say; REWRITE=1 writes it"
        );
    }
}
