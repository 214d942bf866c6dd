//! Security groups and load balancers.

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::attack::network::AddressRange;
use foothold_engine::model::Value as Property;
use serde::Deserialize;

use crate::error::LoadError;
use crate::text::Text;

use super::{Export, Members, ec2_id, host_id};

/// Reads the members that describe the network.
pub(super) fn read(export: &mut Export<'_>, members: &mut Members) -> Result<(), LoadError> {
    if members.first_has("SecurityGroups", "GroupId") {
        for group in members
            .take::<Vec<SecurityGroup>>("SecurityGroups")?
            .unwrap_or_default()
        {
            state_group(export, &group)?;
        }
    }
    for balancer in members
        .take::<Vec<ClassicBalancer>>("LoadBalancerDescriptions")?
        .unwrap_or_default()
    {
        state_classic(export, &balancer)?;
    }
    if members.first_has("LoadBalancers", "LoadBalancerArn") {
        for balancer in members
            .take::<Vec<Balancer>>("LoadBalancers")?
            .unwrap_or_default()
        {
            state_balancer(export, &balancer)?;
        }
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecurityGroup {
    group_id: Text,
    group_name: Option<Text>,
    vpc_id: Option<Text>,
    owner_id: Option<Text>,
    ip_permissions: Option<Vec<Permission>>,
    ip_permissions_egress: Option<Vec<Permission>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Permission {
    ip_protocol: Option<Text>,
    from_port: Option<i64>,
    to_port: Option<i64>,
    ip_ranges: Option<Vec<IpRange>>,
    ipv6_ranges: Option<Vec<IpRange>>,
    prefix_list_ids: Option<Vec<PrefixList>>,
    user_id_group_pairs: Option<Vec<GroupPair>>,
}

#[derive(Debug, Deserialize)]
struct IpRange {
    #[serde(rename = "CidrIp", alias = "CidrIpv6")]
    range: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrefixList {
    prefix_list_id: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupPair {
    group_id: Option<Text>,
}

impl Permission {
    /// `tcp/443`, `tcp/8000-8100`, `icmp`, or `all`.
    fn ports(&self) -> String {
        let protocol = match self.ip_protocol.as_deref() {
            None | Some("-1") => return "all".to_owned(),
            Some("6") => "tcp",
            Some("17") => "udp",
            Some(protocol) => protocol,
        };
        match (protocol, self.from_port, self.to_port) {
            ("tcp" | "udp", Some(from), Some(to)) if from == to => format!("{protocol}/{from}"),
            ("tcp" | "udp", Some(from), Some(to)) => format!("{protocol}/{from}-{to}"),
            _ => protocol.to_owned(),
        }
    }

    fn ranges(&self) -> impl Iterator<Item = &str> {
        self.ip_ranges
            .iter()
            .chain(&self.ipv6_ranges)
            .flatten()
            .filter_map(|range| range.range.as_deref())
    }

    fn groups(&self) -> impl Iterator<Item = String> {
        self.user_id_group_pairs
            .iter()
            .flatten()
            .filter_map(|pair| pair.group_id.as_deref().map(ec2_id))
    }

    /// Whether all of the internet gets in: by one range, or by several that make up all of it.
    fn is_open(&self) -> bool {
        let blocks: Vec<AddressRange> = self.ranges().filter_map(AddressRange::parse).collect();
        AddressRange::IPV4.is_covered_by(&blocks) || self.ranges().any(|range| range == "::/0")
    }

    fn others(&self) -> impl Iterator<Item = String> {
        let lists = self
            .prefix_list_ids
            .iter()
            .flatten()
            .filter_map(|list| list.prefix_list_id.as_deref().map(str::to_owned));
        self.ranges()
            .map(str::to_owned)
            .chain(lists)
            .chain(self.groups())
    }
}

fn state_group(export: &mut Export<'_>, group: &SecurityGroup) -> Result<(), LoadError> {
    let id = ec2_id(&group.group_id);
    let ingress = group.ip_permissions.as_deref().unwrap_or_default();
    let egress = group.ip_permissions_egress.as_deref().unwrap_or_default();
    let rendered = |permissions: &[Permission]| -> BTreeSet<String> {
        permissions
            .iter()
            .flat_map(|permission| {
                let ports = permission.ports();
                permission
                    .others()
                    .map(move |other| format!("{ports} {other}"))
            })
            .collect()
    };
    export.count("ingress_permissions", ingress.len());
    let open: BTreeSet<String> = ingress
        .iter()
        .filter(|permission| permission.is_open())
        .map(Permission::ports)
        .collect();
    let n_open = ingress
        .iter()
        .filter(|permission| permission.is_open())
        .count();
    export.count("ingress_open_to_world", n_open);
    let node = export.facts.node(&id, &["SecurityGroup"])?;
    let facts = &mut *export.facts;
    let name = group.group_name.as_deref().unwrap_or(&group.group_id);
    facts.set(node, "name", name);
    facts.set_opt(node, "vpc", group.vpc_id.as_deref());
    facts.set(node, "ingress", Property::strings(rendered(ingress)));
    facts.set(node, "egress", Property::strings(rendered(egress)));
    facts.set(node, "open_ports", Property::strings(open));
    let mut sources: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for permission in ingress {
        for source in permission.groups() {
            export.count("sg_to_sg_edges", 1);
            sources
                .entry(source)
                .or_default()
                .insert(permission.ports());
        }
    }
    for (source, ports) in sources {
        let edge = export.facts.edge(&id, "ALLOWS_FROM", &source)?;
        export.facts.set(edge, "ports", Property::strings(ports));
    }
    match group.owner_id.as_deref().or(export.account) {
        Some(account) => export.accounts.belongs(export.facts, &id, account),
        None => Ok(()),
    }
}

/// A load balancer of the first generation. It has no ARN in the list, but a host name.
#[derive(Debug, Deserialize)]
struct ClassicBalancer {
    #[serde(rename = "LoadBalancerName")]
    name: Option<Text>,
    #[serde(rename = "DNSName")]
    host: Option<Text>,
    #[serde(rename = "Scheme")]
    scheme: Option<Text>,
    #[serde(rename = "SecurityGroups")]
    groups: Option<Vec<Text>>,
    #[serde(rename = "ListenerDescriptions")]
    listeners: Option<Vec<ListenerDescription>>,
    #[serde(rename = "Instances")]
    instances: Option<Vec<Target>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListenerDescription {
    listener: Option<Listener>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listener {
    load_balancer_port: Option<Text>,
    instance_port: Option<Text>,
    protocol: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    instance_id: Text,
}

fn state_classic(export: &mut Export<'_>, balancer: &ClassicBalancer) -> Result<(), LoadError> {
    let Some(host) = balancer.host.as_deref().filter(|host| !host.is_empty()) else {
        export
            .report
            .warn("load balancer without a host name", String::new);
        return Ok(());
    };
    let id = host_id(host);
    let listeners: Vec<&Listener> = balancer
        .listeners
        .iter()
        .flatten()
        .filter_map(|description| description.listener.as_ref())
        .collect();
    let front = Front {
        name: balancer.name.as_deref().unwrap_or(host),
        host: Some(host),
        scheme: balancer.scheme.as_deref(),
        ports: listeners
            .iter()
            .filter_map(|listener| listener.load_balancer_port.as_deref())
            .map(|port| format!("{port}/TCP"))
            .collect(),
        tls: listeners
            .iter()
            .any(|listener| matches!(listener.protocol.as_deref(), Some("HTTPS" | "SSL"))),
    };
    state_front(export, &id, &front)?;
    export.behind(&id, balancer.groups.iter().flatten().map(Text::as_str))?;
    let ports: BTreeSet<&str> = listeners
        .iter()
        .filter_map(|listener| listener.instance_port.as_deref())
        .collect();
    for target in balancer.instances.iter().flatten() {
        let instance = ec2_id(&target.instance_id);
        export.facts.node(&instance, &["Instance"])?;
        for port in &ports {
            let edge = export.facts.edge(&id, "ROUTES_TO", &instance)?;
            export.facts.set_key(edge, port);
            export.facts.set(edge, "port", *port);
        }
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Balancer {
    #[serde(rename = "LoadBalancerArn")]
    arn: String,
    #[serde(rename = "LoadBalancerName")]
    name: Option<Text>,
    #[serde(rename = "DNSName")]
    host: Option<Text>,
    #[serde(rename = "Scheme")]
    scheme: Option<Text>,
    #[serde(rename = "SecurityGroups")]
    groups: Option<Vec<Text>>,
}

fn state_balancer(export: &mut Export<'_>, balancer: &Balancer) -> Result<(), LoadError> {
    let id = &balancer.arn;
    let front = Front {
        name: balancer.name.as_deref().unwrap_or(id),
        host: balancer.host.as_deref(),
        scheme: balancer.scheme.as_deref(),
        ports: BTreeSet::new(),
        tls: false,
    };
    state_front(export, id, &front)?;
    export.belongs(id, Some(id))?;
    export.behind(id, balancer.groups.iter().flatten().map(Text::as_str))
}

/// What load balancers of both generations are.
struct Front<'a> {
    name: &'a str,
    host: Option<&'a str>,
    scheme: Option<&'a str>,
    ports: BTreeSet<String>,
    tls: bool,
}

fn state_front(export: &mut Export<'_>, id: &str, front: &Front<'_>) -> Result<(), LoadError> {
    let node = export.facts.node(id, &["Ingress", "LoadBalancer"])?;
    let facts = &mut *export.facts;
    facts.set(node, "name", front.name);
    if let Some(host) = front.host {
        facts.set(node, "hosts", Property::strings([host]));
        facts.set(node, "addresses", Property::strings([host]));
    }
    if !front.ports.is_empty() {
        facts.set(node, "ports", Property::strings(&front.ports));
        facts.set(node, "tls", front.tls);
    }
    facts.set(node, "internal_only", front.scheme == Some("internal"));
    Ok(())
}
