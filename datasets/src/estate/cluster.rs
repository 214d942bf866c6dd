//! Clusters: workloads, services, ingresses, service accounts, secrets, who reaches whom and who
//! may do what.
//!
//! Workloads state no container ports and services no selectors, so that correlation has nothing to
//! add to the reach stated here.

use std::io::{self, Write};

use foothold_engine::model::schema::INTERNET_ID;

use super::emit::{Emitter, Prop, Props};
use super::layout::{Layout, count_in, member};
use super::rng::{Class, Rng};

pub(crate) fn emit<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    out.node(INTERNET_ID, &["Internet"], &Vec::new())?;
    places(layout, out)?;
    for idx in 0..layout.n.secrets {
        secret(layout, idx, out)?;
    }
    for idx in 0..layout.n.service_accounts {
        service_account(layout, idx, out)?;
    }
    for idx in 0..layout.n.services {
        service(layout, idx, out)?;
    }
    for idx in 0..layout.n.ingresses {
        ingress(layout, idx, out)?;
    }
    for idx in 0..layout.n.workloads {
        workload(layout, idx, out)?;
    }
    Ok(())
}

fn places<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    for idx in 0..layout.n.clusters {
        let name = format!("cl-{idx}");
        let props = vec![("name", Prop::Str(&name))];
        out.node(&Layout::cluster(idx), &["Cluster"], &props)?;
    }
    for idx in 0..layout.n.namespaces {
        let mut rng = layout.rng(Class::Namespace, idx);
        let id = layout.namespace(idx);
        let name = format!("ns-{idx}");
        let mut props: Props<'_> = vec![("name", Prop::Str(&name))];
        let enforced =
            rng.weighted(&[(None, 50), (Some("baseline"), 35), (Some("restricted"), 15)]);
        if let Some(level) = enforced {
            props.push(("pod_security", Prop::Str(level)));
        }
        out.node(&id, &["Namespace"], &props)?;
        let cluster = Layout::cluster(layout.cluster_of_namespace(idx));
        out.edge(&id, "IN_CLUSTER", &cluster)?;
        out.edge(&id, "OWNED_BY", &Layout::team(rng.below(layout.n.teams)))?;
    }
    for idx in 0..layout.n.nodes {
        let id = layout.node(idx);
        let name = format!("node-{idx}");
        let provider = format!("aws:///eu-west-1a/i-{idx:017x}");
        let props = vec![
            ("name", Prop::Str(name.as_str())),
            ("provider_id", Prop::Str(provider.as_str())),
        ];
        out.node(&id, &["Node"], &props)?;
        out.edge(&id, "IN_CLUSTER", &Layout::cluster(idx % layout.n.clusters))?;
    }
    Ok(())
}

/// Name, namespace and cluster of something in a namespace.
fn named<'a>(layout: &Layout, namespace: u64, name: &'a str) -> Props<'a> {
    let cluster = layout.cluster_of_namespace(namespace);
    vec![
        ("name", Prop::Str(name)),
        ("namespace", Prop::Text(format!("ns-{namespace}"))),
        ("cluster", Prop::Text(format!("cl-{cluster}"))),
    ]
}

fn secret<W: Write>(layout: &Layout, idx: u64, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut rng = layout.rng(Class::Secret, idx);
    let namespace = layout.namespace_of(idx);
    let id = layout.secret(idx);
    let name = format!("sec-{idx}");
    let kind = rng.weighted(&[("Opaque", 80), ("kubernetes.io/tls", 20)]);
    let props = vec![("name", Prop::Str(&name)), ("type", Prop::Str(kind))];
    out.node(&id, &["Secret"], &props)?;
    out.edge(&id, "IN_NAMESPACE", &layout.namespace(namespace))?;
    if kind == "Opaque" {
        if rng.chance(0.25) {
            let store = layout.store(rng.below(layout.n.stores));
            out.edge(&id, "AUTHENTICATES", &store)?;
        } else if rng.chance(0.08) {
            let user = layout.user(rng.below(layout.n.users));
            out.edge(&id, "AUTHENTICATES", &user)?;
        }
    }
    Ok(())
}

/// Verbs on a namespace, the harmless ones first; `(action, weight)`.
const NAMESPACE_ACTIONS: [(&str, u32); 10] = [
    ("pods:list", 30),
    ("configmaps:get", 28),
    ("services:list", 18),
    ("events:create", 12),
    ("secrets:get", 4),
    ("secrets:list", 3),
    ("pods:create", 2),
    ("pods/exec:create", 1),
    ("deployments:patch", 1),
    ("serviceaccounts/token:create", 1),
];

fn service_account<W: Write>(
    layout: &Layout,
    idx: u64,
    out: &mut Emitter<'_, W>,
) -> io::Result<()> {
    let mut rng = layout.rng(Class::ServiceAccount, idx);
    let namespace = layout.namespace_of(idx);
    let id = layout.service_account(idx);
    let name = format!("sa-{idx}");
    let role = rng
        .chance(0.25)
        .then(|| layout.role(rng.below(layout.n.roles)));
    let mut props: Props<'_> = vec![
        ("name", Prop::Str(&name)),
        ("kind", Prop::Str("service-account")),
    ];
    if let Some(role) = &role {
        props.push(("irsa_role_arn", Prop::Str(role)));
    }
    out.node(&id, &["Identity", "ServiceAccount"], &props)?;
    let home = layout.namespace(namespace);
    out.edge(&id, "IN_NAMESPACE", &home)?;
    if let Some(role) = &role {
        out.edge(&id, "FEDERATES_TO", role)?;
    }
    let mut actions: Vec<&str> = (0..rng.geometric(5.0, 20))
        .map(|_| rng.weighted(&NAMESPACE_ACTIONS))
        .collect();
    actions.sort_unstable();
    actions.dedup();
    for action in actions {
        permission(out, &id, action, &home, "estate-binding -> estate-role")?;
    }
    if rng.chance(0.006) {
        let cluster = Layout::cluster(layout.cluster_of_namespace(namespace));
        let actions = rng.pick(&[
            &["secrets:list"] as &[&str],
            &["clusterroles:bind", "clusterrolebindings:create"],
            &["nodes/proxy:create"],
        ]);
        for action in actions {
            permission(
                out,
                &id,
                action,
                &cluster,
                "estate-binding -> estate-cluster-role",
            )?;
        }
    }
    Ok(())
}

/// One allowed action.
pub(crate) fn permission<W: Write>(
    out: &mut Emitter<'_, W>,
    identity: &str,
    action: &str,
    resource: &str,
    statement: &str,
) -> io::Result<()> {
    let props = vec![
        ("action", Prop::Str(action)),
        ("decision", Prop::Str("allow")),
        ("statement", Prop::Str(statement)),
    ];
    out.edge_with(identity, "HAS_PERMISSION", resource, &props)
}

fn service<W: Write>(layout: &Layout, idx: u64, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut rng = layout.rng(Class::Service, idx);
    let namespace = layout.namespace_of(idx);
    let id = layout.service(idx);
    let name = format!("svc-{idx}");
    let balancer = rng.chance(0.04);
    let internal = balancer && rng.chance(0.4);
    let management = rng.weighted(&[
        (None, 985),
        (Some("actuator"), 7),
        (Some("debugger"), 4),
        (Some("dashboard"), 4),
    ]);
    let mut props = named(layout, namespace, &name);
    let kind = if balancer {
        "LoadBalancer"
    } else {
        "ClusterIP"
    };
    props.push(("type", Prop::Str(kind)));
    props.push(("ports", Prop::List(vec!["8080/TCP".to_owned()])));
    props.push(("internal_only", Prop::Bool(internal)));
    if let Some(management) = management {
        props.push(("management", Prop::Str(management)));
    }
    out.node(&id, &["Service"], &props)?;
    out.edge(&id, "IN_NAMESPACE", &layout.namespace(namespace))?;
    if let Some(workload) = layout.workload_of_service(idx) {
        let port = vec![("port", Prop::Str("8080"))];
        out.edge_with(&id, "ROUTES_TO", &layout.workload(workload), &port)?;
    }
    if balancer && !internal {
        reach(out, INTERNET_ID, &id)?;
    }
    Ok(())
}

fn ingress<W: Write>(layout: &Layout, idx: u64, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut rng = layout.rng(Class::Ingress, idx);
    let namespace = layout.namespace_of(idx);
    let id = layout.ingress(idx);
    let name = format!("in-{idx}");
    let host = format!("in-{idx}.example.com");
    let internal = idx > 0 && rng.chance(0.3);
    let mut props: Props<'_> = vec![
        ("name", Prop::Str(&name)),
        ("hosts", Prop::List(vec![host.clone()])),
        ("paths", Prop::List(vec!["/".to_owned()])),
        ("internal_only", Prop::Bool(internal)),
    ];
    if rng.chance(0.3) {
        props.push(("waf", Prop::Bool(true)));
    }
    out.node(&id, &["Ingress"], &props)?;
    out.edge(&id, "IN_NAMESPACE", &layout.namespace(namespace))?;
    let first = rng.next() >> 32;
    for nth in distinct(first, rng.between(1, 4), services_in(layout, namespace)) {
        if let Some(service) = member(layout.n.services, layout.n.namespaces, namespace, nth) {
            let via = vec![
                ("port", Prop::Str("8080")),
                ("path", Prop::Str("/")),
                ("host", Prop::Str(host.as_str())),
            ];
            let service = layout.service(service);
            out.edge_with(&id, "ROUTES_TO", &service, &via)?;
            reach(out, &id, &service)?;
        }
    }
    if !internal {
        reach(out, INTERNET_ID, &id)?;
    }
    Ok(())
}

fn services_in(layout: &Layout, namespace: u64) -> u64 {
    count_in(layout.n.services, layout.n.namespaces, namespace)
}

/// `wanted` different positions in `0..n` from `first` on, or all of them.
fn distinct(first: u64, wanted: u64, n: u64) -> impl Iterator<Item = u64> {
    (0..wanted.min(n)).map(move |step| (first + step) % n)
}

fn reach<W: Write>(out: &mut Emitter<'_, W>, from: &str, to: &str) -> io::Result<()> {
    let props = vec![
        ("ports", Prop::List(vec!["8080".to_owned()])),
        ("decision", Prop::Str("allow")),
    ];
    out.edge_with(from, "CAN_REACH", to, &props)
}

fn workload<W: Write>(layout: &Layout, idx: u64, out: &mut Emitter<'_, W>) -> io::Result<()> {
    let mut rng = layout.rng(Class::Workload, idx ^ (1 << 60));
    let namespace = layout.namespace_of(idx);
    let id = layout.workload(idx);
    let name = format!("wl-{idx}");
    let kind = layout.workload_kind(idx);
    let mut props = named(layout, namespace, &name);
    props.push(("kind", Prop::Str(kind)));
    props.push(("replicas", Prop::Int(rng.between(1, 6).cast_signed())));
    props.push(("run_as_root", Prop::Bool(rng.chance(0.4))));
    props.push(("read_only_root", Prop::Bool(rng.chance(0.3))));
    props.push(("automount_token", Prop::Bool(rng.chance(0.8))));
    hardening(&mut rng, kind, &mut props);
    out.node(&id, &["Workload", kind], &props)?;

    out.edge(&id, "IN_NAMESPACE", &layout.namespace(namespace))?;
    out.edge(&id, "OWNED_BY", &Layout::team(rng.below(layout.n.teams)))?;
    let main = layout.image_of_workload(idx);
    runs(layout, out, &id, main, "main")?;
    if rng.chance(0.25) {
        let sidecar = rng.popular((layout.n.images / 50).max(1), 8);
        if sidecar != main {
            runs(layout, out, &id, sidecar, "sidecar")?;
        }
    }
    let nth = rng.next() >> 32;
    let account = member(
        layout.n.service_accounts,
        layout.n.namespaces,
        namespace,
        nth,
    );
    if let Some(account) = account {
        out.edge(&id, "RUNS_AS", &layout.service_account(account))?;
    }
    let first = rng.next() >> 32;
    let n_secrets = count_in(layout.n.secrets, layout.n.namespaces, namespace);
    for nth in distinct(first, rng.below(4), n_secrets) {
        if let Some(secret) = member(layout.n.secrets, layout.n.namespaces, namespace, nth) {
            let via = vec![(
                "via",
                Prop::Str(if nth % 2 == 0 { "env" } else { "volume" }),
            )];
            out.edge_with(&id, "MOUNTS", &layout.secret(secret), &via)?;
        }
    }
    schedule(layout, &mut rng, &id, namespace, out)?;
    neighbours(layout, &mut rng, idx, &id, out)
}

/// The few settings through which a container breaks out.
fn hardening(rng: &mut Rng, kind: &str, props: &mut Props<'_>) {
    let agent = kind == "DaemonSet";
    let rare = if agent { 0.25 } else { 0.012 };
    if rng.chance(rare) {
        props.push(("privileged", Prop::Bool(true)));
    }
    if rng.chance(rare) {
        props.push(("host_pid", Prop::Bool(true)));
    }
    if rng.chance(rare) {
        let path = rng.pick(&["/var/log", "/etc/cron.d", "/var/lib/app"]);
        props.push(("host_paths", Prop::List(vec![path.to_owned()])));
    }
    if rng.chance(rare / 2.0) {
        props.push(("runtime_socket", Prop::Bool(true)));
    }
    if rng.chance(rare * 2.0) {
        let capability = rng.pick(&["NET_ADMIN", "SYS_PTRACE", "SYS_ADMIN", "NET_BIND_SERVICE"]);
        props.push((
            "capabilities_added",
            Prop::List(vec![capability.to_owned()]),
        ));
    }
    if rng.chance(0.7) {
        props.push(("metadata_reachable", Prop::Bool(rng.chance(0.2))));
    }
}

fn runs<W: Write>(
    layout: &Layout,
    out: &mut Emitter<'_, W>,
    workload: &str,
    image: u64,
    container: &str,
) -> io::Result<()> {
    let props = vec![
        ("container", Prop::Str(container)),
        ("init", Prop::Bool(false)),
    ];
    out.edge_with(workload, "RUNS", &layout.image(image), &props)
}

fn schedule<W: Write>(
    layout: &Layout,
    rng: &mut Rng,
    workload: &str,
    namespace: u64,
    out: &mut Emitter<'_, W>,
) -> io::Result<()> {
    let cluster = layout.cluster_of_namespace(namespace);
    let n_nodes = count_in(layout.n.nodes, layout.n.clusters, cluster);
    let first = rng.next() >> 32;
    for nth in distinct(first, rng.between(1, 3), n_nodes) {
        if let Some(node) = member(layout.n.nodes, layout.n.clusters, cluster, nth) {
            out.edge(workload, "SCHEDULED_ON", &layout.node(node))?;
        }
    }
    Ok(())
}

/// What a workload's packets reach: most of its own namespace where nothing forbids it, a few
/// services of the same cluster, and the stores it uses.
fn neighbours<W: Write>(
    layout: &Layout,
    rng: &mut Rng,
    idx: u64,
    workload: &str,
    out: &mut Emitter<'_, W>,
) -> io::Result<()> {
    let namespace = layout.namespace_of(idx);
    let open = layout.rng(Class::Namespace, namespace).unit() < 0.7;
    let wanted = if open { 1_000 } else { 2 };
    let mut services: Vec<u64> = distinct(rng.next() >> 32, wanted, services_in(layout, namespace))
        .filter_map(|nth| member(layout.n.services, layout.n.namespaces, namespace, nth))
        .collect();
    let cluster = layout.cluster_of_namespace(namespace);
    for _ in 0..rng.geometric(11.0, 60) {
        let nth = rng.next() >> 32;
        let other = member(layout.n.namespaces, layout.n.clusters, cluster, nth);
        let nth = rng.next() >> 32;
        services.extend(
            other.and_then(|other| member(layout.n.services, layout.n.namespaces, other, nth)),
        );
    }
    services.sort_unstable();
    services.dedup();
    for service in services {
        reach(out, workload, &layout.service(service))?;
    }
    let mut stores: Vec<u64> = (0..rng.geometric(1.2, 6))
        .map(|_| rng.popular(layout.n.stores, 6))
        .collect();
    stores.sort_unstable();
    stores.dedup();
    for store in stores {
        let id = layout.store(store);
        let via = vec![("via", Prop::Str("STORE_ENDPOINT"))];
        out.edge_with(workload, "CONNECTS_TO", &id, &via)?;
        reach(out, workload, &id)?;
    }
    Ok(())
}
