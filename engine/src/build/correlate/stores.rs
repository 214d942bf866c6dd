//! Workloads to the stores and services they are configured for, and credentials to what they
//! log in to.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::attack::network::{AddressRange, Connections, Peer, Protocol};
use crate::build::Join;
use crate::graph::NodeId;
use crate::model::{Facts, Value};

use super::reach::{Cluster, clusters};
use super::view::{Method, View, cluster_of, namespace_of};

const ENDPOINT: Method = Method::new("endpoint-host", 95);
const SERVICE_NAME: Method = Method::new("service-host", 90);
const ARN: Method = Method::new("resource-arn", 95);
/// Names of buckets are unique in the world.
const BUCKET: Method = Method::new("bucket-name", 90);
/// Other names are unique in one account only; no other account here has this one.
const RESOURCE_NAME: Method = Method::new("resource-name", 70);
/// What one workload of a cluster is configured to reach, the others reach as well, as far as
/// policies go.
const SAME_NETWORK: Method = Method::new("network-of-a-client", 70);
const CONFIGURED: Method = Method::new("configured-endpoint", 80);
const CREDENTIAL_BY_NAME: Method = Method::new("mounted-with-endpoint-and-name", 80);
const CREDENTIAL: Method = Method::new("mounted-with-endpoint", 70);

/// Up to so many edges reach to stores is stated pair by pair.
const MAX_DIRECT_EDGES: usize = 20_000;

/// `Workload CONNECTS_TO DataStore|Service`, `Workload CAN_REACH DataStore` and
/// `Secret AUTHENTICATES DataStore`.
pub(super) struct Stores;

impl Join for Stores {
    fn name(&self) -> &'static str {
        "stores"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let known = Known::of(view);
        // Stores on the network, by the cluster whose workloads use them.
        let mut used: BTreeMap<&str, BTreeMap<NodeId, BTreeSet<NodeId>>> = BTreeMap::new();
        for label in ["Workload", "Function"] {
            for user in view.labelled(label) {
                let mut stores = BTreeSet::new();
                for (variable, target, method) in known.targets(view, user) {
                    let to = view.id(target);
                    method.link(facts, view.id(user), "CONNECTS_TO", to, |facts, edge| {
                        facts.set_key(edge, &variable);
                        facts.set(edge, "via", variable.as_str());
                    });
                    if view.is(target, "DataStore") {
                        stores.insert(target);
                    }
                }
                let networked: Vec<NodeId> = stores
                    .iter()
                    .copied()
                    .filter(|store| is_networked(view, *store))
                    .collect();
                credentials(view, user, &networked, facts);
                if let Some(cluster) = cluster_of(view.id(user)) {
                    for store in networked {
                        let clients = used.entry(cluster).or_default().entry(store).or_default();
                        clients.insert(user);
                    }
                }
            }
        }
        for cluster in clusters(view) {
            if let Some(stores) = used.get(cluster.name.as_str()) {
                reach(view, &cluster, stores, facts);
            }
        }
    }
}

/// Whether clients reach the store by packets to its own address, and not through an interface of
/// the cloud that everyone reaches.
fn is_networked(view: View<'_>, store: NodeId) -> bool {
    view.text(store, "endpoint").is_some()
        && !matches!(
            view.text(store, "kind"),
            Some("bucket" | "table" | "queue" | "topic")
        )
}

/// What names and hosts may mean.
struct Known<'a> {
    /// Stores by host in lower case.
    by_host: FxHashMap<String, Vec<NodeId>>,
    by_name: FxHashMap<&'a str, Vec<NodeId>>,
    /// Services by cluster, namespace and name.
    services: FxHashMap<(&'a str, &'a str, &'a str), NodeId>,
}

impl<'a> Known<'a> {
    fn of(view: View<'a>) -> Self {
        let mut known = Self {
            by_host: FxHashMap::default(),
            by_name: FxHashMap::default(),
            services: FxHashMap::default(),
        };
        for store in view.labelled("DataStore") {
            if let Some(endpoint) = view.text(store, "endpoint") {
                let host = host_of(endpoint);
                known.by_host.entry(host).or_default().push(store);
            }
            if let Some(name) = view.text(store, "name") {
                known.by_name.entry(name).or_default().push(store);
            }
        }
        for service in view.labelled("Service") {
            let id = view.id(service);
            if let (Some(cluster), Some(namespace), Some(name)) =
                (cluster_of(id), namespace_of(id), view.text(service, "name"))
            {
                known.services.insert((cluster, namespace, name), service);
            }
        }
        known
    }

    /// What a workload or function is configured for: the variable, the target and how it was
    /// found.
    fn targets(&self, view: View<'_>, user: NodeId) -> Vec<(String, NodeId, Method)> {
        let mut sources = vec![user];
        let mounted = view.out(user, "MOUNTS").into_iter();
        sources.extend(mounted.filter(|node| view.is(*node, "ConfigMap")));
        let mut found = Vec::new();
        for source in sources {
            for text in view.list(source, "env_hosts") {
                let (variable, host) = text.split_once('=').unwrap_or(("", &text));
                if let Some((target, method)) = self.host(view, user, host) {
                    found.push((variable.to_owned(), target, method));
                }
            }
            for text in view.list(source, "env_resources") {
                let (variable, name) = text.split_once('=').unwrap_or(("", &text));
                if let Some((target, method)) = self.resource(view, name) {
                    found.push((variable.to_owned(), target, method));
                }
            }
        }
        found.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        found.dedup_by(|a, b| (&a.0, a.1) == (&b.0, b.1));
        found
    }

    fn host(&self, view: View<'_>, user: NodeId, host: &str) -> Option<(NodeId, Method)> {
        let host = host_of(host);
        if let Some([store]) = self.by_host.get(&host).map(Vec::as_slice) {
            return Some((*store, ENDPOINT));
        }
        if let Some((bucket, rest)) = host.split_once(".s3.")
            && rest.ends_with("amazonaws.com")
        {
            let store = view.node(&format!("arn:aws:s3:::{bucket}"))?;
            return Some((store, BUCKET));
        }
        let id = view.id(user);
        let (cluster, own_namespace) = (cluster_of(id)?, namespace_of(id)?);
        let mut parts = host.split('.');
        let name = parts.next()?;
        let namespace = parts.next().unwrap_or(own_namespace);
        let local = matches!(parts.next(), None | Some("svc"));
        if !local {
            return None;
        }
        let service = *self.services.get(&(cluster, namespace, name))?;
        // A service may only stand for a name outside.
        let outside = view
            .text(service, "external_name")
            .and_then(|name| self.by_host.get(&host_of(name)));
        match outside.map(Vec::as_slice) {
            Some([store]) => Some((*store, ENDPOINT)),
            _ => Some((service, SERVICE_NAME)),
        }
    }

    fn resource(&self, view: View<'_>, name: &str) -> Option<(NodeId, Method)> {
        let is_store = |node: &NodeId| view.is(*node, "DataStore");
        if name.starts_with("arn:") {
            let store = view.node(name).filter(is_store)?;
            return Some((store, ARN));
        }
        let bucket = view.node(&format!("arn:aws:s3:::{name}"));
        if let Some(bucket) = bucket.filter(is_store) {
            return Some((bucket, BUCKET));
        }
        match self.by_name.get(name).map(Vec::as_slice) {
            Some([store]) => Some((*store, RESOURCE_NAME)),
            _ => None,
        }
    }
}

/// The host of `host`, `host:port`, `scheme://user@host:port/path`, in lower case.
fn host_of(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or(rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = rest.split(':').next().unwrap_or(rest);
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// A secret with a password, mounted beside the host of one database, logs in to it.
fn credentials(view: View<'_>, user: NodeId, stores: &[NodeId], facts: &mut Facts) {
    const WORDS: [&str; 8] = [
        "pass",
        "user",
        "dsn",
        "url",
        "uri",
        "connection",
        "credential",
        "login",
    ];
    for (edge, secret) in view.out_edges(user, "MOUNTS") {
        if !view.is(secret, "Secret") {
            continue;
        }
        let mut keys = view.edge_list(edge, "keys");
        if keys.is_empty() {
            keys = view.list(secret, "keys");
        }
        let fits = |key: &String| {
            let key = key.to_ascii_lowercase();
            WORDS.iter().any(|word| key.contains(word))
        };
        if !keys.is_empty() && !keys.iter().any(fits) {
            continue;
        }
        let name = view.text(secret, "name").unwrap_or_default();
        let named: Vec<NodeId> = stores
            .iter()
            .copied()
            .filter(|store| {
                let store = view.text(*store, "name").unwrap_or_default();
                !store.is_empty() && name.split(['-', '_', '.']).any(|word| word == store)
            })
            .collect();
        let (method, store) = match (named.as_slice(), stores) {
            ([store], _) => (CREDENTIAL_BY_NAME, *store),
            ([], [store]) if !keys.is_empty() => (CREDENTIAL, *store),
            _ => continue,
        };
        method.link(
            facts,
            view.id(secret),
            "AUTHENTICATES",
            view.id(store),
            |facts, edge| facts.set_key(edge, "mounted"),
        );
    }
}

/// States which workloads of a cluster reach the stores that one of them uses.
fn reach(
    view: View<'_>,
    cluster: &Cluster,
    stores: &BTreeMap<NodeId, BTreeSet<NodeId>>,
    facts: &mut Facts,
) {
    // By the ports that a store answers on, since policies look at nothing else of it.
    let mut open_classes: BTreeMap<Connections, Vec<u32>> = BTreeMap::new();
    for &store in stores.keys() {
        open_classes.entry(ports_of(view, store)).or_default();
    }
    for (ports, classes) in &mut open_classes {
        *classes = cluster.classes_that_leave(ports);
    }
    let n_workloads = cluster.class_of.len();
    let direct = n_workloads.saturating_mul(stores.len()) <= MAX_DIRECT_EDGES;
    for (idx, (&store, clients)) in stores.iter().enumerate() {
        let ports = ports_of(view, store);
        let classes = open_classes.get(&ports).map_or(&[][..], Vec::as_slice);
        let members = classes
            .iter()
            .filter_map(|class| cluster.members.get(*class as usize))
            .flatten();
        let zone = format!("net://zone/{}/store-{idx}", cluster.name);
        if !direct && let Ok(node) = facts.node(&zone, &["NetworkZone"]) {
            facts.set(node, "name", "places that reach one store");
            state_reach(facts, SAME_NETWORK, &zone, view.id(store), &ports);
        }
        for &workload in members {
            let is_client = clients.contains(&workload);
            if direct || is_client {
                let method = if is_client { CONFIGURED } else { SAME_NETWORK };
                state_reach(facts, method, view.id(workload), view.id(store), &ports);
            } else {
                state_reach(facts, SAME_NETWORK, view.id(workload), &zone, &ports);
            }
        }
    }
}

fn state_reach(facts: &mut Facts, method: Method, from: &str, to: &str, ports: &Connections) {
    method.link(facts, from, "CAN_REACH", to, |facts, edge| {
        facts.set_key(edge, "store");
        facts.set(edge, "decision", "allow");
        facts.set(edge, "ports", Value::strings(ports.to_texts()));
    });
}

fn ports_of(view: View<'_>, store: NodeId) -> Connections {
    let port = view
        .value(store, "port")
        .and_then(|port| u16::try_from(port.as_int()?).ok());
    match port {
        Some(port) => Connections::ports(Protocol::Tcp, port, port),
        None => Connections::protocol(Protocol::Tcp),
    }
}

impl Cluster {
    /// The classes of which some address outside the cluster is in reach on some of the ports. A
    /// store's address is not known, so this is what policies do not rule out.
    fn classes_that_leave(&self, ports: &Connections) -> Vec<u32> {
        let parts = self.policies.cut(AddressRange::IPV4);
        let classes = self.classes.iter().zip(0_u32..);
        classes
            .filter(|(class, _)| {
                let applied = self.policies.applied(class);
                applied.egress_is_open()
                    || parts.iter().any(|part| {
                        let (from, to) = (Peer::Pod(class), Peer::Outside(*part));
                        let allowed = self.policies.allowed(from, to);
                        !allowed.intersection(ports).is_empty()
                    })
            })
            .map(|(_, idx)| idx)
            .collect()
    }
}
