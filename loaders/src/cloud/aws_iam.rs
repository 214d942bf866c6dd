//! AWS identities: `aws iam get-account-authorization-details`, `get-role`, `list-roles`, and
//! policy documents on their own.
//!
//! Policies are kept as they are; what they allow together, denies and boundaries honoured, is
//! decided in the engine.

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::model::{FactRef, Facts, Value as Property};
use serde::Deserialize;
use serde_json::Value;

use crate::decode::{Tree, json};
use crate::document::Document;
use crate::error::LoadError;
use crate::head::{Head, Shape};
use crate::loader::{Loader, Match};
use crate::report::Report;
use crate::text::Text;

use super::arn::{Arn, account_id};
use super::principal::state_trust;
use super::statement::{document, is_conditional, statements, subject, texts};

/// The loader.
pub(crate) struct AwsIam;

const DETAIL_LISTS: &[&str] = &["UserDetailList", "GroupDetailList", "RoleDetailList"];

impl Loader for AwsIam {
    fn format(&self) -> &'static str {
        "aws-iam"
    }

    fn describe(&self) -> &'static str {
        "AWS identities: account authorization details, roles, policy documents"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let (Shape::Json(sketch) | Shape::JsonStream(sketch) | Shape::Yaml(sketch)) = head.shape
        else {
            return Match::No;
        };
        let marks = [
            "Role.AssumeRolePolicyDocument",
            "Roles[].AssumeRolePolicyDocument",
            "Statement.Effect",
            "Statement[].Effect",
        ];
        let has_details = DETAIL_LISTS.iter().any(|list| sketch.has(list));
        if has_details || marks.iter().any(|mark| sketch.has(mark)) {
            Match::Certain
        } else if sketch.has("Statement") && sketch.has("Version") {
            Match::Near("no statement has an `Effect`".to_owned())
        } else {
            Match::No
        }
    }

    fn load(
        &self,
        source: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        report.tool("aws-cli", None);
        let mut accounts = Accounts::default();
        for Tree(value) in source.values::<Tree>()? {
            if value.get("Statement").is_some() {
                bare_policy(&value, facts, report)?;
                continue;
            }
            let mut details: Details = json::from_value(value, "")?;
            if let Some(role) = details.role.take() {
                report.count(
                    "members.Role",
                    role.as_object().map_or(0, serde_json::Map::len) as u64,
                );
                let role: RoleDetail = json::from_value(role, "/Role")?;
                details.roles.get_or_insert_default().push(role);
            }
            state(&details, &mut accounts, facts, report)?;
        }
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
struct Details {
    #[serde(rename = "UserDetailList")]
    users: Option<Vec<UserDetail>>,
    #[serde(rename = "GroupDetailList")]
    groups: Option<Vec<GroupDetail>>,
    #[serde(rename = "RoleDetailList", alias = "Roles")]
    roles: Option<Vec<RoleDetail>>,
    #[serde(rename = "Policies")]
    policies: Option<Vec<PolicyDetail>>,
    #[serde(rename = "Role")]
    role: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UserDetail {
    user_name: Text,
    arn: String,
    group_list: Option<Vec<Text>>,
    user_policy_list: Option<Vec<InlinePolicy>>,
    attached_managed_policies: Option<Vec<AttachedPolicy>>,
    permissions_boundary: Option<Boundary>,
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupDetail {
    group_name: Text,
    arn: String,
    group_policy_list: Option<Vec<InlinePolicy>>,
    attached_managed_policies: Option<Vec<AttachedPolicy>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleDetail {
    role_name: Text,
    arn: String,
    assume_role_policy_document: Option<Value>,
    role_policy_list: Option<Vec<InlinePolicy>>,
    attached_managed_policies: Option<Vec<AttachedPolicy>>,
    permissions_boundary: Option<Boundary>,
    instance_profile_list: Option<Vec<InstanceProfile>>,
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InlinePolicy {
    policy_name: Text,
    policy_document: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttachedPolicy {
    policy_name: Option<Text>,
    policy_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Boundary {
    permissions_boundary_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceProfile {
    instance_profile_name: Option<Text>,
    arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyDetail {
    policy_name: Option<Text>,
    arn: String,
    default_version_id: Option<Text>,
    policy_version_list: Option<Vec<PolicyVersion>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyVersion {
    version_id: Option<Text>,
    is_default_version: Option<bool>,
    document: Option<Value>,
}

/// A tag of a resource.
#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    #[serde(rename = "Key", alias = "key")]
    pub(super) key: Text,
    #[serde(rename = "Value", alias = "value")]
    pub(super) value: Option<Text>,
}

/// Tags as `key=value`.
pub(super) fn rendered_tags(tags: Option<&[Tag]>) -> Option<Property> {
    let tags = tags.filter(|tags| !tags.is_empty())?;
    Some(Property::strings(tags.iter().map(|tag| {
        format!("{}={}", tag.key, tag.value.as_deref().unwrap_or_default())
    })))
}

/// Accounts and members stated so far.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    accounts: BTreeSet<String>,
    members: BTreeSet<String>,
}

impl Accounts {
    /// States that a resource belongs to an account.
    pub(super) fn belongs(
        &mut self,
        facts: &mut Facts,
        id: &str,
        account: &str,
    ) -> Result<(), LoadError> {
        let account_node = account_id(account);
        if self.accounts.insert(account_node.clone()) {
            let node = facts.node(&account_node, &["Account"])?;
            facts.set(node, "name", account);
        }
        if self.members.insert(id.to_owned()) {
            facts.edge(id, "IN_ACCOUNT", &account_node)?;
        }
        Ok(())
    }

    /// As [`Accounts::belongs`], with the account of an ARN, if it holds one.
    pub(super) fn belongs_by_arn(
        &mut self,
        facts: &mut Facts,
        id: &str,
        arn: &str,
    ) -> Result<(), LoadError> {
        match Arn::parse(arn) {
            Some(parsed) if parsed.account_id().is_some() => {
                self.belongs(facts, id, parsed.account)
            }
            _ => Ok(()),
        }
    }
}

fn state(
    details: &Details,
    accounts: &mut Accounts,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    let groups = details.groups.as_deref().unwrap_or_default();
    let group_arns: BTreeMap<(&str, &str), &str> = groups
        .iter()
        .map(|group| {
            let account = Arn::parse(&group.arn).map_or("", |arn| arn.account);
            ((account, group.group_name.as_str()), group.arn.as_str())
        })
        .collect();
    for group in groups {
        report.count("groups", 1);
        let labels = ["Identity", "CloudGroup"];
        identity(facts, &labels, &group.arn, &group.group_name)?;
        accounts.belongs_by_arn(facts, &group.arn, &group.arn)?;
        let inline = group.group_policy_list.as_deref();
        let attached = group.attached_managed_policies.as_deref();
        policies(facts, report, &group.arn, inline, attached)?;
    }
    for user in details.users.as_deref().unwrap_or_default() {
        report.count("users", 1);
        let node = identity(
            facts,
            &["Identity", "CloudUser"],
            &user.arn,
            &user.user_name,
        )?;
        facts.set_opt(node, "tags", rendered_tags(user.tags.as_deref()));
        boundary(facts, node, &user.arn, user.permissions_boundary.as_ref())?;
        accounts.belongs_by_arn(facts, &user.arn, &user.arn)?;
        let inline = user.user_policy_list.as_deref();
        let attached = user.attached_managed_policies.as_deref();
        policies(facts, report, &user.arn, inline, attached)?;
        for group in user.group_list.as_deref().unwrap_or_default() {
            report.count("group_memberships", 1);
            if let Some(group) = group_arn(&user.arn, group, &group_arns) {
                facts.edge(&user.arn, "MEMBER_OF", &group)?;
            }
        }
    }
    for role in details.roles.as_deref().unwrap_or_default() {
        self::role(role, accounts, facts, report)?;
    }
    for policy in details.policies.as_deref().unwrap_or_default() {
        managed_policy(policy, facts, report)?;
        accounts.belongs_by_arn(facts, &policy.arn, &policy.arn)?;
    }
    Ok(())
}

/// The ARN of a user's group: as the document has it, else the one without a path.
fn group_arn(user: &str, group: &str, groups: &BTreeMap<(&str, &str), &str>) -> Option<String> {
    let user = Arn::parse(user)?;
    match groups.get(&(user.account, group)) {
        Some(arn) => Some((*arn).to_owned()),
        None => Some(format!(
            "arn:{}:iam::{}:group/{group}",
            user.partition, user.account
        )),
    }
}

fn identity(
    facts: &mut Facts,
    labels: &[&str],
    arn: &str,
    name: &str,
) -> Result<FactRef, LoadError> {
    let node = facts.node(arn, labels)?;
    facts.set(node, "name", name);
    Ok(node)
}

fn boundary(
    facts: &mut Facts,
    node: FactRef,
    principal: &str,
    boundary: Option<&Boundary>,
) -> Result<(), LoadError> {
    let arn = boundary.and_then(|boundary| boundary.permissions_boundary_arn.as_deref());
    if let Some(arn) = arn {
        facts.set(node, "permission_boundary", arn);
        let edge = facts.edge(principal, "HAS_POLICY", arn)?;
        facts.set_key(edge, "boundary");
        facts.set(edge, "boundary", true);
    }
    Ok(())
}

fn policies(
    facts: &mut Facts,
    report: &mut Report,
    principal: &str,
    inline: Option<&[InlinePolicy]>,
    attached: Option<&[AttachedPolicy]>,
) -> Result<(), LoadError> {
    for policy in attached.unwrap_or_default() {
        report.count("attached_policy_edges", 1);
        let node = facts.node(&policy.policy_arn, &["CloudPolicy"])?;
        facts.set_opt(node, "name", policy.policy_name.as_deref());
        facts.set(node, "inline", false);
        let edge = facts.edge(principal, "HAS_POLICY", &policy.policy_arn)?;
        facts.set_key(edge, "attached");
        facts.set(edge, "boundary", false);
    }
    for policy in inline.unwrap_or_default() {
        report.count("inline_policies", 1);
        let id = format!("{principal}#{}", policy.policy_name);
        let node = facts.node(&id, &["CloudPolicy"])?;
        facts.set(node, "name", policy.policy_name.as_str());
        facts.set(node, "inline", true);
        match policy.policy_document.clone().and_then(document) {
            Some(document) => facts.set(node, "document", document.to_string()),
            None => report.warn("policy document not understood", || id.clone()),
        }
        let edge = facts.edge(principal, "HAS_POLICY", &id)?;
        facts.set_key(edge, "inline");
        facts.set(edge, "boundary", false);
    }
    Ok(())
}

fn role(
    role: &RoleDetail,
    accounts: &mut Accounts,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    report.count("roles", 1);
    let trust = role.assume_role_policy_document.clone().and_then(document);
    let node = identity(
        facts,
        &["Identity", "CloudRole"],
        &role.arn,
        &role.role_name,
    )?;
    facts.set_opt(node, "tags", rendered_tags(role.tags.as_deref()));
    match &trust {
        Some(trust) => facts.set(node, "trust_policy", trust.to_string()),
        None => report.warn("role without a trust policy", || role.arn.clone()),
    }
    boundary(facts, node, &role.arn, role.permissions_boundary.as_ref())?;
    accounts.belongs_by_arn(facts, &role.arn, &role.arn)?;
    if let Some(trust) = &trust {
        report.count("trust_statements", statements(trust).count() as u64);
        state_trust(facts, &role.arn, trust, report)?;
    }
    let inline = role.role_policy_list.as_deref();
    let attached = role.attached_managed_policies.as_deref();
    policies(facts, report, &role.arn, inline, attached)?;
    for profile in role.instance_profile_list.as_deref().unwrap_or_default() {
        report.count("instance_profiles", 1);
        let node = facts.node(&profile.arn, &["InstanceProfile"])?;
        facts.set_opt(node, "name", profile.instance_profile_name.as_deref());
        facts.edge(&profile.arn, "RUNS_AS", &role.arn)?;
    }
    Ok(())
}

fn managed_policy(
    policy: &PolicyDetail,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    report.count("managed_policies", 1);
    let versions = policy.policy_version_list.as_deref().unwrap_or_default();
    report.count("policy_versions", versions.len() as u64);
    let default = versions.iter().find(|version| {
        version.is_default_version == Some(true)
            || version.is_default_version.is_none()
                && version.version_id.is_some()
                && version.version_id == policy.default_version_id
    });
    let document = default.and_then(|version| version.document.clone().and_then(document));
    let node = facts.node(&policy.arn, &["CloudPolicy"])?;
    facts.set_opt(node, "name", policy.policy_name.as_deref());
    facts.set(node, "inline", false);
    match &document {
        Some(document) => facts.set(node, "document", document.to_string()),
        None => report.warn("policy without its default version", || policy.arn.clone()),
    }
    for statement in document.iter().flat_map(statements) {
        report.count("default_version_statements", 1);
        let star = texts(statement, "Action").any(|action| action == "*");
        report.count("statements_action_star", u64::from(star));
        let conditional = u64::from(is_conditional(statement));
        report.count("statements_with_condition", conditional);
        let not_action = statement.get("NotAction").is_some();
        report.count("statements_with_not_action", u64::from(not_action));
    }
    Ok(())
}

/// A policy document on its own: a resource policy if it names principals and one resource, else
/// a policy nobody is known to carry, named by its content.
fn bare_policy(document: &Value, facts: &mut Facts, report: &mut Report) -> Result<(), LoadError> {
    let mut names_principals = false;
    for statement in statements(document) {
        report.count("statements", 1);
        if let Some(effect) = statement.get("Effect").and_then(Value::as_str) {
            report.count(&format!("effects.{effect}"), 1);
        }
        for action in texts(statement, "Action") {
            report.count("actions", 1);
            report.count("wildcard_actions", u64::from(action.contains('*')));
        }
        names_principals |= statement.get("Principal").is_some();
    }
    let attached_to = subject(document).filter(|_| names_principals);
    if let Some(resource) = attached_to {
        return super::aws_describe::resource_policy(facts, &resource, document);
    }
    let id = format!("policy:{}", digest(&document.to_string()));
    let node = facts.node(&id, &["CloudPolicy"])?;
    facts.set(node, "inline", false);
    facts.set(node, "document", document.to_string());
    Ok(())
}

fn digest(text: &str) -> String {
    use sha2::Digest;
    use std::fmt::Write;
    let mut hex = String::new();
    for byte in sha2::Sha256::digest(text.as_bytes()).iter().take(16) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
