//! Services, their endpoints, and network policies.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::error::LoadError;
use crate::text::Text;

use super::estate::Estate;
use super::object::{Object, pairs};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceSpec {
    #[serde(rename = "type")]
    kind: Option<Text>,
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<Text>,
    external_name: Option<Text>,
    #[serde(rename = "externalIPs")]
    external_ips: Option<Vec<Text>>,
    load_balancer_source_ranges: Option<Vec<Text>>,
    selector: Option<BTreeMap<String, Option<Text>>>,
    ports: Option<Vec<ServicePort>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServicePort {
    name: Option<Text>,
    protocol: Option<Text>,
    port: Option<Text>,
    target_port: Option<Text>,
    node_port: Option<Text>,
}

/// `status` of services and ingresses.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BalancedStatus {
    load_balancer: Option<LoadBalancerStatus>,
}

#[derive(Debug, Default, Deserialize)]
struct LoadBalancerStatus {
    ingress: Option<Vec<LoadBalancerIngress>>,
}

#[derive(Debug, Default, Deserialize)]
struct LoadBalancerIngress {
    ip: Option<Text>,
    hostname: Option<Text>,
}

impl BalancedStatus {
    /// Addresses and host names.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.load_balancer
            .iter()
            .flat_map(|status| status.ingress.iter().flatten())
            .flat_map(|ingress| [&ingress.ip, &ingress.hostname])
            .filter_map(|address| address.as_deref())
            .filter(|address| !address.is_empty())
    }
}

/// Annotations that keep a load balancer inside, with the values that do.
const INTERNAL_ANNOTATIONS: &[(&str, &[&str])] = &[
    (
        "service.beta.kubernetes.io/aws-load-balancer-internal",
        &["true", "0.0.0.0/0"],
    ),
    (
        "service.beta.kubernetes.io/aws-load-balancer-scheme",
        &["internal"],
    ),
    (
        "service.beta.kubernetes.io/azure-load-balancer-internal",
        &["true"],
    ),
    (
        "networking.gke.io/load-balancer-type",
        &["internal", "Internal"],
    ),
    (
        "cloud.google.com/load-balancer-type",
        &["internal", "Internal"],
    ),
    (
        "service.beta.kubernetes.io/openstack-internal-load-balancer",
        &["true"],
    ),
    (
        "service.beta.kubernetes.io/oci-load-balancer-internal",
        &["true"],
    ),
];

/// Ports and port names of what runs whatever it is told and asks nobody who they are. Kubelet,
/// etcd and dashboards are left out: they ask for credentials unless someone turned that off.
const MANAGEMENT_PORTS: &[(&str, &str)] = &[
    ("2375", "docker"),
    ("5005", "debugger"),
    ("9229", "debugger"),
];
const MANAGEMENT_NAMES: &[(&str, &str)] = &[("jdwp", "debugger"), ("debugger", "debugger")];

/// `Service`.
pub(super) fn service(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: ServiceSpec = object.take("spec")?;
    let status: BalancedStatus = object.take("status")?;
    let kind = spec.kind.as_deref().unwrap_or("ClusterIP");
    let ports = spec.ports.as_deref().unwrap_or_default();
    estate.count("service_ports", ports.len());
    estate.report.count(&format!("service_types.{kind}"), 1);
    let (id, node) = estate.node(&scope, &["Service"], "Service", &object.name)?;
    estate.facts.set(node, "type", kind);
    let mut rendered = BTreeSet::new();
    let mut targets = BTreeSet::new();
    let mut node_ports = BTreeSet::new();
    for port in ports {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        let Some(number) = port.port.as_deref() else {
            continue;
        };
        let target = port.target_port.as_deref().unwrap_or(number);
        targets.insert(format!("{number}/{protocol}={target}"));
        rendered.insert(format!("{number}/{protocol}"));
        if let Some(node_port) = port.node_port.as_deref().filter(|port| *port != "0") {
            node_ports.insert(format!("{node_port}/{protocol}"));
        }
    }
    let addresses: BTreeSet<&str> = status
        .addresses()
        .chain(spec.external_ips.iter().flatten().map(Text::as_str))
        .collect();
    let selector = pairs(spec.selector.as_ref()).map(|(key, value)| format!("{key}={value}"));
    estate.set_list(node, "ports", rendered);
    estate.set_list(node, "target_ports", targets);
    estate.set_list(node, "node_ports", node_ports);
    estate.set_list(node, "selector", selector);
    estate.set_list(node, "addresses", addresses);
    let ranges = spec.load_balancer_source_ranges.iter().flatten();
    estate.set_list(node, "source_ranges", ranges.map(Text::as_str));
    let set = |text: &Option<Text>| {
        text.as_deref()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    estate
        .facts
        .set_opt(node, "cluster_ip", set(&spec.cluster_ip));
    estate
        .facts
        .set_opt(node, "external_name", set(&spec.external_name));
    if kind == "LoadBalancer" {
        let internal = INTERNAL_ANNOTATIONS.iter().any(|(annotation, values)| {
            let value = object.meta.annotation(annotation);
            value.is_some_and(|value| values.contains(&value))
        });
        estate.facts.set(node, "internal_only", internal);
    }
    estate.facts.set_opt(node, "management", management(ports));
    estate.belongs(&id, &scope)
}

/// What a service offers to anyone who reaches it, by its ports.
fn management(ports: &[ServicePort]) -> Option<&'static str> {
    let known = |table: &[(&str, &'static str)], text: &Option<Text>| {
        let text = text.as_deref()?;
        let entry = table.iter().find(|(mark, _)| *mark == text);
        entry.map(|(_, what)| *what)
    };
    ports.iter().find_map(|port| {
        known(MANAGEMENT_PORTS, &port.port)
            .or_else(|| known(MANAGEMENT_PORTS, &port.target_port))
            .or_else(|| known(MANAGEMENT_NAMES, &port.name))
    })
}

#[derive(Debug, Default, Deserialize)]
struct Subset {
    addresses: Option<Vec<SubsetAddress>>,
    ports: Option<Vec<EndpointPort>>,
}

#[derive(Debug, Default, Deserialize)]
struct SubsetAddress {
    ip: Option<Text>,
    hostname: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct EndpointPort {
    port: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct SliceEndpoint {
    addresses: Option<Vec<Text>>,
}

/// `Endpoints` and `EndpointSlice`: the addresses behind a service.
pub(super) fn endpoints(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let mut found = BTreeSet::new();
    let mut add = |address: &str, ports: &[EndpointPort]| {
        let numbers: Vec<&str> = ports
            .iter()
            .filter_map(|port| port.port.as_deref())
            .collect();
        if numbers.is_empty() {
            found.insert(address.to_owned());
        }
        found.extend(numbers.iter().map(|port| format!("{address}:{port}")));
    };
    let service = if object.kind == "Endpoints" {
        let subsets: Option<Vec<Subset>> = object.take("subsets")?;
        for subset in subsets.unwrap_or_default() {
            let ports = subset.ports.unwrap_or_default();
            for address in subset.addresses.unwrap_or_default() {
                if let Some(ip) = address.ip.or(address.hostname) {
                    add(&ip, &ports);
                }
            }
        }
        object.name.clone()
    } else {
        let endpoints: Option<Vec<SliceEndpoint>> = object.take("endpoints")?;
        let ports: Option<Vec<EndpointPort>> = object.take("ports")?;
        let ports = ports.unwrap_or_default();
        let mut n_addresses = 0;
        for address in endpoints
            .unwrap_or_default()
            .into_iter()
            .filter_map(|endpoint| endpoint.addresses)
            .flatten()
        {
            n_addresses += 1;
            add(&address, &ports);
        }
        estate.count("endpoint_addresses", n_addresses);
        match object.meta.label("kubernetes.io/service-name") {
            Some(service) => service.to_owned(),
            None => return Ok(()),
        }
    };
    if !found.is_empty() {
        let key = (scope, service);
        estate.endpoints.entry(key).or_default().extend(found);
    }
    Ok(())
}

/// States the endpoints gathered; a service may have several slices of them.
pub(super) fn state_endpoints(estate: &mut Estate<'_>) -> Result<(), LoadError> {
    for ((scope, service), endpoints) in std::mem::take(&mut estate.endpoints) {
        let (id, node) = estate.node(&scope, &["Service"], "Service", &service)?;
        estate.set_list(node, "endpoints", endpoints);
        estate.belongs(&id, &scope)?;
    }
    Ok(())
}

/// `NetworkPolicy`, `AdminNetworkPolicy` and `BaselineAdminNetworkPolicy`.
pub(super) fn policy(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec = object.take_raw("spec").unwrap_or(Value::Null);
    if object.kind == "NetworkPolicy" {
        for (name, member) in [
            ("netpol_ingress_rules", "ingress"),
            ("netpol_egress_rules", "egress"),
        ] {
            let rules = spec.get(member).and_then(Value::as_array);
            estate.count(name, rules.map_or(0, Vec::len));
        }
    }
    if !spec.is_object() {
        estate.report.warn("policy without a specification", || {
            format!("{} `{}`", object.kind, object.name)
        });
        return Ok(());
    }
    let (id, node) = estate.node(&scope, &[&object.kind], &object.kind, &object.name)?;
    estate.facts.set(node, "spec", spec.to_string());
    estate.belongs(&id, &scope)
}
