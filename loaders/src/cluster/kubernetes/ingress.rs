//! Ingresses and OpenShift routes.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::error::LoadError;
use crate::text::Text;

use super::estate::Estate;
use super::network::BalancedStatus;
use super::object::{Metadata, Object};
use super::scope::Scope;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IngressSpec {
    ingress_class_name: Option<Text>,
    default_backend: Option<Backend>,
    /// `defaultBackend` before 1.19.
    backend: Option<Backend>,
    rules: Option<Vec<Rule>>,
    tls: Option<Vec<Tls>>,
}

#[derive(Debug, Default, Deserialize)]
struct Rule {
    host: Option<Text>,
    http: Option<HttpRule>,
}

#[derive(Debug, Default, Deserialize)]
struct HttpRule {
    paths: Option<Vec<HttpPath>>,
}

#[derive(Debug, Default, Deserialize)]
struct HttpPath {
    path: Option<Text>,
    backend: Option<Backend>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Backend {
    service: Option<BackendService>,
    /// The two members before 1.19.
    service_name: Option<Text>,
    service_port: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct BackendService {
    name: Option<Text>,
    port: Option<BackendPort>,
}

#[derive(Debug, Default, Deserialize)]
struct BackendPort {
    number: Option<Text>,
    name: Option<Text>,
}

impl Backend {
    fn service(&self) -> Option<(&str, Option<&str>)> {
        if let Some(service) = &self.service {
            let port = service.port.as_ref();
            let port = port.and_then(|port| port.number.as_deref().or(port.name.as_deref()));
            return Some((service.name.as_deref()?, port));
        }
        Some((self.service_name.as_deref()?, self.service_port.as_deref()))
    }
}

#[derive(Debug, Default, Deserialize)]
struct Tls {
    hosts: Option<Vec<Text>>,
}

/// One way that traffic takes behind an ingress or gateway.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Forward {
    /// Where the service lives.
    pub(super) scope: Scope,
    pub(super) service: String,
    pub(super) port: Option<String>,
    pub(super) host: Option<String>,
    pub(super) path: Option<String>,
}

/// States the ways behind `from`; `route` is the object that says so, if it is another.
pub(super) fn state_forwards(
    estate: &mut Estate<'_>,
    from: &str,
    forwards: &BTreeSet<Forward>,
    route: Option<&str>,
) -> Result<(), LoadError> {
    for forward in forwards {
        let service = estate.refer(&forward.scope, &["Service"], "Service", &forward.service)?;
        let edge = estate.facts.edge(from, "ROUTES_TO", &service)?;
        let parts = [&forward.host, &forward.path, &forward.port];
        let key: Vec<&str> = route
            .into_iter()
            .chain(parts.map(|part| part.as_deref().unwrap_or("*")))
            .collect();
        estate.facts.set_key(edge, &key.join(" "));
        for (property, value) in [
            ("host", forward.host.as_deref()),
            ("path", forward.path.as_deref()),
            ("port", forward.port.as_deref()),
            ("route", route),
        ] {
            estate.facts.set_opt(edge, property, value);
        }
    }
    Ok(())
}

/// `Ingress`.
pub(super) fn ingress(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: IngressSpec = object.take("spec")?;
    let status: BalancedStatus = object.take("status")?;
    let mut forwards = BTreeSet::new();
    let mut hosts = BTreeSet::new();
    let mut paths = BTreeSet::new();
    let mut add = |backend: &Backend, host: Option<&str>, path: Option<&str>| {
        if let Some((service, port)) = backend.service() {
            forwards.insert(Forward {
                scope: scope.clone(),
                service: service.to_owned(),
                port: port.map(str::to_owned),
                host: host.map(str::to_owned),
                path: path.map(str::to_owned),
            });
        }
    };
    for backend in [&spec.default_backend, &spec.backend].into_iter().flatten() {
        add(backend, None, None);
    }
    for rule in spec.rules.iter().flatten() {
        let host = rule.host.as_deref().filter(|host| !host.is_empty());
        estate.count("ingress_hosts", usize::from(host.is_some()));
        hosts.extend(host.map(str::to_owned));
        for path in rule
            .http
            .iter()
            .flat_map(|http| http.paths.iter().flatten())
        {
            estate.count("ingress_paths", 1);
            let text = path.path.as_deref().unwrap_or("/");
            paths.insert(text.to_owned());
            if let Some(backend) = &path.backend {
                add(backend, host, Some(text));
            }
        }
    }
    let tls = spec.tls.as_deref().unwrap_or_default();
    hosts.extend(
        tls.iter()
            .flat_map(|tls| tls.hosts.iter().flatten())
            .map(Text::to_string),
    );
    let class = spec
        .ingress_class_name
        .as_deref()
        .or_else(|| object.meta.annotation("kubernetes.io/ingress.class"));
    let (id, node) = estate.node(&scope, &["Ingress"], "Ingress", &object.name)?;
    estate.set_list(node, "hosts", hosts);
    estate.set_list(node, "paths", paths);
    estate.set_list(node, "addresses", status.addresses());
    estate.set_list(node, "source_ranges", source_ranges(&object.meta));
    estate.facts.set(node, "tls", !tls.is_empty());
    estate.facts.set_opt(node, "class", class);
    let authentication = authentication(&object.meta);
    estate.facts.set_opt(node, "authentication", authentication);
    estate.facts.set(node, "waf", has_firewall(&object.meta));
    let internal = is_internal(&object.meta, class);
    estate.facts.set(node, "internal_only", internal);
    estate.belongs(&id, &scope)?;
    state_forwards(estate, &id, &forwards, None)
}

/// Annotations that make an ingress controller ask for credentials.
fn authentication(meta: &Metadata) -> Option<&'static str> {
    const MARKS: &[&str] = &[
        "nginx.ingress.kubernetes.io/auth-url",
        "nginx.ingress.kubernetes.io/auth-type",
        "nginx.ingress.kubernetes.io/auth-tls-secret",
        "alb.ingress.kubernetes.io/auth-type",
        "traefik.ingress.kubernetes.io/auth-type",
        "haproxy.org/auth-type",
    ];
    MARKS
        .iter()
        .find(|mark| {
            let value = meta.annotation(mark);
            value.is_some_and(|value| !matches!(value, "" | "none"))
        })
        .copied()
}

fn has_firewall(meta: &Metadata) -> bool {
    let set = |annotation| {
        meta.annotation(annotation)
            .is_some_and(|value| !matches!(value, "" | "false" | "none"))
    };
    set("alb.ingress.kubernetes.io/wafv2-acl-arn")
        || set("alb.ingress.kubernetes.io/waf-acl-id")
        || set("alb.ingress.kubernetes.io/web-acl-id")
        || set("appgw.ingress.kubernetes.io/waf-policy-for-path")
        || set("nginx.ingress.kubernetes.io/enable-modsecurity")
        || set("nginx.ingress.kubernetes.io/enable-owasp-core-rules")
}

/// Load balancers of Amazon stay inside unless told otherwise; Google's have a class of their own.
fn is_internal(meta: &Metadata, class: Option<&str>) -> bool {
    let scheme = meta.annotation("alb.ingress.kubernetes.io/scheme");
    match class {
        Some("alb") => scheme != Some("internet-facing"),
        Some("gce-internal") => true,
        _ => {
            scheme == Some("internal")
                || meta.annotation("appgw.ingress.kubernetes.io/use-private-ip") == Some("true")
        }
    }
}

fn source_ranges(meta: &Metadata) -> BTreeSet<&str> {
    [
        "nginx.ingress.kubernetes.io/whitelist-source-range",
        "nginx.ingress.kubernetes.io/allowlist-source-range",
        "alb.ingress.kubernetes.io/inbound-cidrs",
        "haproxy.router.openshift.io/ip_whitelist",
    ]
    .into_iter()
    .filter_map(|annotation| meta.annotation(annotation))
    .flat_map(|value| value.split([',', ' ']))
    .map(str::trim)
    .filter(|range| !range.is_empty())
    .collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteSpec {
    host: Option<Text>,
    path: Option<Text>,
    to: Option<RouteTarget>,
    alternate_backends: Option<Vec<RouteTarget>>,
    port: Option<RoutePort>,
    tls: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Default, Deserialize)]
struct RouteTarget {
    kind: Option<Text>,
    name: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoutePort {
    target_port: Option<Text>,
}

/// OpenShift's `Route`.
pub(super) fn openshift_route(
    estate: &mut Estate<'_>,
    mut object: Object,
) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: RouteSpec = object.take("spec")?;
    let port = spec.port.and_then(|port| port.target_port);
    let forwards: BTreeSet<Forward> = spec
        .to
        .iter()
        .chain(spec.alternate_backends.iter().flatten())
        .filter(|target| target.kind.as_deref().unwrap_or("Service") == "Service")
        .filter_map(|target| target.name.as_deref())
        .map(|service| Forward {
            scope: scope.clone(),
            service: service.to_owned(),
            port: port.as_deref().map(str::to_owned),
            host: spec.host.as_deref().map(str::to_owned),
            path: spec.path.as_deref().map(str::to_owned),
        })
        .collect();
    let labels = ["Ingress", "OpenShiftRoute"];
    let (id, node) = estate.node(&scope, &labels, "Route", &object.name)?;
    estate.set_list(node, "hosts", spec.host.as_deref());
    estate.set_list(node, "paths", spec.path.as_deref());
    estate.set_list(node, "source_ranges", source_ranges(&object.meta));
    estate.facts.set(node, "tls", spec.tls.is_some());
    estate.facts.set(node, "waf", false);
    estate.facts.set(node, "internal_only", false);
    estate.belongs(&id, &scope)?;
    state_forwards(estate, &id, &forwards, None)
}
