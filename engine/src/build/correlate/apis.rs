//! Operations of an API description to the service that answers them.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::view::{Method, View, namespace_of, plain};

/// The description names the service.
const LABEL: Method = Method::new("service-label", 95);
/// The server's host and path are those of an ingress rule.
const INGRESS: Method = Method::new("server-host-and-path", 90);
/// The server's host is the service's own name inside the cluster.
const CLUSTER_NAME: Method = Method::new("server-cluster-name", 90);
/// API and service have one name, and no other service has it.
const NAME: Method = Method::new("service-name", 70);

/// `Route SERVED_BY Service`.
pub(super) struct Apis;

impl Join for Apis {
    fn name(&self) -> &'static str {
        "apis"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let services = Services::of(view);
        for api in view.labelled("Api") {
            for route in view.out(api, "HAS_ROUTE") {
                if let Some((method, service)) = services.serving(view, api, route) {
                    let (from, to) = (view.id(route), view.id(service));
                    method.link(facts, from, "SERVED_BY", to, plain);
                }
            }
        }
    }
}

/// A rule of an ingress.
struct Forward {
    path: String,
    service: NodeId,
}

/// Ways to a service.
struct Services {
    /// Ingress rules by host in lower case; the empty host is any.
    by_host: BTreeMap<String, Vec<Forward>>,
    by_name: BTreeMap<String, Vec<NodeId>>,
}

impl Services {
    fn of(view: View<'_>) -> Self {
        let mut by_host: BTreeMap<String, Vec<Forward>> = BTreeMap::new();
        for ingress in view.labelled("Ingress") {
            let own_hosts = view.list(ingress, "hosts");
            for (edge, service) in view.out_edges(ingress, "ROUTES_TO") {
                let path = view.edge_text(edge, "path").unwrap_or("/");
                let hosts = match view.edge_text(edge, "host") {
                    Some(host) => vec![host.to_owned()],
                    None => own_hosts.clone(),
                };
                for host in hosts {
                    let forward = Forward {
                        path: path.trim_end_matches(['*', '/']).to_owned(),
                        service,
                    };
                    let forwards = by_host.entry(host.to_ascii_lowercase()).or_default();
                    forwards.push(forward);
                }
            }
        }
        let mut by_name: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
        for service in view.labelled("Service") {
            if let Some(name) = view.text(service, "name") {
                by_name.entry(name.to_owned()).or_default().push(service);
            }
        }
        Self { by_host, by_name }
    }

    fn serving(&self, view: View<'_>, api: NodeId, route: NodeId) -> Option<(Method, NodeId)> {
        if let Some(service) = view.text(api, "service").and_then(|name| self.only(name)) {
            return Some((LABEL, service));
        }
        let path = view
            .text(route, "full_path")
            .or_else(|| view.text(route, "path"))
            .unwrap_or("/");
        let hosts = view.list(api, "hosts");
        for host in &hosts {
            let host = host.to_ascii_lowercase();
            let host = host.split(':').next().unwrap_or_default();
            if let Some(service) = self.behind_ingress(host, path) {
                return Some((INGRESS, service));
            }
            if let Some(service) = self.inside_cluster(view, host) {
                return Some((CLUSTER_NAME, service));
            }
        }
        let name = view.id(api).strip_prefix("api://")?;
        Some((NAME, self.only(name)?))
    }

    /// The service of the longest rule that takes the path, where only one has it.
    fn behind_ingress(&self, host: &str, path: &str) -> Option<NodeId> {
        let wildcard = host
            .split_once('.')
            .map_or_else(String::new, |(_, parent)| format!("*.{parent}"));
        let forwards = self
            .by_host
            .get(host)
            .or_else(|| self.by_host.get(&wildcard))?;
        let takes = |forward: &&Forward| {
            path.strip_prefix(&forward.path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let longest = forwards
            .iter()
            .filter(takes)
            .map(|forward| forward.path.len())
            .max()?;
        let services: BTreeSet<NodeId> = forwards
            .iter()
            .filter(takes)
            .filter(|forward| forward.path.len() == longest)
            .map(|forward| forward.service)
            .collect();
        // Two clusters behind one host name: which one answers is not known.
        single(services)
    }

    /// `web.shop`, `web.shop.svc`, `web.shop.svc.cluster.local`.
    fn inside_cluster(&self, view: View<'_>, host: &str) -> Option<NodeId> {
        let mut parts = host.split('.');
        let (name, namespace) = (parts.next()?, parts.next()?);
        if !matches!(parts.next(), None | Some("svc")) {
            return None;
        }
        let candidates = self.by_name.get(name)?.iter().copied();
        single(
            candidates
                .filter(|service| namespace_of(view.id(*service)) == Some(namespace))
                .collect(),
        )
    }

    /// The service of a name, where there is one in the whole graph: in two clusters, or in two
    /// namespaces, it is not the same.
    fn only(&self, name: &str) -> Option<NodeId> {
        let services = self.by_name.get(name)?;
        single(services.iter().copied().collect())
    }
}

fn single(nodes: BTreeSet<NodeId>) -> Option<NodeId> {
    let mut nodes = nodes.into_iter();
    nodes.next().filter(|_| nodes.next().is_none())
}
