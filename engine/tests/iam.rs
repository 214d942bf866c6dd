//! Policy evaluation, from cases that a person can read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use foothold_engine::attack::permission::aws::trust::{Trust, WebIdentity, account_of};
use foothold_engine::attack::permission::aws::{
    Context, Document, Policies, Principal, PrincipalKind, Request, ResourceSay, Source, evaluate,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "case")]
    title: String,
    #[serde(default)]
    principal: String,
    #[serde(default)]
    identity: BTreeMap<String, Value>,
    boundary: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    service_control: BTreeMap<String, Value>,
    /// Service control policies of the units above the account, level by level.
    #[serde(default)]
    service_control_above: Vec<BTreeMap<String, Value>>,
    resource_policy: Option<Value>,
    /// The resource policy has to admit (trust policies, keys).
    #[serde(default)]
    resource_policy_required: bool,
    resource_account: Option<String>,
    /// Known context; `null` means that the request lacks the key.
    #[serde(default)]
    context: BTreeMap<String, Option<String>>,
    #[serde(default)]
    ask: Vec<Ask>,
    #[serde(default)]
    web_identity: Vec<AskWeb>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    action: String,
    resource: String,
    expect: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskWeb {
    issuer: Option<String>,
    subject: String,
    audience: String,
    expect: String,
}

/// A document; `null` stands for one that was not collected.
fn documents(texts: &BTreeMap<String, Value>) -> Vec<(String, Option<Document>)> {
    texts
        .iter()
        .map(|(name, value)| {
            let document = (!value.is_null()).then(|| document(value));
            (name.clone(), document)
        })
        .collect()
}

fn document(value: &Value) -> Document {
    Document::parse(&value.to_string()).unwrap()
}

fn sources(documents: &[(String, Option<Document>)]) -> Vec<Source<'_>> {
    documents
        .iter()
        .map(|(name, document)| Source {
            name,
            document: document.as_ref(),
        })
        .collect()
}

fn run(case: &Case, file: &Path) {
    let place = format!("{}: {}", file.display(), case.title);
    let identity = documents(&case.identity);
    let boundary = case.boundary.as_ref().map(documents).unwrap_or_default();
    let levels = std::iter::once(&case.service_control).chain(&case.service_control_above);
    let service_control: Vec<_> = levels
        .filter(|level| !level.is_empty())
        .map(documents)
        .collect();
    let service_control: Vec<_> = service_control.iter().map(|level| sources(level)).collect();
    let resource = case.resource_policy.as_ref().map(document);
    let mut context = Context::new();
    for (key, value) in &case.context {
        context = match value {
            Some(value) => context.with(key, value),
            None => context.without(key),
        };
    }
    let kind = match &case.principal {
        id if id.contains(":user/") => PrincipalKind::User,
        id if id.contains(":role/") => PrincipalKind::Role,
        id if id.ends_with(":root") => PrincipalKind::Root,
        id if id.contains(":oidc-provider/") => PrincipalKind::Federated,
        id if id.ends_with(".amazonaws.com") => PrincipalKind::Service,
        _ => PrincipalKind::Anonymous,
    };
    for ask in &case.ask {
        let account = match kind {
            PrincipalKind::Federated => "",
            _ => account_of(&case.principal),
        };
        let resource_account = case.resource_account.as_deref().unwrap_or(account);
        let decision = evaluate(
            &Policies {
                identity: &sources(&identity),
                boundary: sources(&boundary).first().copied(),
                service_control: &service_control,
                session: None,
                resource: resource.as_ref().map(|document| Source {
                    name: "resource",
                    document: Some(document),
                }),
                resource_say: if case.resource_policy_required {
                    ResourceSay::Required
                } else {
                    ResourceSay::Optional
                },
            },
            &Request {
                principal: Principal {
                    id: &case.principal,
                    account,
                    kind,
                },
                action: &ask.action,
                resource: &ask.resource,
                resource_account,
                context: &context,
            },
        );
        let mut found = decision.effect.name().to_owned();
        if let Some(statement) = &decision.statement {
            found = format!("{found} {statement}");
        }
        if decision.partial {
            found += " (part)";
        }
        assert_eq!(
            found, ask.expect,
            "{place}: {} {}",
            ask.action, ask.resource
        );
    }
    for ask in &case.web_identity {
        let trust = Trust {
            role: "arn:aws:iam::111111111111:role/r",
            document: resource.as_ref().unwrap(),
        };
        let decision = trust.admits_web_identity(&WebIdentity {
            issuer: ask.issuer.as_deref(),
            subject: &ask.subject,
            audience: &ask.audience,
        });
        assert_eq!(
            decision.effect.name(),
            ask.expect,
            "{place}: {}",
            ask.subject
        );
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/iam")
}

fn cases(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn every_case() {
    let mut asked = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path();
        for case in cases(&file) {
            run(&case, &file);
            asked += case.ask.len() + case.web_identity.len();
        }
    }
    assert!(asked > 50, "{asked}");
}

/// Mistakes that other products made; each is a case of its own that must not be deleted.
#[test]
fn administrator_shortcuts_honour_denies_and_boundaries() {
    let file = folder().join("administrators.yaml");
    let cases = cases(&file);
    assert!(cases.len() >= 4);
    for case in cases {
        run(&case, &file);
    }
}

/// Inbound trust is not outbound: that B trusts A gives B nothing on A.
#[test]
fn inbound_trust_is_not_outbound() {
    let trust_of_b = r#"{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"AWS":"arn:aws:iam::111111111111:role/a"}}]}"#;
    let trust_of_a = r#"{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"Service":"ec2.amazonaws.com"}}]}"#;
    let assume = |from: &str, to: &str, trust: &str| {
        let trust = Document::parse(trust).unwrap();
        let context = Context::new();
        evaluate(
            &Policies {
                identity: &[],
                boundary: None,
                service_control: &[],
                session: None,
                resource: Some(Source {
                    name: to,
                    document: Some(&trust),
                }),
                resource_say: ResourceSay::Required,
            },
            &Request {
                principal: Principal {
                    id: from,
                    account: account_of(from),
                    kind: PrincipalKind::Role,
                },
                action: "sts:AssumeRole",
                resource: to,
                resource_account: account_of(to),
                context: &context,
            },
        )
        .effect
        .name()
    };
    let (a, b) = (
        "arn:aws:iam::111111111111:role/a",
        "arn:aws:iam::111111111111:role/b",
    );
    assert_eq!(assume(a, b, trust_of_b), "allow");
    assert_eq!(assume(b, a, trust_of_a), "deny");
}
