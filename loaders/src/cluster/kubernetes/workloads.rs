//! Pods and controllers to workloads, and workloads to facts.

use foothold_engine::model::FactRef;

use crate::error::LoadError;
use crate::keys::ImageRef;

use super::estate::Estate;
use super::object::{Object, pairs};
use super::pod::{ControllerSpec, JobSpec, PodSpec, PodStatus, Template};
use super::scope::Scope;
use super::workload::{Use, UseDetail, Workload, template_annotations};

/// Controllers whose pods are the same but for their names, so that one node stands for all.
const FOLDING_KINDS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "Rollout",
    "DeploymentConfig",
    "CloneSet",
];

/// Whether objects of a kind hold a pod specification.
pub(super) fn holds_pods(object: &Object) -> bool {
    match (object.group.as_str(), object.kind.as_str()) {
        ("", "Pod" | "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job" | "CronJob") => true,
        // Rollouts, deployment configurations and their like.
        _ => object
            .get("spec")
            .and_then(|spec| spec.pointer("/template/spec/containers"))
            .is_some_and(serde_json::Value::is_array),
    }
}

/// Takes up the controller of a replica set or job, for pods of the same document.
pub(super) fn index(estate: &mut Estate<'_>, object: &Object) {
    if matches!(object.kind.as_str(), "ReplicaSet" | "Job") {
        let controller = object
            .meta
            .controller()
            .map(|owner| (owner.kind.to_string(), owner.name.to_string()));
        let key = (
            estate.scope(object),
            object.kind.clone(),
            object.name.clone(),
        );
        estate.index.controllers.insert(key, controller);
    }
}

/// Adds a pod or controller to the workload it belongs to.
pub(super) fn gather(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    if object.kind == "Pod" {
        let spec: PodSpec = object.take("spec")?;
        let status: PodStatus = object.take("status")?;
        count_spec(estate, &scope, &spec);
        let (kind, name) = folds_into(estate, &scope, &object);
        let foreign = (kind == "Pod")
            .then(|| foreign_controller(&object))
            .flatten();
        let workload = workload(estate, &scope, &kind, &name);
        workload.add_labels(object.meta.labels());
        workload.add_spec(&spec, object.meta.annotations());
        workload.add_status(&spec, &status);
        if let Some((owner_kind, owner)) = foreign {
            let pod = scope.id(&kind, &name);
            let owner = scope.id(&owner_kind, &owner);
            estate.edge(&pod, "CONTROLLED_BY", &owner)?;
        }
        return Ok(());
    }
    let spec: ControllerSpec = object.take("spec")?;
    let template = match (object.kind.as_str(), spec.job_template) {
        ("CronJob", Some(job)) => job.spec.and_then(|JobSpec { template }| template),
        _ => spec.template,
    };
    let Some(Template {
        metadata,
        spec: Some(pod),
    }) = template
    else {
        estate.report.warn("workload without a pod template", || {
            format!("{} `{}`", object.kind, object.name)
        });
        return Ok(());
    };
    count_spec(estate, &scope, &pod);
    let (kind, name) = folds_into(estate, &scope, &object);
    let folded = kind != object.kind || name != object.name;
    if folded && spec.replicas == Some(0) {
        // An earlier revision, kept for rolling back; nothing of it runs.
        return Ok(());
    }
    if folded && object.kind == "Job" {
        let run = scope.id(&object.kind, &object.name);
        let schedule = scope.id(&kind, &name);
        estate.edge(&run, "CONTROLLED_BY", &schedule)?;
    }
    let workload = workload(estate, &scope, &kind, &name);
    if !folded {
        workload.replicas = spec.replicas;
    }
    let metadata = metadata.unwrap_or_default();
    workload.add_labels(pairs(metadata.labels.as_ref()));
    workload.add_spec(&pod, template_annotations(metadata.annotations.as_ref()));
    Ok(())
}

fn workload<'e>(
    estate: &'e mut Estate<'_>,
    scope: &Scope,
    kind: &str,
    name: &str,
) -> &'e mut Workload {
    estate
        .workloads
        .entry(scope.id(kind, name))
        .or_insert_with(|| Workload::new(scope.clone(), kind, name))
}

/// Kind and name of the workload that an object is a part of, itself where it is none.
///
/// The document may not hold the replica set between a pod and its deployment. The deployment
/// controller names replica sets `<deployment>-<hash>` and writes the hash on every pod, so the
/// deployment is known all the same.
fn folds_into(estate: &Estate<'_>, scope: &Scope, object: &Object) -> (String, String) {
    let mut kind = object.kind.clone();
    let mut name = object.name.clone();
    let mut owner = object
        .meta
        .controller()
        .map(|owner| (owner.kind.to_string(), owner.name.to_string()));
    // A pod has a replica set or job, which has a deployment or schedule: two steps.
    for _ in 0..2 {
        let Some((owner_kind, owner_name)) = owner.take() else {
            break;
        };
        if !FOLDING_KINDS.contains(&owner_kind.as_str()) {
            break;
        }
        let key = (scope.clone(), owner_kind.clone(), owner_name.clone());
        owner = match estate.index.controllers.get(&key) {
            Some(known) => known.clone(),
            None if owner_kind == "ReplicaSet" => deployment_by_hash(object, &owner_name),
            None => None,
        };
        (kind, name) = (owner_kind, owner_name);
    }
    (kind, name)
}

fn deployment_by_hash(object: &Object, replica_set: &str) -> Option<(String, String)> {
    [
        ("pod-template-hash", "Deployment"),
        ("rollouts-pod-template-hash", "Rollout"),
    ]
    .into_iter()
    .find_map(|(label, kind)| {
        let hash = object.meta.label(label)?;
        let name = replica_set.strip_suffix(hash)?.strip_suffix('-')?;
        (!name.is_empty()).then(|| (kind.to_owned(), name.to_owned()))
    })
}

/// The custom resource that controls a pod. Its pods may differ, so each stays its own workload.
fn foreign_controller(object: &Object) -> Option<(String, String)> {
    let owner = object.meta.controller()?;
    let foreign = !FOLDING_KINDS.contains(&owner.kind.as_str()) && owner.kind.as_str() != "Node";
    foreign.then(|| (owner.kind.to_string(), owner.name.to_string()))
}

fn count_spec(estate: &mut Estate<'_>, scope: &Scope, spec: &PodSpec) {
    estate.count("pod_specs", 1);
    for (name, flag) in [
        ("host_network", spec.host_network == Some(true)),
        ("host_pid", spec.host_pid == Some(true)),
        ("host_ipc", spec.host_ipc == Some(true)),
        (
            "automount_false",
            spec.automount_service_account_token == Some(false),
        ),
    ] {
        estate.count(name, usize::from(flag));
    }
    let namespace = scope.namespace.as_deref().unwrap_or_default();
    estate.count_service_account(namespace, spec.service_account());
    for volume in spec.volumes.as_deref().unwrap_or_default() {
        estate.count("host_path_volumes", usize::from(volume.host_path.is_some()));
        estate.count("secret_volumes", usize::from(volume.secret.is_some()));
    }
    for (_, container) in spec.all_containers() {
        estate.count("containers", 1);
        if let Some(image) = container.image.as_deref() {
            estate.count_image(image);
        }
        let context = container.security_context.as_ref();
        let privileged = context.and_then(|context| context.privileged) == Some(true);
        estate.count("privileged_containers", usize::from(privileged));
        let added = context
            .and_then(|context| context.capabilities.as_ref()?.add.as_deref())
            .unwrap_or_default();
        estate.count("capabilities_added", added.len());
        let from_secret = container
            .env
            .iter()
            .flatten()
            .filter(|variable| {
                let source = variable.value_from.as_ref();
                source.is_some_and(|source| source.secret_key_ref.is_some())
            })
            .count();
        let whole_secrets = container
            .env_from
            .iter()
            .flatten()
            .filter(|source| source.secret_ref.is_some())
            .count();
        estate.count("secret_env_refs", from_secret + whole_secrets);
    }
}

/// States everything gathered.
pub(super) fn state(estate: &mut Estate<'_>) -> Result<(), LoadError> {
    let workloads = std::mem::take(&mut estate.workloads);
    for (_, mut workload) in workloads {
        resolve_claims(estate, &mut workload);
        state_workload(estate, &workload)?;
    }
    Ok(())
}

/// A claim bound to a directory of the machine mounts that directory.
fn resolve_claims(estate: &Estate<'_>, workload: &mut Workload) {
    let claims: Vec<(String, bool)> = workload
        .uses
        .iter()
        .filter(|(used, _)| used.kind == "PersistentVolumeClaim")
        .map(|(used, detail)| (used.name.clone(), detail.writable))
        .collect();
    for (claim, writable) in claims {
        let key = (workload.scope.clone(), claim);
        if let Some(path) = estate.index.claim_paths.get(&key) {
            workload.add_host_path(path, None, !writable);
        }
    }
}

fn state_workload(estate: &mut Estate<'_>, workload: &Workload) -> Result<(), LoadError> {
    let labels = ["Workload", workload.kind.as_str()];
    let scope = &workload.scope;
    let (id, node) = estate.node(scope, &labels, &workload.kind, &workload.name)?;
    set_properties(estate, node, workload);
    estate.belongs(&id, scope)?;
    for account in &workload.service_accounts {
        let labels = ["Identity", "ServiceAccount"];
        let account = estate.refer(scope, &labels, "ServiceAccount", account)?;
        estate.edge(&id, "RUNS_AS", &account)?;
    }
    for machine in &workload.nodes {
        let machine = estate.refer(&scope.cluster_wide(), &["Node"], "Node", machine)?;
        estate.edge(&id, "SCHEDULED_ON", &machine)?;
    }
    for (used, detail) in &workload.uses {
        state_use(estate, &id, scope, used, detail)?;
    }
    for (run, detail) in &workload.runs {
        let Some(image) = ImageRef::parse(&run.reference) else {
            estate.report.warn("image reference not understood", || {
                format!(
                    "`{}` of {} `{}`",
                    run.reference, workload.kind, workload.name
                )
            });
            continue;
        };
        let digests = workload.digests.get(&run.reference);
        let pinned = image.digest.is_some();
        // Kubernetes pulls `latest` at each start unless told otherwise.
        let default_policy = match image.tag.as_deref() {
            Some("latest") if !pinned => "Always",
            _ => "IfNotPresent",
        };
        let image = state_image(estate, &image, digests.into_iter().flatten())?;
        let edge = estate.facts.edge(&id, "RUNS", &image)?;
        estate.facts.set_key(edge, &run.container);
        estate.facts.set(edge, "container", run.container.as_str());
        estate.facts.set(edge, "init", detail.init);
        estate.facts.set(edge, "pinned", pinned);
        let policy = detail.pull_policy.as_deref().unwrap_or(default_policy);
        estate.facts.set(edge, "pull_policy", policy);
    }
    Ok(())
}

fn set_properties(estate: &mut Estate<'_>, node: FactRef, workload: &Workload) {
    let facts = &mut *estate.facts;
    facts.set(node, "kind", workload.kind.as_str());
    facts.set_opt(node, "replicas", workload.replicas);
    facts.set(node, "privileged", workload.privileged);
    facts.set(node, "host_network", workload.host_network);
    facts.set(node, "host_pid", workload.host_pid);
    facts.set(node, "host_ipc", workload.host_ipc);
    facts.set(
        node,
        "share_process_namespace",
        workload.share_process_namespace,
    );
    if workload.host_users.known() == Some(false) {
        facts.set(node, "user_namespace", true);
    }
    facts.set(node, "read_only_root", workload.read_only_root);
    facts.set(
        node,
        "allow_privilege_escalation",
        workload.allow_privilege_escalation,
    );
    facts.set(
        node,
        "drops_all_capabilities",
        workload.drops_all_capabilities,
    );
    facts.set(node, "runtime_socket", workload.runtime_socket());
    facts.set_opt(node, "run_as_root", workload.run_as_root.known());
    facts.set_opt(node, "automount_token", workload.automount_token);
    facts.set_opt(node, "seccomp", workload.seccomp.known());
    facts.set_opt(node, "apparmor", workload.apparmor.known());
    let read_only = workload
        .host_paths_read_only
        .difference(&workload.host_paths);
    estate.set_list(node, "host_paths_read_only", read_only);
    estate.set_list(node, "labels", workload.rendered_labels());
    for (name, list) in [
        ("host_paths", &workload.host_paths),
        ("capabilities_added", &workload.capabilities_added),
        ("ports", &workload.ports),
        ("port_names", &workload.port_names),
        ("host_ports", &workload.host_ports),
        ("env_hosts", &workload.hints.hosts),
        ("env_resources", &workload.hints.resources),
    ] {
        estate.set_list(node, name, list);
    }
}

fn state_use(
    estate: &mut Estate<'_>,
    id: &str,
    scope: &Scope,
    used: &Use,
    detail: &UseDetail,
) -> Result<(), LoadError> {
    let target = estate.refer(scope, &[used.kind], used.kind, &used.name)?;
    let edge = estate.facts.edge(id, "MOUNTS", &target)?;
    estate.facts.set_key(edge, used.via);
    estate.facts.set(edge, "via", used.via);
    if used.kind == "PersistentVolumeClaim" {
        estate.facts.set(edge, "read_only", !detail.writable);
    } else if !detail.whole {
        estate.set_list(edge, "keys", &detail.keys);
    }
    Ok(())
}

/// States an image; a tag and the digest it was resolved to are two nodes, since tags move.
fn state_image<'d>(
    estate: &mut Estate<'_>,
    image: &ImageRef,
    digests: impl Iterator<Item = &'d String>,
) -> Result<String, LoadError> {
    let id = image.id();
    let node = estate.facts.node(&id, &["Image"])?;
    if !image.repository.is_empty() {
        let name = match &image.tag {
            Some(tag) => format!("{}/{}:{tag}", image.registry, image.repository),
            None => format!("{}/{}", image.registry, image.repository),
        };
        estate.facts.set(node, "name", name);
        estate.facts.set(node, "registry", image.registry.as_str());
        estate
            .facts
            .set(node, "repository", image.repository.as_str());
    }
    estate.facts.set_opt(node, "tag", image.tag.as_deref());
    estate
        .facts
        .set_opt(node, "digest", image.digest.as_deref());
    if image.digest.is_some() {
        return Ok(id);
    }
    for digest in digests {
        let resolved = ImageRef {
            tag: None,
            digest: Some(digest.clone()),
            ..image.clone()
        };
        let resolved = state_image(estate, &resolved, std::iter::empty())?;
        estate.edge(&id, "SAME_AS", &resolved)?;
    }
    Ok(id)
}
