use proptest::prelude::*;

use super::*;

fn info() -> SourceInfo {
    SourceInfo {
        name: "k8s/prod.json".into(),
        format: "kubernetes".into(),
        tool: Some("kubectl 1.30".into()),
        digest: "sha256:00".into(),
        observed_at_ms: 1_700_000_000_123,
        authority: 10,
    }
}

fn round_trip(facts: &Facts) -> Segment {
    let rows = encode_rows("t", facts).unwrap();
    let file = encode(&info(), &FirstSeen::all_at(5), &rows).unwrap();
    assert!(has_rows("t", &file, &rows).unwrap());
    decode("t", &file).unwrap()
}

/// A text with everything that a set of facts says, in order.
fn dump(facts: &Facts) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for node in facts.nodes() {
        let labels: Vec<&str> = node.labels.iter().map(|&label| facts.str(label)).collect();
        let confidence = node.confidence;
        writeln!(out, "{} {labels:?} {confidence}", facts.str(node.id)).unwrap();
        write_props(&mut out, facts, &node.props);
    }
    for edge in facts.edges() {
        let origin = match edge.origin {
            Origin::Stated => "stated",
            Origin::Inferred(method) => facts.str(method),
        };
        let (from, kind, to, key) = identity(facts, edge);
        writeln!(
            out,
            "{from} {kind} {to} {key:?} {} {origin}",
            edge.confidence
        )
        .unwrap();
        write_props(&mut out, facts, &edge.props);
    }
    out
}

fn write_props(out: &mut String, facts: &Facts, range: &PropRange) {
    use std::fmt::Write;
    for (name, value) in facts.props(range) {
        // Bits, because NaN is not equal to itself.
        let value = match value {
            Value::Float(number) => format!("float {:x}", number.to_bits()),
            other => format!("{other:?}"),
        };
        writeln!(out, "  {} = {value}", facts.str(*name)).unwrap();
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::num::f64::ANY.prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(Value::from)
    })
}

type Props = Vec<(String, Value)>;

fn facts() -> impl Strategy<Value = Facts> {
    let props = || prop::collection::vec(("[a-z]{1,3}", value()), 0..4);
    let nodes = prop::collection::vec(
        ("x:[a-f]", prop::collection::vec("[A-C]", 0..3), props()),
        0..8,
    );
    let edges = prop::collection::vec(
        (
            "x:[a-f]",
            "[K-M]",
            "x:[a-f]",
            prop::option::of("[a-z]{0,2}"),
            prop::option::of(0u8..=100),
            props(),
        ),
        0..8,
    );
    (nodes, edges).prop_map(|(nodes, edges)| {
        let mut facts = Facts::new();
        let set = |facts: &mut Facts, fact, props: Props| {
            for (name, value) in props {
                facts.set(fact, &name, value);
            }
        };
        for (id, labels, props) in nodes {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let fact = facts.node(&id, &labels).unwrap();
            set(&mut facts, fact, props);
        }
        for (from, kind, to, key, confidence, props) in edges {
            let fact = facts.edge(&from, &kind, &to).unwrap();
            if let Some(key) = key {
                facts.set_key(fact, &key);
            }
            if let Some(confidence) = confidence {
                facts.infer(fact, "method", confidence);
            }
            set(&mut facts, fact, props);
        }
        facts
    })
}

proptest! {
    #[test]
    fn facts_read_back_as_written(facts in facts()) {
        let segment = round_trip(&facts);
        prop_assert_eq!(dump(&segment.facts), dump(&facts));
        prop_assert_eq!(&segment.info, &info());
        // What was read back encodes to the same bytes, so an unchanged source is recognised.
        prop_assert_eq!(
            encode_rows("t", &segment.facts).unwrap(),
            encode_rows("t", &facts).unwrap()
        );
    }

    #[test]
    fn a_body_of_any_bytes_is_refused_or_read_but_never_a_panic(
        facts in facts(),
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        // Behind a valid checksum, so that the decoder itself is put to the test.
        let mut rows = encode_rows("t", &facts).unwrap();
        let at = at.index(rows.len());
        rows[at] = byte;
        let file = encode(&info(), &FirstSeen::all_at(5), &rows).unwrap();
        if let Ok(segment) = decode("t", &file) {
            dump(&segment.facts);
        }
    }
}

#[test]
fn a_list_nested_too_deep_is_refused() {
    let mut value = Value::from(1i64);
    for _ in 0..=MAX_DEPTH {
        value = Value::from(vec![value]);
    }
    let mut facts = Facts::new();
    let node = facts.node("x:a", &[]).unwrap();
    facts.set(node, "deep", value);
    assert_eq!(
        encode_rows("t", &facts).unwrap_err().code(),
        "store.damaged"
    );
}

#[test]
fn first_seen_is_kept_for_what_stays_and_new_for_what_is_new() {
    let mut old = Facts::new();
    old.node("x:a", &[]).unwrap();
    old.node("x:b", &[]).unwrap();
    old.edge("x:a", "K", "x:b").unwrap();
    let mut new = Facts::new();
    new.node("x:c", &[]).unwrap();
    new.node("x:b", &[]).unwrap();
    new.edge("x:a", "K", "x:b").unwrap();
    new.edge("x:a", "L", "x:b").unwrap();
    let seen = FirstSeen::carried_over(&new, 200, &old, &FirstSeen::all_at(100));
    let rows = encode_rows("t", &new).unwrap();
    let read = decode("t", &encode(&info(), &seen, &rows).unwrap()).unwrap();
    assert_eq!(read.first_seen, seen);
    assert_eq!((seen.node(0), seen.node(1)), (200, 100));
    assert_eq!((seen.edge(0), seen.edge(1)), (100, 200));
}
