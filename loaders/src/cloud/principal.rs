//! Who a trust policy admits.

use std::collections::BTreeMap;

use foothold_engine::model::Facts;
use serde_json::Value;

use crate::error::LoadError;
use crate::report::Report;

use super::arn::{Arn, account_id, is_account};
use super::statement::{allows, is_conditional, statements, texts};

/// Everyone, with or without an account.
pub(super) const ANYONE: &str = "aws://*";

/// A principal as a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Principal {
    pub(super) id: String,
    pub(super) labels: &'static [&'static str],
    pub(super) name: String,
}

/// Reads one principal; `kind` is the member it stands under. `None` for ids of deleted
/// principals.
fn principal(kind: &str, text: &str) -> Option<Principal> {
    let named = |id: String, labels, name: &str| {
        Some(Principal {
            id,
            labels,
            name: name.to_owned(),
        })
    };
    match kind {
        "Service" => named(format!("aws-service:{text}"), &["CloudService"], text),
        "Federated" => match Arn::parse(text) {
            Some(arn) => named(
                text.to_owned(),
                &["IdentityProvider"],
                arn.resource
                    .split_once('/')
                    .map_or(arn.resource, |(_, name)| name),
            ),
            None => named(format!("idp:{text}"), &["IdentityProvider"], text),
        },
        "AWS" if text == "*" => named(ANYONE.to_owned(), &["AnyPrincipal"], "everyone"),
        "AWS" if is_account(text) => named(account_id(text), &["Account"], text),
        "AWS" => {
            let arn = Arn::parse(text)?;
            if arn.resource == "root" {
                return named(arn.account_id()?, &["Account"], arn.account);
            }
            let name = arn.resource.rsplit('/').next().unwrap_or(arn.resource);
            let labels: &'static [&'static str] = match arn.resource.split('/').next()? {
                "role" => &["Identity", "CloudRole"],
                "user" => &["Identity", "CloudUser"],
                _ => &["Identity"],
            };
            named(text.to_owned(), labels, name)
        }
        _ => None,
    }
}

/// Whom the allowing statements of a trust policy admit, each with whether only under conditions.
pub(super) fn admitted(document: &Value, report: &mut Report) -> BTreeMap<Principal, bool> {
    let mut found: BTreeMap<Principal, bool> = BTreeMap::new();
    for statement in statements(document).filter(|statement| allows(statement)) {
        let conditional = is_conditional(statement);
        let mut add = |kind: &str, text: &str| match principal(kind, text) {
            Some(principal) => {
                found
                    .entry(principal)
                    .and_modify(|known| *known &= conditional)
                    .or_insert(conditional);
            }
            None => report.warn("principal not understood", || format!("{kind} `{text}`")),
        };
        match statement.get("Principal") {
            Some(Value::String(text)) => add("AWS", text),
            Some(value @ Value::Object(kinds)) => {
                for kind in kinds.keys() {
                    for text in texts(value, kind) {
                        add(kind, text);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// States whom a role trusts.
pub(super) fn state_trust(
    facts: &mut Facts,
    role: &str,
    document: &Value,
    report: &mut Report,
) -> Result<(), LoadError> {
    for (principal, conditional) in admitted(document, report) {
        let node = facts.node(&principal.id, principal.labels)?;
        facts.set(node, "name", principal.name);
        let edge = facts.edge(role, "TRUSTS", &principal.id)?;
        facts.set(edge, "conditional", conditional);
    }
    Ok(())
}
