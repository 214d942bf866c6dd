//! Network policies against connections that another engine computed, and cases of our own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use foothold_engine::attack::network::{
    AddressRange, AdminPolicy, Connections, Endpoint, Labels, NetworkPolicy, Peer, Policies,
    Protocol,
};
use serde_json::Value;

/// The objects of one folder or file, as far as network policies see them.
#[derive(Default)]
struct World {
    pods: BTreeMap<String, Endpoint>,
    namespaces: BTreeMap<String, Labels>,
    network: Vec<NetworkPolicy>,
    admin: Vec<AdminPolicy>,
    baseline: Vec<AdminPolicy>,
    services: BTreeMap<String, Value>,
    /// Service and port number or name that an ingress or route leads to.
    entries: Vec<(String, Option<Value>)>,
    expect: Vec<String>,
}

impl World {
    fn read(&mut self, file: &Path) {
        let text = std::fs::read_to_string(file).unwrap();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for document in documents {
            self.add(&document);
        }
    }

    fn add(&mut self, object: &Value) {
        if let Some(items) = object["items"].as_array() {
            return items.iter().for_each(|item| self.add(item));
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let namespace = object["metadata"]["namespace"]
            .as_str()
            .unwrap_or("default");
        let spec = &object["spec"];
        match object["kind"].as_str().unwrap_or_default() {
            "Namespace" => {
                let labels = labels(&object["metadata"]["labels"]);
                self.namespaces.insert(name.to_owned(), labels);
            }
            "NetworkPolicy" => {
                let policy = NetworkPolicy::parse(namespace, name, &spec.to_string());
                self.network.push(policy.unwrap());
            }
            "AdminNetworkPolicy" => {
                let policy = AdminPolicy::parse(name, &spec.to_string());
                self.admin.push(policy.unwrap());
            }
            "BaselineAdminNetworkPolicy" => {
                let policy = AdminPolicy::parse(name, &spec.to_string());
                self.baseline.push(policy.unwrap());
            }
            "Service" => {
                self.services
                    .insert(format!("{namespace}/{name}"), spec.clone());
            }
            "Route" => {
                let service = spec["to"]["name"].as_str().unwrap();
                let port = spec["port"]["targetPort"].clone();
                self.entries
                    .push((format!("{namespace}/{service}"), Some(port)));
            }
            "Ingress" => {
                for rule in spec["rules"].as_array().into_iter().flatten() {
                    for path in rule["http"]["paths"].as_array().into_iter().flatten() {
                        let service = &path["backend"]["service"];
                        self.entries.push((
                            format!("{namespace}/{}", service["name"].as_str().unwrap()),
                            service["port"]["number"]
                                .is_number()
                                .then(|| service["port"]["number"].clone()),
                        ));
                    }
                }
            }
            "Pod" => {
                let owner = &object["metadata"]["ownerReferences"][0];
                let kind = owner["kind"].as_str().unwrap_or("Pod");
                let name = owner["name"].as_str().unwrap_or(name);
                let labels = labels(&object["metadata"]["labels"]);
                self.pod(namespace, name, kind, labels, spec);
            }
            kind @ ("Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job") => {
                let template = &spec["template"];
                let labels = labels(&template["metadata"]["labels"]);
                self.pod(namespace, name, kind, labels, &template["spec"]);
            }
            "Expect" => {
                let lines = object["connections"].as_array().unwrap();
                self.expect = lines.iter().map(text).collect();
            }
            _ => {}
        }
    }

    fn pod(&mut self, namespace: &str, name: &str, kind: &str, labels: Labels, spec: &Value) {
        let containers = spec["containers"].as_array().into_iter().flatten();
        let ports = containers.flat_map(|c| c["ports"].as_array().into_iter().flatten());
        let named_ports = ports
            .filter_map(|port| {
                let protocol = port["protocol"].as_str().unwrap_or("TCP");
                Some((
                    port["name"].as_str()?.to_owned(),
                    Protocol::parse(protocol)?,
                    u16::try_from(port["containerPort"].as_u64()?).ok()?,
                ))
            })
            .collect();
        let endpoint = Endpoint {
            namespace: namespace.to_owned(),
            namespace_labels: Labels::new(),
            labels,
            named_ports,
            host_network: spec["hostNetwork"] == Value::Bool(true),
        };
        self.pods
            .insert(format!("{namespace}/{name}[{kind}]"), endpoint);
    }

    /// The namespaces of pods get their labels.
    fn settle(&mut self) {
        for pod in self.pods.values_mut() {
            let labels = self.namespaces.entry(pod.namespace.clone()).or_default();
            labels.insert(
                "kubernetes.io/metadata.name".to_owned(),
                pod.namespace.clone(),
            );
            pod.namespace_labels = labels.clone();
        }
    }

    /// What a pod of which nothing is known, in any namespace, may connect to, and what may
    /// connect to it.
    fn exposure(mut self) -> BTreeSet<String> {
        self.settle();
        let policies = Policies::new(self.network, self.admin, self.baseline);
        let anyone = Endpoint::default();
        let mut lines = BTreeSet::new();
        for (name, pod) in &self.pods {
            let into = policies.allowed(Peer::Pod(&anyone), Peer::Pod(pod));
            if !into.is_empty() {
                lines.insert(format!("entire-cluster -> {name}: {into}"));
            }
            let out = policies.allowed(Peer::Pod(pod), Peer::Pod(&anyone));
            if !out.is_empty() {
                lines.insert(format!("{name} -> entire-cluster: {out}"));
            }
        }
        lines
    }

    /// `source -> target: connections`, sorted, as the other engine's expectations.
    fn connections(mut self) -> BTreeSet<String> {
        self.settle();
        let policies = Policies::new(self.network, self.admin, self.baseline);
        let mut lines = BTreeSet::new();
        let mut line = |source: &str, target: &str, connections: &Connections| {
            if !connections.is_empty() {
                lines.insert(format!("{source} -> {target}: {connections}"));
            }
        };
        let outside = |range: &AddressRange| format!("{range}[External]");
        for (name, pod) in &self.pods {
            for (other_name, other) in &self.pods {
                if name != other_name {
                    let allowed = policies.allowed(Peer::Pod(pod), Peer::Pod(other));
                    line(name, other_name, &allowed);
                }
            }
            for range in policies.cut(AddressRange::IPV4) {
                let (pod, range_peer) = (Peer::Pod(pod), Peer::Outside(range));
                line(name, &outside(&range), &policies.allowed(pod, range_peer));
                line(&outside(&range), name, &policies.allowed(range_peer, pod));
            }
        }
        // The controller may be any pod of any namespace.
        let controller = Endpoint::default();
        let mut entries: BTreeMap<&str, Connections> = BTreeMap::new();
        for (service, port) in &self.entries {
            let namespace = service.split('/').next().unwrap();
            let spec = &self.services[service];
            let selector = labels(&spec["selector"]);
            for (name, pod) in &self.pods {
                let selected = selector
                    .iter()
                    .all(|(key, value)| pod.labels.get(key) == Some(value));
                if pod.namespace != namespace || !selected {
                    continue;
                }
                let ports = service_ports(spec, port.as_ref());
                let allowed = policies.allowed(Peer::Pod(&controller), Peer::Pod(pod));
                let entry = entries.entry(name).or_default();
                *entry = entry.union(&allowed.intersection(&ports));
            }
        }
        for (name, connections) in entries {
            line("{ingress-controller}", name, &connections);
        }
        lines
    }
}

fn service_ports(spec: &Value, wanted: Option<&Value>) -> Connections {
    let mut set = Connections::none();
    for port in spec["ports"].as_array().into_iter().flatten() {
        let target = if port["targetPort"].is_null() {
            &port["port"]
        } else {
            &port["targetPort"]
        };
        let fits = wanted.is_none_or(|wanted| {
            [&port["name"], &port["port"], &port["targetPort"]].contains(&wanted)
        });
        if let Some(number) = target.as_u64().filter(|_| fits) {
            let number = u16::try_from(number).unwrap();
            set = set.union(&Connections::ports(Protocol::Tcp, number, number));
        }
    }
    set
}

fn labels(object: &Value) -> Labels {
    let entries = object.as_object().into_iter().flatten();
    entries
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let places = [
        std::env::var_os("FOOTHOLD_CORPUS").map(PathBuf::from),
        Some(root.join("../shared/corpus")),
        Some(root.join("../../shared/corpus")),
    ];
    let found = places.into_iter().flatten().find(|place| place.is_dir());
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "the corpus is missing; set FOOTHOLD_CORPUS"
        );
        eprintln!("skipped: no corpus; set FOOTHOLD_CORPUS to its folder");
    }
    found
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
}

#[test]
fn connections_equal_those_of_the_other_engine() {
    let Some(corpus) = corpus() else { return };
    let sets = corpus.join("kubernetes/netpol-ground-truth");
    let mut compared = 0;
    for set in std::fs::read_dir(sets).unwrap() {
        let set = set.unwrap().path();
        let Ok(expected) = std::fs::read_to_string(set.join("expected-connlist_output.json"))
        else {
            continue;
        };
        let expected: Vec<BTreeMap<String, String>> = serde_json::from_str(&expected).unwrap();
        let expected: BTreeSet<_> = expected
            .iter()
            .map(|row| format!("{} -> {}: {}", row["src"], row["dst"], row["conn"]))
            .collect();
        let mut world = World::default();
        for file in yaml_files(&set) {
            world.read(&file);
        }
        let found = world.connections();
        let missing: Vec<_> = expected.difference(&found).collect();
        let extra: Vec<_> = found.difference(&expected).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{}: missing {missing:#?}, extra {extra:#?}",
            set.display()
        );
        compared += expected.len();
    }
    assert_eq!(compared, 89);
}

#[test]
fn exposure_equals_that_of_the_other_engine() {
    let Some(corpus) = corpus() else { return };
    let set = corpus.join("kubernetes/netpol-ground-truth/acs-security-demos");
    let text = std::fs::read_to_string(set.join("expected-exposure_output.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let exposure = &expected["exposure_results"];
    let rows = ["ingress_exposure", "egress_exposure"]
        .iter()
        .flat_map(|direction| exposure[*direction].as_array().unwrap());
    let expected: BTreeSet<String> = rows
        .map(|row| {
            let part = |name: &str| row[name].as_str().unwrap();
            format!("{} -> {}: {}", part("src"), part("dst"), part("conn"))
        })
        .collect();
    let mut world = World::default();
    for file in yaml_files(&set) {
        world.read(&file);
    }
    assert_eq!(expected.len(), 7);
    assert_eq!(world.exposure(), expected);
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/network");
    let files = yaml_files(&folder);
    assert!(!files.is_empty());
    for file in files {
        let mut world = World::default();
        world.read(&file);
        let expected: BTreeSet<_> = world.expect.drain(..).collect();
        let outside = expected.iter().any(|line| line.contains("[External]"));
        let mut found = world.connections();
        found.retain(|line| outside || !line.contains("[External]"));
        assert_eq!(found, expected, "{}", file.display());
    }
}
