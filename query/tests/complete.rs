//! What completion offers; the bar `‸` is the cursor.

use foothold_query::complete::{Catalogue, Completion, Known, complete};

struct Names;

/// Names, each with how many nodes and relationships have it.
fn known(names: &[(&str, u64, u64)]) -> Vec<Known> {
    let known = names.iter().map(|&(name, n_nodes, n_edges)| Known {
        name: name.to_owned(),
        r#type: None,
        n_nodes,
        n_edges,
    });
    known.collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Catalogue for Names {
    fn labels(&self) -> Vec<Known> {
        known(&[
            ("Workload", 12, 0),
            ("Package", 340, 0),
            ("DataStore", 1, 0),
            ("AZ Group", 0, 0),
        ])
    }

    fn kinds(&self) -> Vec<Known> {
        known(&[("RUNS", 0, 14), ("ROUTES_TO", 0, 1), ("ATTACK", 0, 0)])
    }

    fn properties(&self, owner: Option<&str>) -> Vec<Known> {
        match owner {
            Some("Workload") => {
                let mut all = known(&[("name", 12, 0), ("namespace", 3, 0), ("privileged", 1, 0)]);
                if let Some(name) = all.first_mut() {
                    name.r#type = Some("string".to_owned());
                }
                all
            }
            Some("RUNS") => known(&[("since", 0, 5)]),
            _ => known(&[("anything", 20, 4)]),
        }
    }

    fn rules(&self) -> Vec<String> {
        owned(&["exploit-network-cve", "mounted-token"])
    }

    fn techniques(&self) -> Vec<String> {
        owned(&["T1190", "T1552.001"])
    }

    fn attackers(&self) -> Vec<String> {
        owned(&["internet", "insider"])
    }
}

#[expect(
    clippy::expect_used,
    reason = "a case without a cursor is a wrong case"
)]
fn at_cursor(text: &str) -> Completion {
    let offset = text.find('‸').expect("a cursor");
    complete(&text.replace('‸', ""), offset, &Names)
}

/// Text, what must be offered, what must not.
const CASES: &[(&str, &[&str], &[&str])] = &[
    (
        "‸",
        &["MATCH", "RETURN", "ATTACK PATHS", "EXPLAIN", "WHAT IF"],
        &["WHERE", "RULE", "n"],
    ),
    ("MA‸", &["MATCH"], &["RETURN"]),
    ("ATT‸", &["ATTACK PATHS"], &[]),
    ("ATTACK P‸", &["ATTACK PATHS"], &["MATCH"]),
    ("MATCH (n:‸", &["Workload", "Package"], &["RUNS", "MATCH"]),
    ("MATCH (n:Wo‸) RETURN n", &["Workload"], &["Package"]),
    ("MATCH (n:Workload|‸", &["Package"], &[]),
    ("MATCH (a)-[:‸", &["RUNS", "ATTACK"], &["Workload"]),
    ("MATCH (a)<-[r:RUNS|ro‸", &["ROUTES_TO"], &["RUNS"]),
    (
        "MATCH (a)-[:RUNS|‸",
        &["ROUTES_TO", "ATTACK"],
        &["Workload", "RUNS", "WHERE"],
    ),
    (
        "MATCH (a)-[:RUNS|‸]->(b) RETURN a",
        &["ROUTES_TO"],
        &["Workload"],
    ),
    (
        "MATCH (a:Workload)-[r:RUNS|:‸]->(b) RETURN a",
        &["ROUTES_TO"],
        &["Workload"],
    ),
    (
        "MATCH (a)-[r:RUNS|ROUTES_TO|A‸*1..3]->(b)",
        &["ATTACK"],
        &["Workload"],
    ),
    (
        "MATCH (a)-[r]->(b) WHERE r:RUNS|‸ RETURN a",
        &["ROUTES_TO"],
        &[],
    ),
    (
        "MATCH (a WHERE (a)-[:RUNS|‸]->()) RETURN a",
        &["ROUTES_TO"],
        &["Workload"],
    ),
    (
        "RETURN [(a)-[:RUNS|‸]->(b) | b.name]",
        &["ROUTES_TO"],
        &["Workload"],
    ),
    (
        "MATCH (n:Workload) WHERE n.‸",
        &["name", "privileged"],
        &["anything", "RETURN"],
    ),
    (
        "MATCH (n:Workload) WHERE n.na‸",
        &["name", "namespace"],
        &["privileged"],
    ),
    ("MATCH (n) WHERE n.‸", &["anything"], &["name"]),
    ("MATCH (n:Workload {‸", &["name", "privileged"], &["n"]),
    (
        "MATCH (n:Workload {name: 'x', p‸",
        &["privileged"],
        &["name"],
    ),
    ("MATCH ()-[r:RUNS {‸", &["since"], &["name"]),
    (
        "MATCH (n) ‸",
        &["WHERE", "RETURN", "MATCH", "WITH"],
        &["FROM", "TO"],
    ),
    ("MATCH (node) WHERE no‸", &["node", "NOT"], &["RETURN"]),
    (
        "MATCH (n) RETURN co‸",
        &["count", "coalesce", "collect"],
        &["MATCH"],
    ),
    (
        "MATCH (n) WITH n AS workload RETURN w‸",
        &["workload"],
        &["n"],
    ),
    (
        "MATCH p = (a)-->(b) RETURN ‸",
        &["p", "a", "b", "CASE"],
        &["FROM"],
    ),
    ("RETURN 1 ORDER ‸", &["BY"], &["MATCH"]),
    (
        "ATTACK PATHS ‸",
        &["FROM", "TO", "TOP", "YIELD", "RETURN"],
        &["WHERE"],
    ),
    ("ATTACK PATHS FROM ‸", &["exec", "reach", "ATTACKER"], &[]),
    (
        "ATTACK PATHS FROM ATTACKER in‸",
        &["internet", "insider"],
        &["exec"],
    ),
    (
        "ATTACK PATHS AVOIDING RULES ‸",
        &["exploit-network-cve"],
        &["exec"],
    ),
    (
        "ATTACK PATHS AVOIDING RULES exploit-n‸",
        &["exploit-network-cve"],
        &["mounted-token"],
    ),
    (
        "ATTACK PATHS TOP 3 PER ‸",
        &["SOURCE", "TARGET", "PAIR"],
        &[],
    ),
    ("ATTACK PATHS YIELD path, li‸", &["likelihood"], &["path"]),
    (
        "BLAST RADIUS OF (n) RETURN exp‸",
        &["expected_loss", "exp"],
        &["likelihood"],
    ),
    ("WHY NOT ‸", &["mounted-token"], &[]),
    (
        "WHAT IF ‸",
        &["REMOVE", "ADD", "SET", "UPGRADE", "APPLY"],
        &["MATCH"],
    ),
    ("MATCH p = ANY ‸", &["SHORTEST", "CHEAPEST"], &["RETURN"]),
    ("RETURN 'a‸", &[], &["a", "MATCH"]),
    ("RETURN 1 // M‸", &[], &["MATCH"]),
    ("MATCH (n) RETURN $n‸", &[], &["n"]),
    (
        "MATCH (n {name: $name}) WHERE n.x = $na‸ AND n.y = $other",
        &["$name"],
        &["$other", "$na"],
    ),
    ("MATCH (n {name: $name}) WHERE n.x = $‸", &["$name"], &[]),
    ("MATCH (n:AZ‸", &["`AZ Group`"], &[]),
    (
        "ATTACK PATHS AVOIDING RULES mounted-token, ‸",
        &["exploit-network-cve"],
        &["exec"],
    ),
    (
        "ATTACK PATHS AVOIDING TECHNIQUES T1190, ‸",
        &["T1552.001"],
        &["exec", "mounted-token"],
    ),
    ("MATCH (n:Workload) WHERE n:‸", &["DataStore"], &["RUNS"]),
    (
        "MATCH (n:Workload)-[r:RUNS]->() RETURN r.‸",
        &["since"],
        &["name"],
    ),
    (
        "MATCH (n:Workload) WITH n WHERE n.‸",
        &["namespace"],
        &["anything"],
    ),
    (
        "EXPLOITABILITY OF (n) YIELD ‸",
        &["probability"],
        &["weakest"],
    ),
    ("MATCH (n) RETURN toL‸", &["toLower"], &["toUpper"]),
    (
        "MATCH (n) RETURN n ‸",
        &["ORDER", "LIMIT", "UNION", "AS"],
        &[],
    ),
    ("MATCH )) ‸", &[], &["MATCH", "WHERE"]),
];

#[test]
fn offers_what_fits() {
    for (text, wanted, unwanted) in CASES {
        let completion = at_cursor(text);
        let labels: Vec<&str> = completion
            .items
            .iter()
            .map(|item| item.label.as_str())
            .collect();
        for label in *wanted {
            assert!(
                labels.contains(label),
                "{text}: `{label}` is missing from {labels:?}"
            );
        }
        for label in *unwanted {
            assert!(
                !labels.contains(label),
                "{text}: `{label}` is offered in {labels:?}"
            );
        }
    }
}

#[test]
fn details_say_how_often_a_name_occurs() {
    let cases = [
        ("MATCH (n:Wo‸", "Workload", "label, 12 nodes"),
        ("MATCH (n:Data‸", "DataStore", "label, 1 node"),
        ("MATCH (n:AZ‸", "`AZ Group`", "label"),
        ("MATCH (a)-[:RU‸", "RUNS", "kind, 14 relationships"),
        ("MATCH (a)-[:RO‸", "ROUTES_TO", "kind, 1 relationship"),
        ("MATCH (a)-[:A‸", "ATTACK", "kind"),
        ("MATCH (n:Workload) WHERE n.na‸", "name", "string, 12 nodes"),
        (
            "MATCH (n:Workload {namesp‸",
            "namespace",
            "property, 3 nodes",
        ),
        ("MATCH ()-[r:RUNS {‸", "since", "property, 5 relationships"),
        (
            "MATCH (n) WHERE n.‸",
            "anything",
            "property, 20 nodes, 4 relationships",
        ),
    ];
    for (text, label, wanted) in cases {
        let items = at_cursor(text).items;
        let found = items.iter().find(|item| item.label == label);
        let detail = found.map(|item| item.detail.as_str());
        assert_eq!(detail, Some(wanted), "{text}");
    }
}

#[test]
fn replaces_the_word_being_typed() {
    assert_eq!(at_cursor("MATCH (n:Wo‸)").from, 9);
    assert_eq!(at_cursor("RETURN 1 UNION ATTACK P‸").from, 15);
    assert_eq!(at_cursor("MATCH (a) ATTACK P‸").from, 10);
    assert_eq!(at_cursor("MATCH (é) RETURN ‸").from, 18);
}

#[test]
fn any_offset_is_taken() {
    let text = "MATCH (é:Workload {name: 'ü'}) // ☃\nRETURN é.name, count(*) AS `a b` /* x";
    for offset in 0..text.len() + 3 {
        let completion = complete(text, offset, &Names);
        assert!(completion.from <= offset);
        assert!(text.is_char_boundary(completion.from));
    }
}
