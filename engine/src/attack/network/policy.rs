//! Network policies as Kubernetes writes them.

use serde::Deserialize;
use serde_json::Value;

use super::PolicyError;
use super::address::AddressRange;
use super::ports::{Connections, Protocol};
use super::selector::LabelSelector;

/// A `NetworkPolicy`.
#[derive(Debug, Clone)]
pub struct NetworkPolicy {
    /// Its name, for explanations.
    pub name: String,
    /// The namespace it lives in and applies to.
    pub namespace: String,
    pub(super) pod_selector: LabelSelector,
    /// What comes in; absent where the policy does not isolate ingress.
    pub(super) ingress: Option<Vec<Rule>>,
    /// What goes out; absent where the policy does not isolate egress.
    pub(super) egress: Option<Vec<Rule>>,
}

/// One entry of `ingress` or `egress`.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Any of these; absent means everyone.
    pub(super) peers: Option<Vec<RulePeer>>,
    pub(super) ports: PortRule,
}

/// Who the other side may be.
#[derive(Debug, Clone)]
pub(super) enum RulePeer {
    Pods {
        namespaces: Namespaces,
        pods: LabelSelector,
    },
    Block {
        block: AddressRange,
        except: Vec<AddressRange>,
    },
    /// A peer of a kind that this evaluator does not know, such as nodes: matches nothing.
    Unknown,
}

#[derive(Debug, Clone)]
pub(super) enum Namespaces {
    /// The policy's own.
    Own,
    Selected(LabelSelector),
}

/// Ports of a rule: any of these; absent means every port of every protocol.
pub(super) type PortRule = Option<Vec<PortMatch>>;

#[derive(Debug, Clone)]
pub(super) enum PortMatch {
    Numbers(Connections),
    Named {
        /// Absent where the name alone decides, as in admin policies.
        protocol: Option<Protocol>,
        name: String,
    },
}

/// An `AdminNetworkPolicy` or `BaselineAdminNetworkPolicy`.
#[derive(Debug, Clone)]
pub struct AdminPolicy {
    /// Its name, for explanations.
    pub name: String,
    /// Lower comes first.
    pub priority: i64,
    pub(super) namespaces: LabelSelector,
    pub(super) pods: LabelSelector,
    pub(super) ingress: Vec<AdminRule>,
    pub(super) egress: Vec<AdminRule>,
}

#[derive(Debug, Clone)]
pub(super) struct AdminRule {
    pub(super) action: Action,
    pub(super) peers: Vec<RulePeer>,
    pub(super) ports: PortRule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Action {
    Allow,
    Deny,
    Pass,
}

impl NetworkPolicy {
    /// Reads the `spec` of a policy from JSON text.
    pub fn parse(namespace: &str, name: &str, spec: &str) -> Result<Self, PolicyError> {
        let raw: RawPolicy = serde_json::from_str(spec).map_err(|source| PolicyError {
            name: name.to_owned(),
            source,
        })?;
        let stated = raw.policy_types.filter(|types| !types.is_empty());
        let types = stated.unwrap_or_else(|| {
            // The API server's default: ingress always, egress where the policy has egress rules.
            let mut types = vec!["Ingress".to_owned()];
            if raw.egress.as_ref().is_some_and(|rules| !rules.is_empty()) {
                types.push("Egress".to_owned());
            }
            types
        });
        let rules = |direction: &str, rules: Option<Vec<RawRule>>| {
            types.iter().any(|ty| ty == direction).then(|| {
                rules
                    .unwrap_or_default()
                    .into_iter()
                    .map(RawRule::read)
                    .collect::<Vec<_>>()
            })
        };
        Ok(Self {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            pod_selector: raw.pod_selector.unwrap_or_default(),
            ingress: rules("Ingress", raw.ingress),
            egress: rules("Egress", raw.egress),
        })
    }

    /// Whether it isolates what comes in.
    pub fn isolates_ingress(&self) -> bool {
        self.ingress.is_some()
    }

    /// Whether it isolates what goes out.
    pub fn isolates_egress(&self) -> bool {
        self.egress.is_some()
    }

    /// Whether an address block of it may hold the addresses of pods.
    pub(super) fn may_name_pods(&self) -> bool {
        let rules = self.ingress.iter().chain(&self.egress).flatten();
        let mut peers = rules.filter_map(|rule| rule.peers.as_ref()).flatten();
        peers.any(RulePeer::may_name_pods)
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = &AddressRange> {
        let rules = self.ingress.iter().chain(&self.egress).flatten();
        rules
            .filter_map(|rule| rule.peers.as_ref())
            .flatten()
            .flat_map(RulePeer::blocks)
    }
}

impl AdminPolicy {
    /// Reads the `spec` of a policy from JSON text.
    pub fn parse(name: &str, spec: &str) -> Result<Self, PolicyError> {
        let raw: RawAdminPolicy = serde_json::from_str(spec).map_err(|source| PolicyError {
            name: name.to_owned(),
            source,
        })?;
        let (namespaces, pods) = match (raw.subject.namespaces, raw.subject.pods) {
            (Some(namespaces), _) => (namespaces, LabelSelector::default()),
            (None, Some(pods)) => (
                pods.namespace_selector.unwrap_or_default(),
                pods.pod_selector.unwrap_or_default(),
            ),
            (None, None) => (LabelSelector::default(), LabelSelector::default()),
        };
        let rules = |rules: Vec<RawAdminRule>| rules.into_iter().map(RawAdminRule::read).collect();
        Ok(Self {
            name: name.to_owned(),
            priority: raw.priority,
            namespaces,
            pods,
            ingress: rules(raw.ingress),
            egress: rules(raw.egress),
        })
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = &AddressRange> {
        let rules = self.ingress.iter().chain(&self.egress);
        rules
            .flat_map(|rule| &rule.peers)
            .flat_map(RulePeer::blocks)
    }
}

impl RulePeer {
    /// Whether it is a block with addresses that networks of pods use and that it does not take
    /// out again.
    pub(super) fn may_name_pods(&self) -> bool {
        let RulePeer::Block { block, except } = self else {
            return false;
        };
        let parts = block.cut(except.iter().chain(&AddressRange::private()));
        parts
            .iter()
            .any(|part| part.is_private() && !except.iter().any(|hole| hole.contains(part)))
    }

    fn blocks(&self) -> impl Iterator<Item = &AddressRange> {
        let (block, except): (_, &[AddressRange]) = match self {
            RulePeer::Block { block, except } => (Some(block), except),
            _ => (None, &[]),
        };
        block.into_iter().chain(except)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPolicy {
    pod_selector: Option<LabelSelector>,
    policy_types: Option<Vec<String>>,
    ingress: Option<Vec<RawRule>>,
    egress: Option<Vec<RawRule>>,
}

#[derive(Deserialize)]
struct RawRule {
    from: Option<Vec<RawPeer>>,
    to: Option<Vec<RawPeer>>,
    ports: Option<Vec<RawPort>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPeer {
    namespace_selector: Option<LabelSelector>,
    pod_selector: Option<LabelSelector>,
    ip_block: Option<RawBlock>,
}

#[derive(Deserialize)]
struct RawBlock {
    cidr: String,
    #[serde(default)]
    except: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPort {
    protocol: Option<Protocol>,
    port: Option<Value>,
    end_port: Option<u16>,
}

impl RawRule {
    fn read(self) -> Rule {
        // An empty list means the same as no list: everyone, every port.
        let peers = self.from.or(self.to).filter(|peers| !peers.is_empty());
        let ports = self.ports.filter(|ports| !ports.is_empty());
        Rule {
            peers: peers.map(|peers| peers.into_iter().map(RawPeer::read).collect()),
            ports: ports.map(|ports| ports.into_iter().filter_map(RawPort::read).collect()),
        }
    }
}

impl RawPeer {
    fn read(self) -> RulePeer {
        if let Some(block) = self.ip_block {
            return block.read();
        }
        RulePeer::Pods {
            namespaces: self
                .namespace_selector
                .map_or(Namespaces::Own, Namespaces::Selected),
            pods: self.pod_selector.unwrap_or_default(),
        }
    }
}

impl RawBlock {
    fn read(self) -> RulePeer {
        let Some(block) = AddressRange::parse(&self.cidr) else {
            return RulePeer::Unknown;
        };
        let except = self.except.unwrap_or_default();
        RulePeer::Block {
            block,
            except: except
                .iter()
                .filter_map(|text| AddressRange::parse(text))
                .collect(),
        }
    }
}

impl RawPort {
    fn read(self) -> Option<PortMatch> {
        let protocol = self.protocol.unwrap_or_default();
        match self.port {
            None | Some(Value::Null) => Some(PortMatch::Numbers(Connections::protocol(protocol))),
            Some(Value::Number(number)) => {
                let first = u16::try_from(number.as_u64()?).ok()?;
                let last = self.end_port.unwrap_or(first);
                Some(PortMatch::Numbers(Connections::ports(
                    protocol, first, last,
                )))
            }
            Some(Value::String(name)) => Some(PortMatch::Named {
                protocol: Some(protocol),
                name,
            }),
            Some(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct RawAdminPolicy {
    #[serde(default)]
    priority: i64,
    subject: RawSubject,
    #[serde(default)]
    ingress: Vec<RawAdminRule>,
    #[serde(default)]
    egress: Vec<RawAdminRule>,
}

#[derive(Deserialize)]
struct RawSubject {
    namespaces: Option<LabelSelector>,
    pods: Option<RawPods>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPods {
    namespace_selector: Option<LabelSelector>,
    pod_selector: Option<LabelSelector>,
}

#[derive(Deserialize)]
struct RawAdminRule {
    action: Action,
    #[serde(default)]
    from: Vec<RawAdminPeer>,
    #[serde(default)]
    to: Vec<RawAdminPeer>,
    ports: Option<Vec<RawAdminPort>>,
}

#[derive(Deserialize)]
struct RawAdminPeer {
    namespaces: Option<LabelSelector>,
    pods: Option<RawPods>,
    networks: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAdminPort {
    port_number: Option<RawNumber>,
    port_range: Option<RawRange>,
    named_port: Option<String>,
}

#[derive(Deserialize)]
struct RawNumber {
    #[serde(default)]
    protocol: Protocol,
    port: u16,
}

#[derive(Deserialize)]
struct RawRange {
    #[serde(default)]
    protocol: Protocol,
    start: u16,
    end: u16,
}

impl RawAdminRule {
    fn read(self) -> AdminRule {
        let peers = self.from.into_iter().chain(self.to);
        let ports = self.ports.filter(|ports| !ports.is_empty());
        AdminRule {
            action: self.action,
            peers: peers.flat_map(RawAdminPeer::read).collect(),
            ports: ports.map(|ports| ports.into_iter().filter_map(RawAdminPort::read).collect()),
        }
    }
}

impl RawAdminPeer {
    fn read(self) -> Vec<RulePeer> {
        if let Some(namespaces) = self.namespaces {
            return vec![RulePeer::Pods {
                namespaces: Namespaces::Selected(namespaces),
                pods: LabelSelector::default(),
            }];
        }
        if let Some(pods) = self.pods {
            return vec![RulePeer::Pods {
                namespaces: Namespaces::Selected(pods.namespace_selector.unwrap_or_default()),
                pods: pods.pod_selector.unwrap_or_default(),
            }];
        }
        let Some(networks) = self.networks else {
            return vec![RulePeer::Unknown];
        };
        networks
            .into_iter()
            .map(|cidr| RawBlock { cidr, except: None }.read())
            .collect()
    }
}

impl RawAdminPort {
    fn read(self) -> Option<PortMatch> {
        if let Some(RawNumber { protocol, port }) = self.port_number {
            return Some(PortMatch::Numbers(Connections::ports(protocol, port, port)));
        }
        if let Some(RawRange {
            protocol,
            start,
            end,
        }) = self.port_range
        {
            return Some(PortMatch::Numbers(Connections::ports(protocol, start, end)));
        }
        self.named_port.map(|name| PortMatch::Named {
            protocol: None,
            name,
        })
    }
}
