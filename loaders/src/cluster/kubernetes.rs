//! Kubernetes objects: manifests, lists, and what `kubectl get -o json` or `-o yaml` prints.
//!
//! The loader states what the objects say. Who reaches whom, who may do what, and which service
//! selects which workload follow from several documents and are derived in the engine.
//!
//! Pods fold into the controller they belong to, across files too, since every pod names its
//! controller. The cluster is the one the object names, else the one of the context, else
//! `default`.

mod config;
mod estate;
mod gateway;
mod gitops;
mod ingress;
mod network;
mod object;
mod pod;
mod rbac;
mod scope;
#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
mod tests;
mod workload;
mod workloads;

use foothold_engine::model::Facts;

use crate::document::Document;
use crate::error::LoadError;
use crate::head::{Head, Shape, Sketch};
use crate::loader::{Loader, Match};
use crate::report::Report;

use self::estate::Estate;
use self::object::{Object, Slim, expand, is_list_kind};

/// API groups whose objects are read here; objects of other groups are counted and left out.
const GROUPS: &[&str] = &[
    "",
    "apps",
    "extensions",
    "batch",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "admissionregistration.k8s.io",
    "discovery.k8s.io",
    "policy.networking.k8s.io",
    "gateway.networking.k8s.io",
    "networking.istio.io",
    "route.openshift.io",
    "apps.openshift.io",
    "argoproj.io",
    "kustomize.toolkit.fluxcd.io",
    "source.toolkit.fluxcd.io",
];

/// The loader.
pub(crate) struct Kubernetes;

impl Loader for Kubernetes {
    fn format(&self) -> &'static str {
        "kubernetes"
    }

    fn describe(&self) -> &'static str {
        "Kubernetes objects, JSON or YAML: manifests, lists, kubectl get -o json"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        match head.shape {
            Shape::Json(sketch) | Shape::JsonStream(sketch) | Shape::Yaml(sketch) => {
                detect_sketch(sketch)
            }
            _ => Match::No,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let documents: Vec<Slim> = document.values()?;
        let documents = documents.into_iter().map(|Slim(value)| value).collect();
        let objects = expand(documents, report)?;
        let mut estate = Estate::new(document.context().cluster(), facts, report);
        for object in &objects {
            workloads::index(&mut estate, object);
        }
        config::index_volumes(&mut estate, &objects);
        gitops::index_sources(&mut estate, &objects);
        for object in objects {
            read(&mut estate, object)?;
        }
        workloads::state(&mut estate)?;
        network::state_endpoints(&mut estate)?;
        estate.finish_counts();
        Ok(())
    }
}

fn detect_sketch(sketch: &Sketch) -> Match {
    let [version, kind] = ["apiVersion", "kind"].map(|key| sketch.scalar(key));
    let (version, kind) = match (version, kind) {
        // A list without a kind of its own, as some collectors write it.
        (Some(version), None) if sketch.has("items[].kind") => (version, "List"),
        (Some(version), Some(kind)) => (version, kind),
        (None, Some(_)) if sketch.has("metadata") => {
            return Match::Near("has `kind` and `metadata` but not `apiVersion`".to_owned());
        }
        _ => {
            // An array of objects.
            let [version, kind] = ["[].apiVersion", "[].kind"].map(|key| sketch.scalar(key));
            match (version, kind) {
                (Some(version), Some(kind)) => (version, kind),
                _ => return Match::No,
            }
        }
    };
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if matches!(
        group,
        "audit.k8s.io" | "backstage.io" | "aquasecurity.github.io"
    ) {
        return Match::No;
    }
    if GROUPS.contains(&group) || is_list_kind(kind) {
        Match::Certain
    } else {
        Match::Likely
    }
}

fn read(estate: &mut Estate<'_>, object: Object) -> Result<(), LoadError> {
    estate.count_object(&object);
    if object.name.is_empty() {
        estate
            .report
            .warn("object without a name", || object.kind.clone());
        return Ok(());
    }
    if workloads::holds_pods(&object) {
        return workloads::gather(estate, object);
    }
    match (object.group.as_str(), object.kind.as_str()) {
        ("", "Namespace") => config::namespace(estate, &object),
        ("", "Node") => config::machine(estate, object),
        ("", "Secret") => config::secret(estate, &object),
        ("", "ConfigMap") => config::config_map(estate, object),
        ("", "PersistentVolume") => config::volume(estate, object),
        ("", "PersistentVolumeClaim") => config::claim(estate, object),
        ("", "ServiceAccount") => rbac::service_account(estate, &object),
        ("", "Service") => network::service(estate, object),
        ("", "Endpoints") | ("discovery.k8s.io", "EndpointSlice") => {
            network::endpoints(estate, object)
        }
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => rbac::role(estate, object),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            rbac::binding(estate, object)
        }
        ("networking.k8s.io" | "extensions", "NetworkPolicy")
        | ("policy.networking.k8s.io", "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy") => {
            network::policy(estate, object)
        }
        ("networking.k8s.io" | "extensions", "Ingress") => ingress::ingress(estate, object),
        ("route.openshift.io", "Route") => ingress::openshift_route(estate, object),
        ("gateway.networking.k8s.io", "Gateway")
        | (
            "gateway.networking.k8s.io" | "gateway.networking.x-k8s.io",
            "ListenerSet" | "XListenerSet",
        ) => gateway::gateway(estate, object),
        (
            "gateway.networking.k8s.io",
            "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" | "UDPRoute",
        ) => gateway::route(estate, object),
        ("networking.istio.io", "Gateway") => gateway::istio_gateway(estate, object),
        ("networking.istio.io", "VirtualService") => gateway::virtual_service(estate, object),
        (
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => config::webhooks(estate, object),
        ("argoproj.io", "Application") => gitops::application(estate, object),
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => gitops::kustomization(estate, object),
        _ => {
            estate.count("objects_left_out", 1);
            Ok(())
        }
    }
}
