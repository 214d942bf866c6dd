//! What completion offers; the bar `‸` is the cursor.

use foothold_query::complete::{Catalogue, Completion, complete};

struct Names;

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Catalogue for Names {
    fn labels(&self) -> Vec<String> {
        owned(&["Workload", "Package", "DataStore", "AZ Group"])
    }

    fn kinds(&self) -> Vec<String> {
        owned(&["RUNS", "ROUTES_TO", "ATTACK"])
    }

    fn properties(&self, owner: Option<&str>) -> Vec<String> {
        match owner {
            Some("Workload") => owned(&["name", "namespace", "privileged"]),
            Some("RUNS") => owned(&["since"]),
            _ => owned(&["anything"]),
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
