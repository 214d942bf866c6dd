//! Service accounts, roles and bindings.

use serde::Deserialize;
use serde_json::Value;

use crate::error::LoadError;
use crate::text::Text;

use super::estate::Estate;
use super::object::Object;
use super::scope::Scope;

/// One rule, read for the counts only; the evaluator gets the rules as they are.
#[derive(Debug, Default, Deserialize)]
struct Rule {
    verbs: Option<Vec<Text>>,
    resources: Option<Vec<Text>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleRef {
    kind: Option<Text>,
    name: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct Subject {
    kind: Option<Text>,
    name: Option<Text>,
    namespace: Option<Text>,
}

/// `Role` and `ClusterRole`.
pub(super) fn role(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let raw = object.get("rules").cloned();
    let rules: Option<Vec<Rule>> = object.take("rules")?;
    let rules = rules.unwrap_or_default();
    estate.count("rbac_rules", rules.len());
    for rule in &rules {
        let has = |list: &Option<Vec<Text>>, wanted: &[&str]| {
            list.iter()
                .flatten()
                .any(|item| wanted.contains(&item.as_str()))
        };
        let reads = has(&rule.verbs, &["get", "list", "watch", "*"]);
        let secrets = has(&rule.resources, &["secrets", "*"]);
        estate.count(
            "rbac_wildcard_verb_rules",
            usize::from(has(&rule.verbs, &["*"])),
        );
        estate.count("rbac_secret_read_rules", usize::from(reads && secrets));
    }
    let aggregation = object.take_raw("aggregationRule");
    estate.count(
        "aggregated_cluster_roles",
        usize::from(aggregation.is_some()),
    );
    let labels: Vec<String> = object
        .meta
        .labels()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let (id, node) = estate.node(&scope, &[&object.kind], &object.kind, &object.name)?;
    let rules = raw
        .filter(Value::is_array)
        .unwrap_or(Value::Array(Vec::new()));
    estate.facts.set(node, "rules", rules.to_string());
    if let Some(aggregation) = aggregation {
        estate
            .facts
            .set(node, "aggregation", aggregation.to_string());
    }
    if object.kind == "ClusterRole" {
        estate.set_list(node, "labels", labels);
    }
    estate.belongs(&id, &scope)
}

/// `RoleBinding` and `ClusterRoleBinding`.
pub(super) fn binding(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let role: RoleRef = object.take("roleRef")?;
    let subjects: Option<Vec<Subject>> = object.take("subjects")?;
    let role_kind = role.kind.as_deref().unwrap_or("ClusterRole");
    let role_name = role.name.as_deref().unwrap_or_default();
    estate.count(
        "bindings_to_cluster_admin",
        usize::from(role_name == "cluster-admin"),
    );
    let (id, _) = estate.node(&scope, &[&object.kind], &object.kind, &object.name)?;
    estate.belongs(&id, &scope)?;
    let role_scope = if role_kind == "ClusterRole" {
        scope.cluster_wide()
    } else {
        scope.clone()
    };
    if role_name.is_empty() {
        estate.report.warn("binding without a role", || {
            format!("{} `{}`", object.kind, object.name)
        });
    } else {
        // Not stated as a role: where no document describes it, its rules are unknown.
        let role = role_scope.id(role_kind, role_name);
        estate.edge(&id, "BINDS", &role)?;
    }
    for subject in subjects.unwrap_or_default() {
        let kind = subject.kind.as_deref().unwrap_or_default();
        let name = subject.name.as_deref().unwrap_or_default();
        estate.count("rbac_subjects", 1);
        estate
            .report
            .count(&format!("rbac_subject_kinds.{kind}"), 1);
        let subject_scope = match kind {
            "ServiceAccount" => scope.namespace_or_here(subject.namespace.as_deref()),
            _ => scope.clone(),
        };
        let Some(identity) = identity(estate, &subject_scope, kind, name)? else {
            estate
                .report
                .warn("binding to an unknown kind of subject", || {
                    format!("`{kind}` in {} `{}`", object.kind, object.name)
                });
            continue;
        };
        estate.edge(&id, "GRANTS_TO", &identity)?;
    }
    Ok(())
}

/// The id of a subject. A user named `system:serviceaccount:<namespace>:<name>` is that service
/// account, and is not a second identity.
fn identity(
    estate: &mut Estate<'_>,
    scope: &Scope,
    kind: &str,
    name: &str,
) -> Result<Option<String>, LoadError> {
    if name.is_empty() {
        return Ok(None);
    }
    if kind == "User"
        && let Some((namespace, account)) = name
            .strip_prefix("system:serviceaccount:")
            .and_then(|rest| rest.split_once(':'))
    {
        let scope = scope.namespace_or_here(Some(namespace));
        return identity(estate, &scope, "ServiceAccount", account);
    }
    let id = match kind {
        "ServiceAccount" => {
            // A binding of the cluster must name the account's namespace; without it, it binds
            // nobody.
            if scope.namespace.is_none() {
                return Ok(None);
            }
            estate.refer(scope, &["Identity", "ServiceAccount"], kind, name)?
        }
        "User" | "Group" => estate.refer(&scope.cluster_wide(), &["Identity", kind], kind, name)?,
        _ => return Ok(None),
    };
    Ok(Some(id))
}

/// `ServiceAccount`.
pub(super) fn service_account(estate: &mut Estate<'_>, object: &Object) -> Result<(), LoadError> {
    let scope = estate.scope(object);
    let labels = ["Identity", "ServiceAccount"];
    let (id, node) = estate.node(&scope, &labels, "ServiceAccount", &object.name)?;
    let automount = object
        .get("automountServiceAccountToken")
        .and_then(Value::as_bool);
    estate.facts.set_opt(node, "automount_token", automount);
    for (property, annotation) in [
        ("irsa_role_arn", "eks.amazonaws.com/role-arn"),
        ("gcp_service_account", "iam.gke.io/gcp-service-account"),
        ("azure_client_id", "azure.workload.identity/client-id"),
    ] {
        let value = object
            .meta
            .annotation(annotation)
            .filter(|value| !value.is_empty());
        estate.facts.set_opt(node, property, value);
    }
    estate.belongs(&id, &scope)
}
