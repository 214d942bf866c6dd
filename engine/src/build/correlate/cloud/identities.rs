//! The identities of a cloud and the policies in force on each.

use std::collections::BTreeMap;

use crate::attack::permission::aws::evaluate::{Policies, Principal, PrincipalKind, ResourceSay};
use crate::attack::permission::aws::trust::account_of;
use crate::attack::permission::aws::{Context, Document, Source, Statement};
use crate::build::correlate::view::View;
use crate::graph::NodeId;
use crate::model::Facts;

/// Policies of AWS whose text everyone knows, for exports that only name them.
const WELL_KNOWN: [(&str, &str); 3] = [
    (
        "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    ),
    (
        "arn:aws:iam::aws:policy/AdministratorAccess",
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    ),
    (
        "arn:aws:iam::aws:policy/PowerUserAccess",
        r#"{"Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}]}"#,
    ),
];

/// A role or user.
#[derive(Debug)]
pub(super) struct Identity<'a> {
    pub(super) arn: &'a str,
    pub(super) account: &'a str,
    pub(super) kind: PrincipalKind,
    /// Own policies and those of its groups, the collected ones first.
    policies: Vec<&'a str>,
    /// Managed policies of its account that are in force on it, which can be rewritten.
    pub(super) attached: Vec<&'a str>,
    pub(super) groups: Vec<&'a str>,
    boundary: Option<&'a str>,
    tags: Vec<String>,
}

/// Every identity, sorted by ARN, and every policy document.
#[derive(Debug, Default)]
pub(super) struct Identities<'a> {
    pub(super) all: Vec<Identity<'a>>,
    documents: BTreeMap<&'a str, Document>,
    /// Service control policies by account: its own and those of each unit above, level by level.
    service_control: BTreeMap<&'a str, Vec<Vec<&'a str>>>,
    by_account: BTreeMap<&'a str, Vec<usize>>,
}

/// The policies in force on one identity.
pub(super) struct Sources<'a> {
    identity: Vec<Source<'a>>,
    boundary: Option<Source<'a>>,
    service_control: Vec<Vec<Source<'a>>>,
}

impl Sources<'_> {
    /// The policies with that of a resource, if it has one.
    pub(super) fn with<'s>(
        &'s self,
        resource: Option<Source<'s>>,
        say: ResourceSay,
    ) -> Policies<'s> {
        Policies {
            identity: &self.identity,
            boundary: self.boundary,
            service_control: &self.service_control,
            session: None,
            resource,
            resource_say: say,
        }
    }
}

impl<'a> Identity<'a> {
    pub(super) fn principal(&self) -> Principal<'a> {
        Principal {
            id: self.arn,
            account: self.account,
            kind: self.kind,
        }
    }

    /// The node of its account.
    pub(super) fn account_id(&self) -> String {
        format!("aws://{}", self.account)
    }

    /// What every request of it carries.
    pub(super) fn context(&self) -> Context {
        let mut context = Context::new()
            .with("aws:PrincipalArn", self.arn)
            .with("aws:PrincipalAccount", self.account)
            .with("aws:PrincipalIsAWSService", "false")
            // Whoever calls chooses to use TLS.
            .with("aws:SecureTransport", "true");
        if self.kind == PrincipalKind::User {
            let name = self.arn.rsplit('/').next().unwrap_or_default();
            context = context
                .with("aws:username", name)
                .with("aws:PrincipalType", "User");
        } else {
            context = context
                .with("aws:PrincipalType", "AssumedRole")
                .without("aws:username");
        }
        for tag in &self.tags {
            if let Some((key, value)) = tag.split_once('=') {
                context = context.with(&format!("aws:PrincipalTag/{key}"), value);
            }
        }
        context
    }
}

/// Whether some document describes the identity, and not only a trust policy that names it: then
/// no policies means that it has none.
fn is_collected(view: View<'_>, node: NodeId) -> bool {
    view.text(node, "trust_policy").is_some()
        || ["HAS_POLICY", "IN_ACCOUNT", "MEMBER_OF"]
            .iter()
            .any(|kind| !view.out(node, kind).is_empty())
}

/// Service control policies of an account and of the units above it, level by level. They do not
/// bind the organisation's management account.
fn service_control(view: View<'_>, account: NodeId) -> Vec<Vec<&str>> {
    if view.flag(account, "management") == Some(true) {
        return Vec::new();
    }
    let mut levels = Vec::new();
    let mut seen = vec![account];
    let mut level = vec![account];
    while !level.is_empty() {
        let mut policies: Vec<&str> = Vec::new();
        let mut above = Vec::new();
        for unit in level {
            policies.extend(
                view.out(unit, "HAS_POLICY")
                    .into_iter()
                    .map(|policy| view.id(policy)),
            );
            above.extend(view.out(unit, "IN_ORGANIZATION"));
        }
        if !policies.is_empty() {
            levels.push(policies);
        }
        above.retain(|unit| !seen.contains(unit));
        seen.extend(&above);
        level = above;
    }
    levels
}

impl<'a> Identities<'a> {
    pub(super) fn of(view: View<'a>) -> Self {
        let mut identities = Self::default();
        for policy in view.labelled("CloudPolicy") {
            let text = view.text(policy, "document");
            if let Some(document) = text.and_then(|text| Document::parse(text).ok()) {
                identities.documents.insert(view.id(policy), document);
            }
        }
        for (arn, text) in WELL_KNOWN {
            if !identities.documents.contains_key(arn)
                && let Ok(document) = Document::parse(text)
            {
                identities.documents.insert(arn, document);
            }
        }
        for account in view.labelled("Account") {
            if let Some(number) = view.id(account).strip_prefix("aws://") {
                let levels = service_control(view, account);
                identities.service_control.insert(number, levels);
            }
        }
        for (label, kind) in [
            ("CloudRole", PrincipalKind::Role),
            ("CloudUser", PrincipalKind::User),
        ] {
            for node in view.labelled(label) {
                if view.id(node).starts_with("arn:") && is_collected(view, node) {
                    let identity = identities.identity(view, node, kind);
                    identities.all.push(identity);
                }
            }
        }
        identities.all.sort_unstable_by_key(|identity| identity.arn);
        for (idx, identity) in identities.all.iter().enumerate() {
            let of_account = identities.by_account.entry(identity.account).or_default();
            of_account.push(idx);
        }
        identities
    }

    fn identity(&self, view: View<'a>, node: NodeId, kind: PrincipalKind) -> Identity<'a> {
        let arn = view.id(node);
        let mut boundary = view.text(node, "permission_boundary");
        let mut policies = Vec::new();
        for (edge, policy) in view.out_edges(node, "HAS_POLICY") {
            if view.edge_flag(edge, "boundary") {
                boundary = boundary.or(Some(view.id(policy)));
            } else {
                policies.push(view.id(policy));
            }
        }
        let is_managed = |policy: &&str| !policy.contains('#') && account_of(policy) != "aws";
        let mut groups = Vec::new();
        for group in view.out(node, "MEMBER_OF") {
            groups.push(view.id(group));
            for policy in view.out(group, "HAS_POLICY") {
                policies.push(view.id(policy));
            }
        }
        policies.sort_unstable();
        policies.dedup();
        let attached = policies.iter().copied().filter(is_managed).collect();
        // What is known is named before what is not.
        policies.sort_by_key(|policy| !self.documents.contains_key(policy));
        Identity {
            arn,
            account: account_of(arn),
            kind,
            policies,
            attached,
            groups,
            boundary,
            tags: view.list(node, "tags"),
        }
    }

    pub(super) fn of_account(&self, account: &str) -> impl Iterator<Item = &Identity<'a>> {
        let of_account = self.by_account.get(account).into_iter().flatten();
        of_account.filter_map(|idx| self.all.get(*idx))
    }

    /// The policy that makes an identity an administrator: it allows everything, and nothing in
    /// force denies or limits anything.
    pub(super) fn administrator(&self, identity: &Identity<'a>) -> Option<&'a str> {
        let everything = |policy: &&str| {
            let document = self.documents.get(*policy);
            document.is_some_and(Document::allows_everything)
        };
        let policy = identity
            .policies
            .iter()
            .copied()
            .find(|policy| everything(policy))?;
        let control = self.control(identity);
        let unlimited = identity.boundary.iter().all(everything)
            && control.iter().all(|level| level.iter().any(everything));
        let grants_only = |policy: &&str| match self.documents.get(*policy) {
            Some(document) => !document.denies_anything(),
            None => self.source(policy).only_grants(),
        };
        let control = control.iter().flatten();
        let undisputed = identity.policies.iter().chain(control).all(grants_only);
        (unlimited && undisputed).then_some(policy)
    }

    /// States which groups make an administrator of whoever joins them.
    pub(super) fn mark_powerful_groups(&self, view: View<'a>, facts: &mut Facts) {
        for group in view.labelled("CloudGroup") {
            let mut policies = view.out(group, "HAS_POLICY").into_iter();
            let is_everything = |policy| {
                let document = self.documents.get(view.id(policy));
                document.is_some_and(Document::allows_everything)
            };
            if policies.any(is_everything)
                && let Ok(node) = facts.node(view.id(group), &["CloudGroup"])
            {
                facts.set(node, "admin", true);
            }
        }
    }

    /// A policy in force whose text was not collected.
    pub(super) fn uncollected(&self, identity: &Identity<'a>) -> Option<&'a str> {
        let mut policies = identity.policies.iter().copied();
        policies.find(|policy| !self.documents.contains_key(policy))
    }

    /// The statements of an identity's policies that allow the action on something.
    pub(super) fn allowing<'s>(
        &'s self,
        identity: &Identity<'a>,
        action: &str,
    ) -> Vec<&'s Statement> {
        let documents = identity
            .policies
            .iter()
            .filter_map(|policy| self.documents.get(policy));
        documents
            .flat_map(|document| &document.statements)
            .filter(|statement| statement.allows && statement.covers_action(action))
            .collect()
    }

    pub(super) fn policies<'s>(&'s self, identity: &Identity<'s>) -> Sources<'s> {
        let control = self.control(identity).iter();
        Sources {
            identity: self.sources(&identity.policies),
            boundary: identity.boundary.map(|policy| self.source(policy)),
            service_control: control.map(|level| self.sources(level)).collect(),
        }
    }

    /// The service control policies that bind an identity. Roles of services are not bound.
    fn control(&self, identity: &Identity<'a>) -> &[Vec<&'a str>] {
        if identity.arn.contains(":role/aws-service-role/") {
            return &[];
        }
        let control = self.service_control.get(identity.account);
        control.map_or(&[], Vec::as_slice)
    }

    pub(super) fn named(&self, arn: &str) -> bool {
        self.all
            .binary_search_by_key(&arn, |identity| identity.arn)
            .is_ok()
    }

    fn sources<'s>(&'s self, policies: &[&'s str]) -> Vec<Source<'s>> {
        policies.iter().map(|policy| self.source(policy)).collect()
    }

    fn source<'s>(&'s self, policy: &'s str) -> Source<'s> {
        Source {
            name: policy,
            document: self.documents.get(policy),
        }
    }
}
