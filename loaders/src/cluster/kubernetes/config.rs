//! Namespaces, machines, volumes, secrets, configuration and webhooks.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::decode::yaml;
use crate::error::LoadError;
use crate::hints::Hints;
use crate::limits::Limits;
use crate::text::Text;

use super::estate::Estate;
use super::object::Object;
use super::pod::HostPath;
use super::scope::Scope;

/// `Namespace`.
pub(super) fn namespace(estate: &mut Estate<'_>, object: &Object) -> Result<(), LoadError> {
    let scope = estate.scope(object);
    let (id, node) = estate.node(&scope, &["Namespace"], "Namespace", &object.name)?;
    let enforced = object.meta.label("pod-security.kubernetes.io/enforce");
    estate.facts.set_opt(node, "pod_security", enforced);
    let labels = object.meta.labels();
    estate.set_list(
        node,
        "labels",
        labels.map(|(key, value)| format!("{key}={value}")),
    );
    estate.belongs(&id, &scope)
}

#[derive(Debug, Default, Deserialize)]
struct NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeStatus {
    addresses: Option<Vec<NodeAddress>>,
    node_info: Option<NodeInfo>,
}

#[derive(Debug, Default, Deserialize)]
struct NodeAddress {
    #[serde(rename = "type")]
    kind: Option<Text>,
    address: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct NodeInfo {
    #[serde(rename = "kernelVersion")]
    kernel: Option<Text>,
    #[serde(rename = "containerRuntimeVersion")]
    runtime: Option<Text>,
    #[serde(rename = "kubeletVersion")]
    kubelet: Option<Text>,
}

/// `Node`.
pub(super) fn machine(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: NodeSpec = object.take("spec")?;
    let status: NodeStatus = object.take("status")?;
    let (id, node) = estate.node(&scope, &["Node"], "Node", &object.name)?;
    let info = status.node_info.unwrap_or_default();
    for (property, value) in [
        ("provider_id", &spec.provider_id),
        ("kernel_version", &info.kernel),
        ("runtime", &info.runtime),
        ("kubelet_version", &info.kubelet),
    ] {
        estate.facts.set_opt(node, property, value.as_deref());
    }
    let external: BTreeSet<&str> = status
        .addresses
        .iter()
        .flatten()
        .filter(|address| matches!(address.kind.as_deref(), Some("ExternalIP" | "ExternalDNS")))
        .filter_map(|address| address.address.as_deref())
        .collect();
    estate.set_list(node, "addresses", external);
    let labels = object.meta.labels();
    estate.set_list(
        node,
        "labels",
        labels.map(|(key, value)| format!("{key}={value}")),
    );
    estate.belongs(&id, &scope)
}

/// `Secret`: its name, type and the names of its entries. Values are never looked at.
pub(super) fn secret(estate: &mut Estate<'_>, object: &Object) -> Result<(), LoadError> {
    let scope = estate.scope(object);
    let (id, node) = estate.node(&scope, &["Secret"], "Secret", &object.name)?;
    let kind = object.get("type").and_then(Value::as_str);
    estate.facts.set_opt(node, "type", kind);
    let keys: BTreeSet<&String> = ["data", "stringData"]
        .into_iter()
        .filter_map(|member| object.get(member).and_then(Value::as_object))
        .flat_map(Map::keys)
        .collect();
    estate.set_list(node, "keys", keys);
    estate.belongs(&id, &scope)?;
    let account = object
        .meta
        .annotation("kubernetes.io/service-account.name")
        .filter(|_| kind == Some("kubernetes.io/service-account-token"));
    if let Some(account) = account {
        let labels = ["Identity", "ServiceAccount"];
        let account = estate.refer(&scope, &labels, "ServiceAccount", account)?;
        estate.edge(&id, "AUTHENTICATES", &account)?;
    }
    Ok(())
}

/// `ConfigMap`: the names of its entries and the hosts its values point at.
pub(super) fn config_map(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let data: Option<BTreeMap<String, Option<Text>>> = object.take("data")?;
    let data = data.unwrap_or_default();
    let mut hints = Hints::default();
    for (key, value) in &data {
        hints.file(key, value.as_deref().unwrap_or_default());
    }
    let (id, node) = estate.node(&scope, &["ConfigMap"], "ConfigMap", &object.name)?;
    estate.set_list(node, "keys", data.keys());
    estate.set_list(node, "env_hosts", &hints.hosts);
    estate.set_list(node, "env_resources", &hints.resources);
    estate.belongs(&id, &scope)?;
    if scope.namespace.as_deref() == Some("kube-system") && object.name == "aws-auth" {
        for member in ["mapRoles", "mapUsers"] {
            if let Some(Some(text)) = data.get(member) {
                cloud_mapping(estate, &scope, member, text)?;
            }
        }
    }
    Ok(())
}

/// One entry of the map from cloud identities to users and groups of the cluster.
#[derive(Debug, Default, Deserialize)]
struct Mapping {
    #[serde(rename = "rolearn", alias = "userarn")]
    arn: Option<Text>,
    username: Option<Text>,
    groups: Option<Vec<Text>>,
}

/// EKS reads which cloud identity acts as whom in the cluster from a config map.
fn cloud_mapping(
    estate: &mut Estate<'_>,
    scope: &Scope,
    member: &str,
    text: &str,
) -> Result<(), LoadError> {
    let parsed: Result<Vec<Vec<Mapping>>, _> = yaml::documents(text, &Limits::default());
    let mappings = match parsed {
        Ok(lists) => lists.into_iter().flatten(),
        Err(error) => {
            estate.report.warn("identity mapping not understood", || {
                format!("{member}: {error}")
            });
            return Ok(());
        }
    };
    let label = if member == "mapRoles" {
        "CloudRole"
    } else {
        "CloudUser"
    };
    for mapping in mappings {
        let Some(arn) = mapping.arn.as_deref().filter(|arn| arn.starts_with("arn:")) else {
            continue;
        };
        estate.count("identity_mappings", 1);
        estate.facts.node(arn, &["Identity", label])?;
        // A name with a template in it differs for each session.
        let user = mapping.username.iter().filter(|name| !name.contains("{{"));
        let groups = mapping.groups.iter().flatten();
        for (kind, name) in user
            .map(|name| ("User", name))
            .chain(groups.map(|name| ("Group", name)))
        {
            let labels = ["Identity", kind];
            let target = estate.refer(&scope.cluster_wide(), &labels, kind, name)?;
            estate.edge(arn, "MEMBER_OF", &target)?;
        }
    }
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VolumeSpec {
    host_path: Option<HostPath>,
    local: Option<HostPath>,
    claim_ref: Option<Claim>,
}

#[derive(Debug, Default, Deserialize)]
struct Claim {
    name: Option<Text>,
    namespace: Option<Text>,
}

impl VolumeSpec {
    fn directory(&self) -> Option<&str> {
        [&self.host_path, &self.local]
            .into_iter()
            .flatten()
            .find_map(|directory| directory.path.as_deref())
    }

    fn claim(&self, scope: &Scope) -> Option<(Scope, String)> {
        let claim = self.claim_ref.as_ref()?;
        let scope = scope.namespace_or_here(claim.namespace.as_deref());
        scope.namespace.as_ref()?;
        Some((scope, claim.name.as_deref()?.to_owned()))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimSpec {
    volume_name: Option<Text>,
}

/// Takes up which claims are directories of the machine, from all volumes and claims.
pub(super) fn index_volumes(estate: &mut Estate<'_>, objects: &[Object]) {
    let mut directories = BTreeMap::new();
    for object in objects {
        if object.group.is_empty() && object.kind == "PersistentVolume" {
            let scope = estate.scope(object);
            let spec = object.get("spec").cloned().unwrap_or_default();
            let Ok(spec) = serde_json::from_value::<VolumeSpec>(spec) else {
                continue;
            };
            let Some(directory) = spec.directory() else {
                continue;
            };
            if let Some(claim) = spec.claim(&scope) {
                estate.index.claim_paths.insert(claim, directory.to_owned());
            }
            directories.insert((scope, object.name.clone()), directory.to_owned());
        }
    }
    for object in objects {
        if object.group.is_empty() && object.kind == "PersistentVolumeClaim" {
            let scope = estate.scope(object);
            let volume = object
                .get("spec")
                .and_then(|spec| spec.get("volumeName"))
                .and_then(Value::as_str);
            let directory = volume
                .and_then(|volume| directories.get(&(scope.cluster_wide(), volume.to_owned())));
            if let Some(directory) = directory {
                let claim = (scope, object.name.clone());
                estate.index.claim_paths.insert(claim, directory.clone());
            }
        }
    }
}

/// `PersistentVolume`.
pub(super) fn volume(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: VolumeSpec = object.take("spec")?;
    let (id, node) = estate.node(&scope, &["PersistentVolume"], &object.kind, &object.name)?;
    estate.facts.set_opt(node, "host_path", spec.directory());
    estate.belongs(&id, &scope)?;
    if let Some((claim_scope, claim)) = spec.claim(&scope) {
        let kind = "PersistentVolumeClaim";
        let claim = estate.refer(&claim_scope, &[kind], kind, &claim)?;
        estate.edge(&claim, "BOUND_TO", &id)?;
    }
    Ok(())
}

/// `PersistentVolumeClaim`.
pub(super) fn claim(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: ClaimSpec = object.take("spec")?;
    let labels = ["PersistentVolumeClaim"];
    let (id, _) = estate.node(&scope, &labels, &object.kind, &object.name)?;
    estate.belongs(&id, &scope)?;
    if let Some(volume) = spec.volume_name.as_deref().filter(|name| !name.is_empty()) {
        let kind = "PersistentVolume";
        let volume = estate.refer(&scope.cluster_wide(), &[kind], kind, volume)?;
        estate.edge(&id, "BOUND_TO", &volume)?;
    }
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    failure_policy: Option<Text>,
    rules: Option<Value>,
    client_config: Option<ClientConfig>,
}

#[derive(Debug, Default, Deserialize)]
struct ClientConfig {
    url: Option<Text>,
    service: Option<Claim>,
}

/// `MutatingWebhookConfiguration` and `ValidatingWebhookConfiguration`.
pub(super) fn webhooks(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let webhooks: Option<Vec<Webhook>> = object.take("webhooks")?;
    let webhooks = webhooks.unwrap_or_default();
    estate.count("webhooks", webhooks.len());
    let (id, node) = estate.node(&scope, &["AdmissionWebhook"], &object.kind, &object.name)?;
    let mutating = object.kind.starts_with("Mutating");
    estate.facts.set(node, "mutating", mutating);
    let policies = webhooks
        .iter()
        .map(|webhook| webhook.failure_policy.as_deref().unwrap_or("Fail"));
    estate.set_list(node, "failure_policy", policies);
    let clients: Vec<&ClientConfig> = webhooks
        .iter()
        .filter_map(|webhook| webhook.client_config.as_ref())
        .collect();
    estate.set_list(
        node,
        "url",
        clients.iter().filter_map(|client| client.url.as_deref()),
    );
    let rules: Vec<&Value> = webhooks
        .iter()
        .filter_map(|webhook| webhook.rules.as_ref())
        .collect();
    if let Ok(rules) = serde_json::to_string(&rules) {
        estate.facts.set(node, "rules", rules);
    }
    estate.belongs(&id, &scope)?;
    let services: BTreeSet<(&str, &str)> = clients
        .iter()
        .filter_map(|client| client.service.as_ref())
        .filter_map(|service| Some((service.namespace.as_deref()?, service.name.as_deref()?)))
        .collect();
    for (namespace, service) in services {
        let scope = scope.namespace_or_here(Some(namespace));
        let service = estate.refer(&scope, &["Service"], "Service", service)?;
        estate.edge(&id, "CALLS", &service)?;
    }
    Ok(())
}
