//! Classes of workloads that no policy of their cluster tells apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::attack::network::selector::parse_labels;
use crate::attack::network::{
    AdminPolicy, Connections, Endpoint, Labels, NetworkPolicy, Peer, Policies, Protocol,
};
use crate::build::correlate::view::{View, cluster_of, namespace_of};
use crate::graph::NodeId;

/// One cluster, as far as its network goes.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) services: Vec<NodeId>,
    /// The class of each workload.
    pub(crate) class_of: BTreeMap<NodeId, u32>,
    /// The workloads of each class.
    pub(crate) members: Vec<Vec<NodeId>>,
    /// One endpoint that stands for each class.
    pub(crate) classes: Vec<Endpoint>,
    pub(crate) policies: Policies,
    /// The endpoint of each workload, with everything known of it.
    pub(crate) endpoints: BTreeMap<NodeId, Endpoint>,
}

/// The connections of each source class, with whether they are sure.
pub(crate) type ClassSources = BTreeMap<(u32, bool), Connections>;

/// Every cluster of the snapshot, by name. Clusters never share anything here.
pub(crate) fn clusters(view: View<'_>) -> Vec<Cluster> {
    let mut clusters: BTreeMap<&str, Cluster> = BTreeMap::new();
    let mut network: BTreeMap<&str, Vec<NetworkPolicy>> = BTreeMap::new();
    let mut admin: BTreeMap<&str, Vec<AdminPolicy>> = BTreeMap::new();
    let mut baseline: BTreeMap<&str, Vec<AdminPolicy>> = BTreeMap::new();
    let mut namespaces: BTreeMap<(&str, &str), Labels> = BTreeMap::new();
    let in_cluster = |label: &str| {
        let nodes = view.labelled(label).into_iter();
        nodes.filter_map(|node| Some((node, cluster_of(view.id(node))?)))
    };
    for (node, cluster) in in_cluster("Namespace") {
        if let Some(name) = view.text(node, "name") {
            let labels = view.list(node, "labels");
            let labels = parse_labels(labels.iter().map(String::as_str));
            namespaces.insert((cluster, name), labels);
        }
    }
    for (node, cluster) in in_cluster("NetworkPolicy") {
        let id = view.id(node);
        let (Some(namespace), Some(spec)) = (namespace_of(id), view.text(node, "spec")) else {
            continue;
        };
        if let Ok(policy) = NetworkPolicy::parse(namespace, id, spec) {
            network.entry(cluster).or_default().push(policy);
        }
    }
    for (label, policies) in [
        ("AdminNetworkPolicy", &mut admin),
        ("BaselineAdminNetworkPolicy", &mut baseline),
    ] {
        for (node, cluster) in in_cluster(label) {
            if let Some(spec) = view.text(node, "spec")
                && let Ok(policy) = AdminPolicy::parse(view.id(node), spec)
            {
                policies.entry(cluster).or_default().push(policy);
            }
        }
    }
    for (node, name) in in_cluster("Service") {
        clusters.entry(name).or_default().services.push(node);
    }
    for (node, name) in in_cluster("Workload") {
        let Some(namespace) = namespace_of(view.id(node)) else {
            continue;
        };
        let mut namespace_labels = namespaces
            .get(&(name, namespace))
            .cloned()
            .unwrap_or_default();
        // The API server sets this one on every namespace.
        namespace_labels.insert(
            "kubernetes.io/metadata.name".to_owned(),
            namespace.to_owned(),
        );
        let labels = view.list(node, "labels");
        let endpoint = Endpoint {
            namespace: namespace.to_owned(),
            namespace_labels,
            labels: parse_labels(labels.iter().map(String::as_str)),
            named_ports: named_ports(view, node),
            host_network: view.flag(node, "host_network") == Some(true),
        };
        let cluster = clusters.entry(name).or_default();
        cluster.endpoints.insert(node, endpoint);
    }
    let mut result = Vec::new();
    for (name, mut cluster) in clusters {
        name.clone_into(&mut cluster.name);
        cluster.policies = Policies::new(
            network.remove(name).unwrap_or_default(),
            admin.remove(name).unwrap_or_default(),
            baseline.remove(name).unwrap_or_default(),
        );
        cluster.classify();
        result.push(cluster);
    }
    result
}

fn named_ports(view: View<'_>, workload: NodeId) -> Vec<(String, Protocol, u16)> {
    let names = view.list(workload, "port_names");
    let ports = names.iter().filter_map(|text| {
        let (name, port) = text.split_once('=')?;
        let (number, protocol) = port.split_once('/').unwrap_or((port, "TCP"));
        Some((
            name.to_owned(),
            Protocol::parse(protocol)?,
            number.parse().ok()?,
        ))
    });
    ports.collect()
}

impl Cluster {
    fn classify(&mut self) {
        let sight = self.policies.sight();
        let mut class_of: BTreeMap<Endpoint, u32> = BTreeMap::new();
        for (&workload, endpoint) in &self.endpoints {
            let seen = sight.reduce(endpoint);
            let next = class_of.len() as u32;
            let class = *class_of.entry(seen.clone()).or_insert(next);
            if class == next {
                self.classes.push(seen);
                self.members.push(Vec::new());
            }
            self.class_of.insert(workload, class);
            if let Some(members) = self.members.get_mut(class as usize) {
                members.push(workload);
            }
        }
    }

    /// For each class, the classes that reach it. Pairs are only looked at where nothing isolates
    /// either side (decided once) or where a rule names both.
    pub(crate) fn sources_of_classes(&self) -> BTreeMap<u32, ClassSources> {
        let n_classes = self.classes.len() as u32;
        let applied: Vec<_> = self
            .classes
            .iter()
            .map(|class| self.policies.applied(class))
            .collect();
        let blocks_may_name_pods = self.policies.may_name_pods();
        let mut sources: BTreeMap<u32, ClassSources> = BTreeMap::new();
        for target in 0..n_classes {
            let mut reached = ClassSources::new();
            let Some(target_class) = self.classes.get(target as usize) else {
                continue;
            };
            let Some(target_applied) = applied.get(target as usize) else {
                continue;
            };
            let target_open = target_applied.ingress_is_open();
            for source in 0..n_classes {
                let (Some(source_class), Some(source_applied)) = (
                    self.classes.get(source as usize),
                    applied.get(source as usize),
                ) else {
                    continue;
                };
                if target_open && source_applied.egress_is_open() {
                    reached.insert((source, true), Connections::all());
                    continue;
                }
                let from = Peer::Pod(source_class);
                let allowed = if target_open || target_applied.may_admit(from) {
                    source_applied.allowed_to(target_applied, from, Peer::Pod(target_class))
                } else {
                    Connections::none()
                };
                // What is open in addition where the network plugin decides it.
                let mut possible = Connections::none();
                if source_class.host_network && !target_open {
                    if allowed.is_empty() {
                        possible = Connections::all();
                    }
                } else if blocks_may_name_pods || target_class.host_network {
                    // Rules may see a pod on its machine's network as a pod or by its address.
                    let as_pod = Endpoint {
                        host_network: false,
                        ..target_class.clone()
                    };
                    let (from, to) = (
                        Peer::PodByAddress(source_class),
                        Peer::PodByAddress(&as_pod),
                    );
                    possible = source_applied.allowed_to(target_applied, from, to);
                }
                let possible = possible.difference(&allowed);
                if !allowed.is_empty() {
                    reached.insert((source, true), allowed);
                }
                if !possible.is_empty() {
                    reached.insert((source, false), possible);
                }
            }
            sources.insert(target, reached);
        }
        sources
    }

    /// The namespaces that hold workloads.
    pub(crate) fn namespaces(&self) -> BTreeSet<&str> {
        let endpoints = self.endpoints.values();
        endpoints
            .map(|endpoint| endpoint.namespace.as_str())
            .collect()
    }
}
