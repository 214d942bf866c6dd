//! What cloud identities may do: every policy evaluated, denies and boundaries honoured.
//!
//! An edge says that something is permitted, or permitted unless something unknown forbids it. What
//! only a policy that was not collected could permit is said once for the identity, as the action
//! `?` on its account: unknown, and not guessed.

mod assumption;
mod identities;
mod targets;

use std::collections::BTreeMap;

use crate::attack::permission::Effect;
use crate::attack::permission::aws::evaluate::Reason;
use crate::attack::permission::aws::trust::account_of;
use crate::attack::permission::aws::{
    Context, Decision, PrincipalKind, Request, ResourceSay, Source, Statement, evaluate,
};
use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::exposure::{reach_public_api, state_internet};
use super::view::{Method, View};
pub(super) use assumption::Assumption;
use identities::{Identities, Identity, Sources};
use targets::{Key, Target};

const EVALUATED: Method = Method::new("policy-evaluation", 100);
/// A condition or a policy in the way is not known.
const DOUBTFUL: Method = Method::new("policy-evaluation", 40);

const PASS_ROLE: &str = "iam:PassRole";

/// `Identity HAS_PERMISSION ..` for cloud identities.
pub(super) struct Permissions;

impl Join for Permissions {
    fn name(&self) -> &'static str {
        "cloud-permissions"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let identities = Identities::of(view);
        let registries = super::registries::named(view);
        let targets = targets::of(view, &registries);
        let actions = targets::every_action(&targets);
        let with_policy = targets.iter().filter(|target| target.has_policy);
        let with_policy: Vec<&Target<'_>> = with_policy.collect();
        identities.mark_powerful_groups(view, facts);
        for target in &targets {
            state_public(view, target, facts);
        }
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
                account_wide: Vec::new(),
                facts,
            };
            asker.account_rights();
            asker.own_rights();
            for target in targets {
                asker.target_rights(target);
            }
        }
        state_internet(facts);
    }
}

/// What the policy of a store lets everyone do, denies and conditions honoured.
fn state_public(view: View<'_>, target: &Target<'_>, facts: &mut Facts) {
    let node = view.node(target.id);
    if !node.is_some_and(|node| view.is(node, "DataStore")) {
        return;
    }
    for (property, actions) in [
        ("public_read", targets::READING),
        ("public_write", targets::WRITING),
    ] {
        if actions.iter().any(|action| target.is_public(action))
            && let Ok(node) = facts.node(target.id, &["DataStore"])
        {
            facts.set(node, property, true);
            reach_public_api(facts, target.id);
        }
    }
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
    /// Rights over policies that hold in the whole account.
    account_wide: Vec<&'static str>,
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
                if decision.effect == Effect::Allow {
                    self.account_wide.push(*action);
                }
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
            if self.account_wide.contains(action) {
                // Said once, of the account.
                continue;
            }
            let mut decision = self.ask(action, resource, Some(target));
            if decision.partial
                && decision.effect == Effect::Allow
                && targets::may_be_of_others(resource)
            {
                decision.effect = Effect::Unknown;
            }
            if let Some(key) = &target.key
                && targets::needs_key(action)
            {
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

    /// Reading what is encrypted needs the key as well, and every key has a policy, which has to admit
    /// the identity or leave it to its account. Where that policy was not collected the answer is
    /// unknown: it may admit an identity whose policies are silent, and may not admit one that they
    /// allow.
    fn with_key(&self, read: Decision, key: &Key) -> Decision {
        if read.effect == Effect::Deny {
            return read;
        }
        let source = key.policy.as_ref().map(|document| Source {
            name: &key.arn,
            document: Some(document),
        });
        let owner = account_of(&key.arn);
        let is_own = owner == "*" || owner == self.identity.account;
        let say = match source {
            Some(_) => ResourceSay::Required,
            None => ResourceSay::Optional,
        };
        let request = Request {
            principal: self.identity.principal(),
            action: "kms:Decrypt",
            resource: &key.arn,
            resource_account: match source {
                Some(_) => owner,
                // What its policy says comes after.
                None => self.identity.account,
            },
            context: &self.context,
        };
        let decrypt = evaluate(&self.policies.with(source, say), &request);
        match (decrypt.effect, decrypt.reason) {
            (Effect::Allow, _) if source.is_some() => read,
            (Effect::Deny, Reason::NotGranted) if source.is_some() || !is_own => decrypt,
            (Effect::Allow | Effect::Unknown, _) | (Effect::Deny, Reason::NotGranted) => Decision {
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

    fn run(&self, view: View<'_>, facts: &mut Facts) {
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
                .and_then(|id| view.node(&format!("aws-ec2:{id}")));
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
