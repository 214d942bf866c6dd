//! What cloud identities may do: every policy evaluated, denies and boundaries honoured.
//!
//! An edge says that something is permitted, or permitted unless something unknown forbids it. What
//! only a policy that was not collected could permit is said once for the identity, as the action
//! `?` on its account: unknown, and not guessed.

mod identities;
mod targets;

use std::collections::BTreeMap;

use crate::attack::permission::Effect;
use crate::attack::permission::aws::evaluate::Reason;
use crate::attack::permission::aws::trust::{Trust, account_of};
use crate::attack::permission::aws::{
    Context, Decision, Document, Principal, PrincipalKind, Request, ResourceSay, Source, Statement,
    evaluate,
};
use crate::build::Join;
use crate::graph::{NodeId, Snapshot};
use crate::model::Facts;
use crate::model::schema::INTERNET_ID;

use super::exposure::state_internet;
use super::view::{Method, View};
use identities::{Identities, Identity, Sources};
use targets::Target;

const EVALUATED: Method = Method::new("policy-evaluation", 100);
/// A condition or a policy in the way is not known.
const DOUBTFUL: Method = Method::new("policy-evaluation", 40);
/// The other account's policies were not collected.
const PARTNER: Method = Method::new("trust-policy", 40);

const ASSUME: &str = "sts:AssumeRole";
const PASS_ROLE: &str = "iam:PassRole";

/// `Identity HAS_PERMISSION ..` for cloud identities.
pub(super) struct Permissions;

impl Join for Permissions {
    fn name(&self) -> &'static str {
        "cloud-permissions"
    }

    fn run(&self, snapshot: &Snapshot, facts: &mut Facts) {
        let view = View::new(snapshot);
        let identities = Identities::of(view);
        let registries = super::registries::named(view);
        let targets = targets::of(view, &registries);
        let actions = targets::every_action(&targets);
        let with_policy = targets.iter().filter(|target| target.has_policy);
        let with_policy: Vec<&Target<'_>> = with_policy.collect();
        let mut of_account: BTreeMap<&str, Vec<&Target<'_>>> = BTreeMap::new();
        for identity in &identities.all {
            if let Some(policy) = identities.administrator(identity) {
                permit(
                    facts,
                    identity.arn,
                    "*:*",
                    &identity.account_id(),
                    EVALUATED,
                    "allow",
                    policy,
                );
                mark_administrator(facts, identity.arn);
                continue;
            }
            if let Some(policy) = identities.uncollected(identity) {
                let account = identity.account_id();
                permit(
                    facts,
                    identity.arn,
                    "?",
                    &account,
                    DOUBTFUL,
                    "unknown",
                    policy,
                );
            }
            let allowing: BTreeMap<&str, Vec<&Statement>> = actions
                .iter()
                .map(|action| (*action, identities.allowing(identity, action)))
                .filter(|(_, statements)| !statements.is_empty())
                .collect();
            let targets = if allowing.is_empty() {
                // Whoever is granted nothing depends on what others say of themselves.
                &with_policy
            } else {
                let may_admit = |target: &&Target<'_>| !target.is_closed_to(identity.account);
                let of_account = of_account.entry(identity.account);
                of_account.or_insert_with(|| targets.iter().filter(may_admit).collect())
            };
            let mut asker = Asker {
                identity,
                policies: identities.policies(identity),
                context: identity.context(),
                allowing,
                facts,
            };
            asker.account_rights();
            asker.own_rights();
            for target in targets {
                asker.target_rights(target);
            }
        }
    }
}

/// `Identity CAN_ASSUME CloudRole`.
pub(super) struct Assumption;

impl Join for Assumption {
    fn name(&self) -> &'static str {
        "cloud-assumption"
    }

    fn run(&self, snapshot: &Snapshot, facts: &mut Facts) {
        let view = View::new(snapshot);
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
            state_assumption(facts, INTERNET_ID, trust, &decision, EVALUATED);
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
            } else {
                candidates.extend(known.filter(|identity| identity.arn == named));
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
        let request = Request {
            principal: identity.principal(),
            action: ASSUME,
            resource: trust.role,
            resource_account: account,
            context,
        };
        let resource = Source {
            name: trust.role,
            document: Some(trust.document),
        };
        let policies = identities.policies(identity);
        let policies = policies.with(Some(resource), ResourceSay::Required);
        let decision = evaluate(&policies, &request);
        state_assumption(facts, identity.arn, trust, &decision, EVALUATED);
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
    let mut decision = trust.admits_principal(principal, &Context::new());
    if decision.effect == Effect::Allow {
        decision.effect = Effect::Unknown;
    }
    let from = if whole {
        format!("aws://{account}")
    } else {
        named.to_owned()
    };
    state_assumption(facts, &from, trust, &decision, PARTNER);
}

fn state_assumption(
    facts: &mut Facts,
    from: &str,
    trust: &Trust<'_>,
    decision: &Decision,
    method: Method,
) {
    let Some(decided) = permitted(decision) else {
        return;
    };
    let method = if decided == "allow" || method.name == PARTNER.name {
        method
    } else {
        DOUBTFUL
    };
    let needs_factor = trust
        .document
        .statements
        .iter()
        .any(|statement| statement.allows && statement.mentions("aws:MultiFactorAuthPresent"));
    method.link(facts, from, "CAN_ASSUME", trust.role, |facts, edge| {
        facts.set(edge, "decision", decided);
        facts.set_opt(edge, "statement", decision.statement.as_deref());
        if needs_factor {
            facts.set(edge, "mfa", true);
        }
    });
}

/// `allow` or `unknown` for what a known statement grants; none for what is denied and for what
/// only an uncollected policy could grant.
fn permitted(decision: &Decision) -> Option<&'static str> {
    match (decision.effect, decision.reason) {
        (Effect::Allow, _) => Some("allow"),
        (Effect::Unknown, Reason::NotCollected) | (Effect::Deny, _) => None,
        (Effect::Unknown, _) => Some("unknown"),
    }
}

/// Asks on behalf of one identity and states what is permitted.
struct Asker<'a, 'f> {
    identity: &'a Identity<'a>,
    policies: Sources<'a>,
    context: Context,
    /// The statements that allow each action on something: what they do not cover needs no look.
    allowing: BTreeMap<&'static str, Vec<&'a Statement>>,
    facts: &'f mut Facts,
}

impl Asker<'_, '_> {
    /// Rights that concern the whole account: starting compute, writing any policy.
    fn account_rights(&mut self) {
        let account = self.identity.account_id();
        for action in targets::ACCOUNT_ACTIONS {
            let decision = self.ask(action, "*", None);
            self.state(action, &account, &decision);
        }
        for (action, kind) in targets::POLICY_ACTIONS {
            let all = format!("arn:aws:iam::{}:{kind}/*", self.identity.account);
            let decision = self.ask(action, &all, None);
            if !decision.partial {
                self.state(action, &account, &decision);
            }
        }
    }

    /// Rights of an identity over itself and over the policies in force on it.
    fn own_rights(&mut self) {
        let kind = match self.identity.kind {
            PrincipalKind::User => "user",
            _ => "role",
        };
        for (action, of) in targets::POLICY_ACTIONS {
            if *of == kind {
                let decision = self.ask(action, self.identity.arn, None);
                self.state(action, self.identity.arn, &decision);
            } else if *of == "policy" {
                for policy in &self.identity.attached {
                    let decision = self.ask(action, policy, None);
                    self.state(action, policy, &decision);
                }
            } else if *of == "group" {
                for group in &self.identity.groups {
                    let decision = self.ask(action, group, None);
                    self.state(action, group, &decision);
                }
            }
        }
    }

    fn target_rights(&mut self, target: &Target<'_>) {
        if target.is_closed_to(self.identity.account) || target.id == self.identity.arn {
            return;
        }
        for (action, resource) in &target.actions {
            if *action == PASS_ROLE {
                self.pass_role(target);
                continue;
            }
            if target.is_public(action) {
                // Everyone may; the store says so itself.
                continue;
            }
            let mut decision = self.ask(action, resource, Some(target));
            if let Some(key) = target.key.filter(|_| targets::needs_key(action)) {
                decision = self.with_key(decision, key);
            }
            self.state(action, target.id, &decision);
        }
    }

    /// A role can be passed to a service that it trusts; which one is the asker's choice.
    fn pass_role(&mut self, target: &Target<'_>) {
        if !self.may_cover(PASS_ROLE, target.id, &self.context) {
            return;
        }
        let mut best: Option<Decision> = None;
        let mut services = Vec::new();
        for service in &target.services {
            let context = self.identity.context().with("iam:PassedToService", service);
            let decision = self.ask_in(PASS_ROLE, target.id, Some(target), &context);
            if permitted(&decision).is_some() {
                services.push(service.as_str());
            }
            if best
                .as_ref()
                .is_none_or(|best| decision.effect > best.effect)
            {
                best = Some(decision);
            }
        }
        let Some((decision, decided)) = best
            .and_then(|decision| Some((permitted(&decision)?, decision)))
            .map(|(decided, decision)| (decision, decided))
        else {
            return;
        };
        let method = if decided == "allow" {
            EVALUATED
        } else {
            DOUBTFUL
        };
        let (from, to) = (self.identity.arn, target.id);
        method.link(self.facts, from, "HAS_PERMISSION", to, |facts, edge| {
            facts.set_key(edge, PASS_ROLE);
            facts.set(edge, "action", PASS_ROLE);
            facts.set(edge, "decision", decided);
            facts.set_opt(edge, "statement", decision.statement.as_deref());
            facts.set(edge, "services", crate::model::Value::strings(services));
        });
    }

    /// Reading what is encrypted needs the key as well. The key's own policy is not collected by
    /// the exports we read: it may admit an identity whose policies are silent.
    fn with_key(&self, read: Decision, key: &str) -> Decision {
        if read.effect == Effect::Deny {
            return read;
        }
        let decrypt = self.decide("kms:Decrypt", key, None, &self.context);
        match (decrypt.effect, decrypt.reason) {
            (Effect::Allow, _) => read,
            (Effect::Deny, Reason::NotGranted) | (Effect::Unknown, _) => Decision {
                effect: Effect::Unknown,
                reason: Reason::NotGranted,
                ..read
            },
            (Effect::Deny, _) => decrypt,
        }
    }

    fn ask(&self, action: &str, resource: &str, target: Option<&Target<'_>>) -> Decision {
        self.ask_in(action, resource, target, &self.context)
    }

    fn ask_in(
        &self,
        action: &str,
        resource: &str,
        target: Option<&Target<'_>>,
        context: &Context,
    ) -> Decision {
        let has_policy = target.is_some_and(|target| target.has_policy);
        if !has_policy && !self.may_cover(action, resource, context) {
            return Decision {
                effect: Effect::Deny,
                reason: Reason::NotGranted,
                statement: None,
                partial: false,
            };
        }
        self.decide(action, resource, target, context)
    }

    fn may_cover(&self, action: &str, resource: &str, context: &Context) -> bool {
        let mut statements = self.allowing.get(action).into_iter().flatten();
        statements.any(|statement| statement.may_cover(resource, context))
    }

    /// As [`Asker::ask_in`], without the short cut: tells a deny from silence.
    fn decide(
        &self,
        action: &str,
        resource: &str,
        target: Option<&Target<'_>>,
        context: &Context,
    ) -> Decision {
        let policy = target.and_then(Target::policy_source);
        let policies = self.policies.with(policy, ResourceSay::Optional);
        let request = Request {
            principal: self.identity.principal(),
            action,
            resource,
            resource_account: target
                .and_then(|target| target.account)
                .unwrap_or(self.identity.account),
            context,
        };
        evaluate(&policies, &request)
    }

    fn state(&mut self, action: &str, target: &str, decision: &Decision) {
        let Some(decided) = permitted(decision) else {
            return;
        };
        let method = if decided == "allow" {
            EVALUATED
        } else {
            DOUBTFUL
        };
        let statement = decision.statement.as_deref().unwrap_or_default();
        permit(
            self.facts,
            self.identity.arn,
            action,
            target,
            method,
            decided,
            statement,
        );
    }
}

fn permit(
    facts: &mut Facts,
    from: &str,
    action: &str,
    to: &str,
    method: Method,
    decided: &str,
    statement: &str,
) {
    method.link(facts, from, "HAS_PERMISSION", to, |facts, edge| {
        facts.set_key(edge, action);
        facts.set(edge, "action", action);
        facts.set(edge, "decision", decided);
        if !statement.is_empty() {
            facts.set(edge, "statement", statement);
        }
    });
}

fn mark_administrator(facts: &mut Facts, arn: &str) {
    if let Ok(node) = facts.node(arn, &["Identity"]) {
        facts.set(node, "admin", true);
    }
}

/// How the metadata service of a machine answers, for the rules that look at the machine.
fn copy_metadata_settings(view: View<'_>, instance: NodeId, machine: NodeId, facts: &mut Facts) {
    let settings = ["metadata_hop_limit", "metadata_token_required"];
    let known: Vec<_> = settings
        .into_iter()
        .filter_map(|name| Some((name, view.value(instance, name)?)))
        .collect();
    if !known.is_empty()
        && let Ok(node) = facts.node(view.id(machine), &["Node"])
    {
        for (name, value) in known {
            facts.set(node, name, value);
        }
    }
}

/// Machines and their instance profiles: `Instance RUNS_AS` and `Node RUNS_AS` the role.
pub(super) struct Profiles;

const PROFILE: Method = Method::new("instance-profile", 100);
const PROVIDER_ID: Method = Method::new("provider-id", 95);

impl Join for Profiles {
    fn name(&self) -> &'static str {
        "cloud-profiles"
    }

    fn run(&self, snapshot: &Snapshot, facts: &mut Facts) {
        let view = View::new(snapshot);
        let roles_of = |instance: NodeId| -> Vec<NodeId> {
            let mut roles = view.out(instance, "RUNS_AS");
            for profile in view.out(instance, "HAS_PROFILE") {
                roles.extend(view.out(profile, "RUNS_AS"));
            }
            roles.sort_unstable();
            roles.dedup();
            roles
        };
        for instance in view.labelled("Instance") {
            for role in roles_of(instance) {
                PROFILE.link(
                    facts,
                    view.id(instance),
                    "RUNS_AS",
                    view.id(role),
                    super::view::plain,
                );
            }
        }
        for node in view.labelled("Node") {
            // `aws:///eu-west-1a/i-0123456789abcdef0`
            let instance = view
                .text(node, "provider_id")
                .and_then(|id| id.rsplit('/').next())
                .and_then(|id| snapshot.node(&format!("aws-ec2:{id}")));
            if let Some(instance) = instance {
                copy_metadata_settings(view, instance, node, facts);
            }
            for role in instance.map(roles_of).unwrap_or_default() {
                PROVIDER_ID.link(
                    facts,
                    view.id(node),
                    "RUNS_AS",
                    view.id(role),
                    super::view::plain,
                );
            }
        }
    }
}
