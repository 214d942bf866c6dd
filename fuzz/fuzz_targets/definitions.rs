//! Rules, policies, attackers and groups: what can be read prints and reads back, compiles or says
//! why not, and its rules derive within limits.

#![no_main]

use foothold_engine::budget::{Budget, Limits};
use foothold_fuzz::{SNAPSHOT, attack_graph, check_places};
use foothold_query::define::Definitions;
use foothold_query::diagnostic::has_errors;
use foothold_query::format::{format_definitions, print_definitions};
use foothold_query::parse::parse_definitions;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parsed = parse_definitions(text);
    check_places(text, &parsed.diagnostics);
    if let Some(tree) = &parsed.tree {
        let printed = print_definitions(tree);
        if !has_errors(&parsed.diagnostics) {
            let again = parse_definitions(&printed);
            assert_eq!(again.tree.as_ref(), Some(tree), "{text}\n{printed}");
            let once = format_definitions(text).expect("what reads can be laid out");
            assert_eq!(
                format_definitions(&once).ok().as_ref(),
                Some(&once),
                "{text}"
            );
        }
    }
    let mut definitions = Definitions::new();
    definitions.add("fuzz.fql", text);
    let budget = Budget::new(Limits {
        expansions: 20_000,
        memory_bytes: 8 << 20,
        ..Limits::NONE
    });
    if let Some(graph) = attack_graph(&definitions, &budget) {
        assert!(graph.n_states() <= 9 * SNAPSHOT.n_nodes() as usize);
    }
});
