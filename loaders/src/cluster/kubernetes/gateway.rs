//! Gateways, and the routes attached to them: Gateway API and Istio.
//!
//! The gateway is what traffic meets; a route only tells it where to send what. So the edges to
//! services start at the gateways that a route names.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::error::LoadError;
use crate::text::Text;

use super::estate::Estate;
use super::ingress::{Forward, state_forwards};
use super::object::Object;
use super::scope::Scope;

/// The kind in ids of Istio's gateways, which share their name with those of the Gateway API.
const ISTIO_GATEWAY: &str = "Gateway.networking.istio.io";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewaySpec {
    gateway_class_name: Option<Text>,
    listeners: Option<Vec<Listener>>,
    addresses: Option<Vec<GatewayAddress>>,
}

#[derive(Debug, Default, Deserialize)]
struct Listener {
    hostname: Option<Text>,
    port: Option<Text>,
    protocol: Option<Text>,
    tls: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Default, Deserialize)]
struct GatewayStatus {
    addresses: Option<Vec<GatewayAddress>>,
}

#[derive(Debug, Default, Deserialize)]
struct GatewayAddress {
    value: Option<Text>,
}

/// `Gateway` and `ListenerSet` of the Gateway API.
pub(super) fn gateway(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: GatewaySpec = object.take("spec")?;
    let status: GatewayStatus = object.take("status")?;
    let listeners = spec.listeners.unwrap_or_default();
    if object.kind == "Gateway" {
        estate.count("gateway_listeners", listeners.len());
    }
    let hosts: BTreeSet<&str> = listeners
        .iter()
        .filter_map(|listener| listener.hostname.as_deref())
        .collect();
    let ports: BTreeSet<String> = listeners
        .iter()
        .filter_map(|listener| {
            let transport = match listener.protocol.as_deref() {
                Some("UDP") => "UDP",
                _ => "TCP",
            };
            Some(format!("{}/{transport}", listener.port.as_deref()?))
        })
        .collect();
    let addresses: BTreeSet<&str> = spec
        .addresses
        .iter()
        .chain(&status.addresses)
        .flatten()
        .filter_map(|address| address.value.as_deref())
        .collect();
    let class = spec.gateway_class_name.as_deref();
    let internal = class
        .is_some_and(|class| class.contains("internal") || class.ends_with("-rilb"))
        || object
            .meta
            .annotation("networking.istio.io/service-type")
            .is_some_and(|kind| kind == "ClusterIP");
    let labels = ["Ingress", "Gateway"];
    let (id, node) = estate.node(&scope, &labels, &object.kind, &object.name)?;
    estate.set_list(node, "hosts", hosts);
    estate.set_list(node, "ports", ports);
    estate.set_list(node, "addresses", addresses);
    let tls = listeners.iter().any(|listener| listener.tls.is_some());
    estate.facts.set(node, "tls", tls);
    estate.facts.set_opt(node, "class", class);
    estate.facts.set(node, "waf", false);
    estate.facts.set(node, "internal_only", internal);
    estate.belongs(&id, &scope)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteSpec {
    parent_refs: Option<Vec<Reference>>,
    hostnames: Option<Vec<Text>>,
    rules: Option<Vec<RouteRule>>,
}

#[derive(Debug, Default, Deserialize)]
struct Reference {
    group: Option<Text>,
    kind: Option<Text>,
    name: Option<Text>,
    namespace: Option<Text>,
    port: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteRule {
    matches: Option<Vec<RouteMatch>>,
    backend_refs: Option<Vec<Reference>>,
}

#[derive(Debug, Default, Deserialize)]
struct RouteMatch {
    path: Option<PathMatch>,
    method: Option<GrpcOrHttpMethod>,
}

#[derive(Debug, Default, Deserialize)]
struct PathMatch {
    value: Option<Text>,
}

/// HTTP routes match a method by name; gRPC routes by service and method.
#[derive(Debug, Default)]
struct GrpcOrHttpMethod {
    path: Option<String>,
}

impl<'de> Deserialize<'de> for GrpcOrHttpMethod {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let part = |member| value.get(member).and_then(serde_json::Value::as_str);
        let path = part("service").map(|service| match part("method") {
            Some(method) => format!("/{service}/{method}"),
            None => format!("/{service}"),
        });
        Ok(Self { path })
    }
}

/// `HTTPRoute`, `GRPCRoute`, `TLSRoute`, `TCPRoute` and `UDPRoute`.
pub(super) fn route(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: RouteSpec = object.take("spec")?;
    let parents = spec.parent_refs.unwrap_or_default();
    let rules = spec.rules.unwrap_or_default();
    estate.count("route_parent_refs", parents.len());
    estate.count("route_rules", rules.len());
    let hosts: Vec<String> = spec
        .hostnames
        .unwrap_or_default()
        .iter()
        .map(Text::to_string)
        .collect();
    let mut paths = BTreeSet::new();
    let mut forwards = BTreeSet::new();
    for rule in &rules {
        let mut matched: BTreeSet<String> = rule
            .matches
            .iter()
            .flatten()
            .filter_map(|found| match (&found.path, &found.method) {
                (Some(path), _) => path.value.as_deref().map(str::to_owned),
                (None, Some(method)) => method.path.clone(),
                (None, None) => None,
            })
            .collect();
        if matched.is_empty() && matches!(object.kind.as_str(), "HTTPRoute" | "GRPCRoute") {
            matched.insert("/".to_owned());
        }
        let backends = rule.backend_refs.as_deref().unwrap_or_default();
        estate.count("route_backend_refs", backends.len());
        for backend in backends {
            let kind = backend.kind.as_deref().unwrap_or("Service");
            let Some(service) = backend.name.as_deref().filter(|_| kind == "Service") else {
                continue;
            };
            add_forwards(
                &mut forwards,
                &Target {
                    scope: scope.namespace_or_here(backend.namespace.as_deref()),
                    service,
                    port: backend.port.as_deref(),
                },
                &hosts,
                &matched,
            );
        }
        paths.extend(matched);
    }
    let id = state_route(estate, &scope, &object, &hosts, &paths)?;
    for parent in &parents {
        let kind = parent.kind.as_deref().unwrap_or("Gateway");
        let group = parent
            .group
            .as_deref()
            .unwrap_or("gateway.networking.k8s.io");
        let Some(name) = parent.name.as_deref() else {
            continue;
        };
        // A service as parent means traffic inside a mesh; nothing comes in that way.
        if kind == "Service" || group.is_empty() {
            continue;
        }
        let scope = scope.namespace_or_here(parent.namespace.as_deref());
        let gateway = estate.refer(&scope, &["Ingress", "Gateway"], kind, name)?;
        state_forwards(estate, &gateway, &forwards, Some(&id))?;
    }
    Ok(())
}

struct Target<'a> {
    scope: Scope,
    service: &'a str,
    port: Option<&'a str>,
}

/// One way for each host and path; a missing list means any.
fn add_forwards(
    forwards: &mut BTreeSet<Forward>,
    target: &Target<'_>,
    hosts: &[String],
    paths: &BTreeSet<String>,
) {
    let any = [None];
    let some_hosts: Vec<_> = hosts.iter().cloned().map(Some).collect();
    let some_paths: Vec<_> = paths.iter().cloned().map(Some).collect();
    let hosts = if some_hosts.is_empty() {
        &any[..]
    } else {
        &some_hosts
    };
    let paths = if some_paths.is_empty() {
        &any[..]
    } else {
        &some_paths
    };
    for host in hosts {
        for path in paths {
            forwards.insert(Forward {
                scope: target.scope.clone(),
                service: target.service.to_owned(),
                port: target.port.map(str::to_owned),
                host: host.clone(),
                path: path.clone(),
            });
        }
    }
}

fn state_route(
    estate: &mut Estate<'_>,
    scope: &Scope,
    object: &Object,
    hosts: &[String],
    paths: &BTreeSet<String>,
) -> Result<String, LoadError> {
    let (id, node) = estate.node(scope, &["HttpRoute"], &object.kind, &object.name)?;
    estate.set_list(node, "hosts", hosts);
    estate.set_list(node, "paths", paths);
    estate.belongs(&id, scope)?;
    Ok(id)
}

#[derive(Debug, Default, Deserialize)]
struct IstioGatewaySpec {
    servers: Option<Vec<IstioServer>>,
}

#[derive(Debug, Default, Deserialize)]
struct IstioServer {
    hosts: Option<Vec<Text>>,
    port: Option<IstioPort>,
    tls: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Default, Deserialize)]
struct IstioPort {
    number: Option<Text>,
}

/// Istio's `Gateway`.
pub(super) fn istio_gateway(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: IstioGatewaySpec = object.take("spec")?;
    let servers = spec.servers.unwrap_or_default();
    let labels = ["Ingress", "Gateway"];
    let (id, node) = estate.node(&scope, &labels, ISTIO_GATEWAY, &object.name)?;
    let hosts: BTreeSet<&str> = servers
        .iter()
        .flat_map(|server| server.hosts.iter().flatten())
        .map(|host| host.rsplit('/').next().unwrap_or(host))
        .filter(|host| *host != "*")
        .collect();
    let ports: BTreeSet<String> = servers
        .iter()
        .filter_map(|server| server.port.as_ref()?.number.as_deref())
        .map(|number| format!("{number}/TCP"))
        .collect();
    estate.set_list(node, "hosts", hosts);
    estate.set_list(node, "ports", ports);
    let tls = servers.iter().any(|server| server.tls.is_some());
    estate.facts.set(node, "tls", tls);
    estate.facts.set(node, "waf", false);
    estate.facts.set(node, "internal_only", false);
    estate.belongs(&id, &scope)
}

#[derive(Debug, Default, Deserialize)]
struct VirtualServiceSpec {
    hosts: Option<Vec<Text>>,
    gateways: Option<Vec<Text>>,
    http: Option<Vec<VirtualRoute>>,
    tcp: Option<Vec<VirtualRoute>>,
    tls: Option<Vec<VirtualRoute>>,
}

#[derive(Debug, Default, Deserialize)]
struct VirtualRoute {
    #[serde(rename = "match")]
    matches: Option<Vec<VirtualMatch>>,
    route: Option<Vec<VirtualTarget>>,
}

#[derive(Debug, Default, Deserialize)]
struct VirtualMatch {
    uri: Option<StringMatch>,
}

#[derive(Debug, Default, Deserialize)]
struct StringMatch {
    exact: Option<Text>,
    prefix: Option<Text>,
    regex: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct VirtualTarget {
    destination: Option<Destination>,
}

#[derive(Debug, Default, Deserialize)]
struct Destination {
    host: Option<Text>,
    port: Option<IstioPort>,
}

/// Istio's `VirtualService`.
pub(super) fn virtual_service(
    estate: &mut Estate<'_>,
    mut object: Object,
) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: VirtualServiceSpec = object.take("spec")?;
    let hosts: Vec<String> = spec
        .hosts
        .iter()
        .flatten()
        .filter(|host| host.as_str() != "*")
        .map(Text::to_string)
        .collect();
    let mut forwards = BTreeSet::new();
    let mut paths = BTreeSet::new();
    let routes = [&spec.http, &spec.tcp, &spec.tls];
    for route in routes.into_iter().flatten().flatten() {
        let matched: BTreeSet<String> = route
            .matches
            .iter()
            .flatten()
            .filter_map(|found| found.uri.as_ref())
            .flat_map(|uri| [&uri.exact, &uri.prefix, &uri.regex])
            .filter_map(|text| text.as_deref().map(str::to_owned))
            .collect();
        for target in route.route.iter().flatten() {
            let Some(destination) = &target.destination else {
                continue;
            };
            let Some((target_scope, service)) =
                service_of_host(&scope, destination.host.as_deref().unwrap_or_default())
            else {
                continue;
            };
            let port = destination.port.as_ref();
            add_forwards(
                &mut forwards,
                &Target {
                    scope: target_scope,
                    service,
                    port: port.and_then(|port| port.number.as_deref()),
                },
                &hosts,
                &matched,
            );
        }
        paths.extend(matched);
    }
    let id = state_route(estate, &scope, &object, &hosts, &paths)?;
    for gateway in spec.gateways.unwrap_or_default() {
        let (namespace, name) = match gateway.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, gateway.as_str()),
        };
        if name == "mesh" {
            continue;
        }
        let scope = scope.namespace_or_here(namespace);
        let gateway = estate.refer(&scope, &["Ingress", "Gateway"], ISTIO_GATEWAY, name)?;
        state_forwards(estate, &gateway, &forwards, Some(&id))?;
    }
    Ok(())
}

/// `reviews`, `reviews.prod` or `reviews.prod.svc.cluster.local`; `None` for hosts outside.
fn service_of_host<'h>(scope: &Scope, host: &'h str) -> Option<(Scope, &'h str)> {
    let mut labels = host.split('.');
    let service = labels.next().filter(|service| !service.is_empty())?;
    let namespace = labels.next();
    match labels.next() {
        None | Some("svc") => Some((scope.namespace_or_here(namespace), service)),
        Some(_) => None,
    }
}
