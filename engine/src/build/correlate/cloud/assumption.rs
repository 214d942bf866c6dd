//! Who may become which role: the role's trust policy and the policies of who asks.

use std::collections::BTreeMap;

use crate::attack::permission::Effect;
use crate::attack::permission::aws::trust::{Trust, account_of};
use crate::attack::permission::aws::{
    Context, Decision, Document, Principal, PrincipalKind, Request, ResourceSay, Source, Statement,
    evaluate,
};
use crate::build::Join;
use crate::build::correlate::exposure::state_internet;
use crate::build::correlate::view::{Method, View};
use crate::model::Facts;
use crate::model::schema::INTERNET_ID;

use super::identities::{Identities, Identity};
use super::{DOUBTFUL, EVALUATED, permitted};

/// The other account's policies were not collected.
const PARTNER: Method = Method::new("trust-policy", 40);

const ASSUME: &str = "sts:AssumeRole";
const FACTOR: &str = "aws:MultiFactorAuthPresent";

/// `Identity CAN_ASSUME CloudRole`.
pub(in crate::build::correlate) struct Assumption;

impl Join for Assumption {
    fn name(&self) -> &'static str {
        "cloud-assumption"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let identities = Identities::of(view);
        let assuming: BTreeMap<&str, (Context, Vec<&Statement>)> = identities
            .all
            .iter()
            .map(|identity| {
                let statements = identities.allowing(identity, ASSUME);
                (identity.arn, (identity.context(), statements))
            })
            .collect();
        for role in view.labelled("CloudRole") {
            let text = view.text(role, "trust_policy");
            if let Some(document) = text.and_then(|text| Document::parse(text).ok()) {
                let trust = Trust {
                    role: view.id(role),
                    document: &document,
                };
                assume(&identities, &assuming, &trust, facts);
            }
        }
        state_internet(facts);
    }
}

/// States who may become a role: only principals that its trust policy names are asked.
fn assume(
    identities: &Identities<'_>,
    assuming: &BTreeMap<&str, (Context, Vec<&Statement>)>,
    trust: &Trust<'_>,
    facts: &mut Facts,
) {
    let account = account_of(trust.role);
    // Where only the account is named, the principal's own policies have to speak of the role.
    let may_assume = |identity: &&Identity<'_>| {
        assuming
            .get(identity.arn)
            .is_some_and(|(context, statements)| {
                let mut statements = statements.iter();
                statements.any(|statement| statement.may_cover(trust.role, context))
            })
    };
    let mut candidates: Vec<&Identity<'_>> = Vec::new();
    for named in trust.principals() {
        if named == "*" {
            let decision = trust.admits_anyone();
            state_assumption(facts, INTERNET_ID, trust, &decision, EVALUATED, false);
            // Where a stranger gets in, so does everyone; one edge says it.
            if decision.effect != Effect::Allow {
                candidates.extend(identities.all.iter());
            }
            continue;
        }
        let named_account = if named.contains(':') {
            account_of(named)
        } else {
            named
        };
        let is_whole_account = !named.contains(':') || named.ends_with(":root");
        let mut known = identities.of_account(named_account).peekable();
        if known.peek().is_some() {
            if is_whole_account {
                candidates.extend(known.filter(may_assume));
            } else if named.contains(":assumed-role/") {
                candidates.extend(known);
            } else if identities.named(named) {
                candidates.extend(known.filter(|identity| identity.arn == named));
            } else if named.contains(":role/") || named.contains(":user/") {
                // Trust policies name who exists: AWS puts an id in the place of who is deleted.
                partner(facts, trust, named, named_account, false);
            }
        } else if named_account != account && named_account.len() == 12 {
            partner(facts, trust, named, named_account, is_whole_account);
        }
    }
    candidates.sort_unstable_by_key(|identity| identity.arn);
    candidates.dedup_by_key(|identity| identity.arn);
    for identity in candidates {
        if identity.arn == trust.role {
            continue;
        }
        let Some((context, _)) = assuming.get(identity.arn) else {
            continue;
        };
        let resource = Source {
            name: trust.role,
            document: Some(trust.document),
        };
        let policies = identities.policies(identity);
        let policies = policies.with(Some(resource), ResourceSay::Required);
        let ask = |context: &Context| {
            let request = Request {
                principal: identity.principal(),
                action: ASSUME,
                resource: trust.role,
                resource_account: account,
                context,
            };
            evaluate(&policies, &request)
        };
        let (decision, needs_factor) = with_factor(context, ask);
        state_assumption(
            facts,
            identity.arn,
            trust,
            &decision,
            EVALUATED,
            needs_factor,
        );
    }
}

/// The decision as it is with or without a second factor, whichever gets further, and whether it
/// is the factor that does.
fn with_factor(context: &Context, ask: impl Fn(&Context) -> Decision) -> (Decision, bool) {
    let decision = ask(context);
    if decision.effect != Effect::Unknown {
        return (decision, false);
    }
    let with = |value: &str| ask(&context.clone().with(FACTOR, value));
    let mut best = ask(&context.clone().without(FACTOR));
    let without = with("false");
    if without.effect > best.effect {
        best = without;
    }
    let passed = with("true");
    if passed.effect > best.effect {
        (passed, true)
    } else {
        (best, false)
    }
}

/// A trusted account whose identities are not known here.
fn partner(facts: &mut Facts, trust: &Trust<'_>, named: &str, account: &str, whole: bool) {
    let root = format!("arn:aws:iam::{account}:root");
    let kind = match named {
        _ if whole => PrincipalKind::Root,
        name if name.contains(":user/") => PrincipalKind::User,
        _ => PrincipalKind::Role,
    };
    let principal = Principal {
        id: if whole { &root } else { named },
        account,
        kind,
    };
    // What its own side permits is not known.
    let (mut decision, needs_factor) = with_factor(&Context::new(), |context| {
        trust.admits_principal(principal, context)
    });
    if decision.effect == Effect::Allow {
        decision.effect = Effect::Unknown;
    }
    let from = if whole {
        format!("aws://{account}")
    } else {
        named.to_owned()
    };
    state_assumption(facts, &from, trust, &decision, PARTNER, needs_factor);
}

fn state_assumption(
    facts: &mut Facts,
    from: &str,
    trust: &Trust<'_>,
    decision: &Decision,
    method: Method,
    needs_factor: bool,
) {
    let Some(decided) = permitted(decision) else {
        return;
    };
    let method = if decided == "allow" || method.name == PARTNER.name {
        method
    } else {
        DOUBTFUL
    };
    method.link(facts, from, "CAN_ASSUME", trust.role, |facts, edge| {
        facts.set(edge, "decision", decided);
        facts.set_opt(edge, "statement", decision.statement.as_deref());
        if needs_factor {
            facts.set(edge, "mfa", true);
        }
    });
}
