//! The rules that come with the program.

use std::sync::Arc;

use foothold_engine::attack::permission::rbac::RIGHTS;
use foothold_engine::graph::Snapshot;
use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;

#[test]
fn every_shipped_rule_compiles() {
    let definitions = Definitions::shipped();
    let broken = definitions.diagnostics();
    assert!(broken.is_empty(), "{broken:#?}");
    let model = Arc::new(ScoringModel::shipped());
    let (rules, broken) = definitions.compile(&Snapshot::empty(), &model);
    let broken: Vec<String> = broken
        .iter()
        .map(|one| {
            format!(
                "{}: {} at {:?}",
                one.file,
                one.diagnostic.message,
                one.diagnostic.span.slice(&one.text)
            )
        })
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(rules.len(), definitions.rules().count());
}

#[test]
fn every_shipped_rule_is_documented() {
    for (rule, file) in Definitions::shipped().rules() {
        let name = &rule.name.name;
        assert!(rule.title.is_some(), "{file}: {name} has no title");
        assert!(rule.family.is_some(), "{file}: {name} has no family");
        assert!(
            !rule.techniques.is_empty(),
            "{file}: {name} has no technique"
        );
        assert!(
            rule.explanation.is_some(),
            "{file}: {name} has no explanation"
        );
        assert!(
            rule.remediation.is_some(),
            "{file}: {name} has no remediation"
        );
    }
}

#[test]
fn every_right_that_a_rule_asks_for_is_one_that_the_cluster_evaluation_states() {
    let known: Vec<&str> = RIGHTS.iter().map(|right| right.action).collect();
    let is_word = |part: &str| {
        let mut letters = part.chars();
        !part.is_empty() && letters.all(|letter| letter.is_ascii_lowercase() || letter == '/')
    };
    let text = include_str!("../rules/control-plane.fql");
    let asked = text
        .split('\'')
        .filter_map(|literal| literal.split_once(':'))
        .filter(|(resource, verb)| is_word(resource) && is_word(verb))
        // `system:anonymous` is a user.
        .filter(|(resource, _)| *resource != "system");
    let mut n_asked = 0;
    for (resource, verb) in asked {
        let action = format!("{resource}:{verb}");
        n_asked += 1;
        assert!(
            known.contains(&&*action) || verb == "patch" && resource == "s",
            "no cluster right is called {action}"
        );
    }
    assert!(n_asked > 30, "{n_asked}");
}
