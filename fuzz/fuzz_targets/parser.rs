//! What can be read prints as a text that reads as the same tree; what cannot says why, at places
//! that exist.

#![no_main]

use foothold_fuzz::check_places;
use foothold_query::diagnostic::has_errors;
use foothold_query::format::{format_query, print_query};
use foothold_query::parse::parse_query;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parsed = parse_query(text);
    check_places(text, &parsed.diagnostics);
    let Some(tree) = parsed.tree else {
        assert!(has_errors(&parsed.diagnostics), "refused without a reason");
        return;
    };
    let printed = print_query(&tree);
    if has_errors(&parsed.diagnostics) {
        return;
    }
    let again = parse_query(&printed);
    assert_eq!(again.tree.as_ref(), Some(&tree), "{text}\n{printed}");
    // With its comments, too: the layout does not move when it is laid out again.
    let once = format_query(text).expect("what reads can be laid out");
    assert_eq!(format_query(&once).ok().as_ref(), Some(&once), "{text}");
});
