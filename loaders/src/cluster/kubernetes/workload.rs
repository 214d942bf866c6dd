//! Workloads: what the containers of a pod specification are, may do, mount and use.
//!
//! Several specifications may describe one workload (its template and its running pods). They add
//! up: what any of them grants, the workload has.

use std::collections::{BTreeMap, BTreeSet};

use crate::hints::Hints;
use crate::keys::ImageRef;
use crate::text::Text;

use super::object::pairs;
use super::pod::{Container, PodSpec, PodStatus, Profile, Role, SecurityContext, Volume};
use super::scope::Scope;

/// Where the kubelet puts a service account's token.
const TOKEN_DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Sockets that control every container of the machine.
const RUNTIME_SOCKETS: &[&str] = &[
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/var/run/crio/crio.sock",
    "/run/crio/crio.sock",
    "/var/run/cri-dockerd.sock",
    "/run/podman/podman.sock",
    "/var/run/podman/podman.sock",
];

/// Labels that controllers put on single pods; no selector of a service or policy is meant to
/// depend on them, and they differ from pod to pod.
const POD_ONLY_LABELS: &[&str] = &[
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "job-name",
    "batch.kubernetes.io/job-name",
    "batch.kubernetes.io/job-completion-index",
];

/// How a workload uses a secret, config map or claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) via: &'static str,
}

/// What is known of a use: the entries, if not all of them, and whether it is read only.
#[derive(Debug, Clone, Default)]
pub(super) struct UseDetail {
    pub(super) keys: BTreeSet<String>,
    pub(super) whole: bool,
    pub(super) writable: bool,
}

/// A container's image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    pub(super) container: String,
    pub(super) reference: String,
}

/// What is known of a container beside its image.
#[derive(Debug, Clone, Default)]
pub(super) struct RunDetail {
    pub(super) init: bool,
    pub(super) pull_policy: Option<String>,
}

/// One workload, gathered from all that describes it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each property of the node"
)]
pub(super) struct Workload {
    pub(super) scope: Scope,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) replicas: Option<i64>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) service_accounts: BTreeSet<String>,
    pub(super) automount_token: Option<bool>,
    pub(super) nodes: BTreeSet<String>,
    pub(super) privileged: bool,
    pub(super) host_network: bool,
    pub(super) host_pid: bool,
    pub(super) host_ipc: bool,
    pub(super) share_process_namespace: bool,
    pub(super) host_users: Judgement,
    pub(super) host_paths: BTreeSet<String>,
    pub(super) host_paths_read_only: BTreeSet<String>,
    pub(super) capabilities_added: BTreeSet<String>,
    pub(super) drops_all_capabilities: bool,
    pub(super) run_as_root: Judgement,
    pub(super) read_only_root: bool,
    pub(super) allow_privilege_escalation: bool,
    pub(super) seccomp: ProfileState,
    pub(super) apparmor: ProfileState,
    pub(super) ports: BTreeSet<String>,
    pub(super) port_names: BTreeSet<String>,
    pub(super) host_ports: BTreeSet<String>,
    pub(super) hints: Hints,
    pub(super) uses: BTreeMap<Use, UseDetail>,
    /// Images, each with whether it belongs to an init container.
    pub(super) runs: BTreeMap<Run, RunDetail>,
    /// What a tag was resolved to on a machine.
    pub(super) digests: BTreeMap<String, BTreeSet<String>>,
}

/// The answers of several containers to a yes-or-no question, where any yes decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Judgement {
    #[default]
    NotAsked,
    No,
    Unknown,
    Yes,
}

impl Judgement {
    fn add(&mut self, answer: Option<bool>) {
        let answer = match answer {
            Some(true) => Judgement::Yes,
            Some(false) => Judgement::No,
            None => Judgement::Unknown,
        };
        if (answer as u8) > (*self as u8) {
            *self = answer;
        }
    }

    pub(super) fn known(self) -> Option<bool> {
        match self {
            Judgement::Yes => Some(true),
            Judgement::No => Some(false),
            Judgement::Unknown | Judgement::NotAsked => None,
        }
    }
}

/// The weakest confinement profile of several containers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum ProfileState {
    #[default]
    NotAsked,
    Confined(String),
    Unknown,
    Unconfined,
}

impl ProfileState {
    fn add(&mut self, profile: Option<&str>) {
        let next = match profile {
            Some("Unconfined" | "unconfined") => ProfileState::Unconfined,
            Some(kind) => ProfileState::Confined(kind.to_owned()),
            None => ProfileState::Unknown,
        };
        let rank = |state: &ProfileState| match state {
            ProfileState::NotAsked => 0,
            ProfileState::Confined(_) => 1,
            ProfileState::Unknown => 2,
            ProfileState::Unconfined => 3,
        };
        if rank(&next) > rank(self) {
            *self = next;
        }
    }

    pub(super) fn known(&self) -> Option<&str> {
        match self {
            ProfileState::Unconfined => Some("Unconfined"),
            ProfileState::Confined(kind) => Some(kind),
            ProfileState::Unknown | ProfileState::NotAsked => None,
        }
    }
}

impl Workload {
    pub(super) fn new(scope: Scope, kind: &str, name: &str) -> Self {
        Self {
            scope,
            kind: kind.to_owned(),
            name: name.to_owned(),
            replicas: None,
            labels: BTreeMap::new(),
            service_accounts: BTreeSet::new(),
            automount_token: None,
            nodes: BTreeSet::new(),
            privileged: false,
            host_network: false,
            host_pid: false,
            host_ipc: false,
            share_process_namespace: false,
            host_users: Judgement::NotAsked,
            host_paths: BTreeSet::new(),
            host_paths_read_only: BTreeSet::new(),
            capabilities_added: BTreeSet::new(),
            drops_all_capabilities: true,
            run_as_root: Judgement::NotAsked,
            read_only_root: true,
            allow_privilege_escalation: false,
            seccomp: ProfileState::NotAsked,
            apparmor: ProfileState::NotAsked,
            ports: BTreeSet::new(),
            port_names: BTreeSet::new(),
            host_ports: BTreeSet::new(),
            hints: Hints::default(),
            uses: BTreeMap::new(),
            runs: BTreeMap::new(),
            digests: BTreeMap::new(),
        }
    }

    /// Adds pod labels.
    pub(super) fn add_labels<'a>(&mut self, labels: impl Iterator<Item = (&'a str, &'a str)>) {
        for (key, value) in labels {
            if !POD_ONLY_LABELS.contains(&key) {
                self.labels
                    .entry(key.to_owned())
                    .or_insert_with(|| value.to_owned());
            }
        }
    }

    /// Adds a pod specification. `annotations` are the pod's.
    pub(super) fn add_spec<'a>(
        &mut self,
        spec: &PodSpec,
        annotations: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        self.service_accounts
            .insert(spec.service_account().to_owned());
        if let Some(automount) = spec.automount_service_account_token {
            self.automount(automount);
        }
        if let Some(node) = spec.node_name.as_deref().filter(|node| !node.is_empty()) {
            self.nodes.insert(node.to_owned());
        }
        self.host_network |= spec.host_network == Some(true);
        self.host_pid |= spec.host_pid == Some(true);
        self.host_ipc |= spec.host_ipc == Some(true);
        // Any specification that shares the users of the machine decides.
        self.host_users.add(Some(spec.host_users != Some(false)));
        self.share_process_namespace |= spec.share_process_namespace == Some(true);
        let apparmor: BTreeMap<&str, &str> = annotations
            .filter_map(|(key, value)| {
                let container =
                    key.strip_prefix("container.apparmor.security.beta.kubernetes.io/")?;
                Some((container, value))
            })
            .collect();
        for (role, container) in spec.all_containers() {
            let annotated = container
                .name
                .as_deref()
                .and_then(|name| apparmor.get(name).copied());
            self.add_container(role, container, spec.security_context.as_ref(), annotated);
        }
        self.add_volumes(spec);
    }

    /// One specification may say no and another yes; yes wins.
    fn automount(&mut self, automount: bool) {
        self.automount_token = Some(automount || self.automount_token == Some(true));
    }

    fn add_container(
        &mut self,
        role: Role,
        container: &Container,
        pod: Option<&SecurityContext>,
        annotated_apparmor: Option<&str>,
    ) {
        let own = container.security_context.as_ref();
        self.privileged |= own.and_then(|context| context.privileged) == Some(true);
        self.read_only_root &=
            own.and_then(|context| context.read_only_root_filesystem) == Some(true);
        self.allow_privilege_escalation |=
            own.and_then(|context| context.allow_privilege_escalation) != Some(false);
        let capabilities = own.and_then(|context| context.capabilities.as_ref());
        let added = capabilities.and_then(|capabilities| capabilities.add.as_deref());
        self.capabilities_added.extend(
            added
                .unwrap_or_default()
                .iter()
                .map(|name| capability(name)),
        );
        let dropped = capabilities.and_then(|capabilities| capabilities.drop.as_deref());
        self.drops_all_capabilities &= dropped
            .unwrap_or_default()
            .iter()
            .any(|name| name.eq_ignore_ascii_case("all"));
        self.run_as_root.add(runs_as_root(own, pod));
        self.seccomp.add(profile(own, pod, |context| {
            context.seccomp_profile.as_ref()
        }));
        let apparmor = profile(own, pod, |context| context.app_armor_profile.as_ref());
        self.apparmor.add(apparmor.or(annotated_apparmor));
        self.add_ports(container);
        self.add_environment(container);
        self.add_image(role, container);
    }

    fn add_image(&mut self, role: Role, container: &Container) {
        let Some(image) = container.image.as_deref().filter(|image| !image.is_empty()) else {
            return;
        };
        let run = Run {
            container: container.name.as_deref().unwrap_or_default().to_owned(),
            reference: image.to_owned(),
        };
        let pull_policy = container.image_pull_policy.as_deref().map(str::to_owned);
        let detail = self.runs.entry(run).or_default();
        // One that is always restarted runs beside the others: a sidecar.
        let is_sidecar = container.restart_policy.as_deref() == Some("Always");
        detail.init = role == Role::Init && !is_sidecar;
        detail.pull_policy = pull_policy.or(detail.pull_policy.take());
    }

    fn add_ports(&mut self, container: &Container) {
        for port in container.ports.as_deref().unwrap_or_default() {
            let Some(number) = port.number.as_deref() else {
                continue;
            };
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let rendered = format!("{number}/{protocol}");
            if let Some(name) = port.name.as_deref().filter(|name| !name.is_empty()) {
                self.port_names.insert(format!("{name}={rendered}"));
            }
            self.ports.insert(rendered);
            if let Some(host_port) = port.on_host.as_deref().filter(|port| *port != "0") {
                self.host_ports.insert(format!("{host_port}/{protocol}"));
            }
        }
    }

    fn add_environment(&mut self, container: &Container) {
        for variable in container.env.as_deref().unwrap_or_default() {
            let name = variable.name.as_deref().unwrap_or_default();
            if let Some(value) = variable.value.as_deref() {
                self.hints.variable(name, value);
            }
            let Some(source) = &variable.value_from else {
                continue;
            };
            for (kind, reference) in [
                ("Secret", &source.secret_key_ref),
                ("ConfigMap", &source.config_map_key_ref),
            ] {
                if let Some(reference) = reference {
                    self.uses(kind, reference.name.as_deref(), "env", |detail| {
                        detail
                            .keys
                            .extend(reference.key.as_deref().map(str::to_owned));
                    });
                }
            }
        }
        for source in container.env_from.as_deref().unwrap_or_default() {
            for (kind, reference) in [
                ("Secret", &source.secret_ref),
                ("ConfigMap", &source.config_map_ref),
            ] {
                if let Some(reference) = reference {
                    self.uses(kind, reference.name.as_deref(), "env", |detail| {
                        detail.whole = true;
                    });
                }
            }
        }
        let words = [&container.command, &container.args];
        for word in words.into_iter().flatten().flatten().flatten() {
            match word.trim_start_matches('-').split_once('=') {
                Some((flag, value)) if !flag.contains(char::is_whitespace) => {
                    self.hints.variable(flag, value);
                }
                _ if word.len() < 4096 && word.contains("://") => {
                    self.hints.variable("argument", word);
                }
                _ => {}
            }
        }
    }

    fn uses(
        &mut self,
        kind: &'static str,
        name: Option<&str>,
        via: &'static str,
        note: impl FnOnce(&mut UseDetail),
    ) {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return;
        };
        let key = Use {
            kind,
            name: name.to_owned(),
            via,
        };
        note(self.uses.entry(key).or_default());
    }

    fn add_volumes(&mut self, spec: &PodSpec) {
        let volumes: BTreeMap<&str, &Volume> = spec
            .volumes
            .as_deref()
            .unwrap_or_default()
            .iter()
            .filter_map(|volume| Some((volume.name.as_deref()?, volume)))
            .collect();
        for (_, container) in spec.all_containers() {
            for mount in container.volume_mounts.as_deref().unwrap_or_default() {
                if mount.mount_path.as_deref() == Some(TOKEN_DIRECTORY) {
                    self.automount(true);
                }
                let volume = mount.name.as_deref().and_then(|name| volumes.get(name));
                if let Some(volume) = volume {
                    let read_only = mount.read_only == Some(true);
                    self.add_mount(volume, mount.sub_path.as_deref(), read_only);
                }
            }
        }
    }

    fn add_mount(&mut self, volume: &Volume, sub_path: Option<&str>, read_only: bool) {
        if let Some(path) = volume
            .host_path
            .as_ref()
            .and_then(|host_path| host_path.path.as_deref())
        {
            self.add_host_path(path, sub_path, read_only);
        }
        if let Some(secret) = &volume.secret {
            self.uses(
                "Secret",
                secret.secret_name.as_deref(),
                "volume",
                |detail| {
                    let items = secret.items.as_deref().unwrap_or_default();
                    detail.whole |= items.is_empty();
                    let keys = items.iter().filter_map(|item| item.key.as_deref());
                    detail.keys.extend(keys.map(str::to_owned));
                },
            );
        }
        if let Some(config_map) = &volume.config_map {
            self.uses(
                "ConfigMap",
                config_map.name.as_deref(),
                "volume",
                |detail| {
                    detail.whole = true;
                },
            );
        }
        if let Some(claim) = &volume.persistent_volume_claim {
            let writable = !read_only && claim.read_only != Some(true);
            self.uses(
                "PersistentVolumeClaim",
                claim.claim_name.as_deref(),
                "volume",
                |detail| detail.writable |= writable,
            );
        }
        let sources = volume
            .projected
            .as_ref()
            .and_then(|projected| projected.sources.as_deref());
        for source in sources.unwrap_or_default() {
            for (kind, reference) in [
                ("Secret", &source.secret),
                ("ConfigMap", &source.config_map),
            ] {
                if let Some(reference) = reference {
                    self.uses(kind, reference.name.as_deref(), "volume", |detail| {
                        detail.whole = true;
                    });
                }
            }
            // Tokens for another audience open no door of the cluster.
            let for_cluster = source
                .service_account_token
                .as_ref()
                .is_some_and(|token| token.audience.as_deref().is_none_or(str::is_empty));
            if for_cluster {
                self.automount(true);
            }
        }
    }

    /// Adds a directory of the machine, mounted as a whole or below `sub_path`.
    pub(super) fn add_host_path(&mut self, path: &str, sub_path: Option<&str>, read_only: bool) {
        let mut path = match path.trim_end_matches('/') {
            "" => "/".to_owned(),
            trimmed => trimmed.to_owned(),
        };
        if let Some(sub_path) = sub_path.filter(|sub_path| !sub_path.is_empty()) {
            path = format!(
                "{}/{}",
                path.trim_end_matches('/'),
                sub_path.trim_matches('/')
            );
        }
        if read_only {
            self.host_paths_read_only.insert(path);
        } else {
            self.host_paths.insert(path);
        }
    }

    /// Whether a directory or socket mounted gives hold of a container runtime. Mounting a socket
    /// read only keeps nobody from talking to it.
    pub(super) fn runtime_socket(&self) -> bool {
        let mut paths = self.host_paths.iter().chain(&self.host_paths_read_only);
        paths.any(|path| {
            let holds = |socket: &&str| {
                let rest = socket.strip_prefix(path.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            RUNTIME_SOCKETS.iter().any(holds)
        })
    }

    /// Adds which digests the tags were resolved to.
    pub(super) fn add_status(&mut self, spec: &PodSpec, status: &PodStatus) {
        let images: BTreeMap<&str, &str> = spec
            .all_containers()
            .filter_map(|(_, container)| {
                Some((container.name.as_deref()?, container.image.as_deref()?))
            })
            .collect();
        let statuses = [&status.container_statuses, &status.init_container_statuses];
        for status in statuses.into_iter().flatten().flatten() {
            let reference = status.name.as_deref().and_then(|name| images.get(name));
            let resolved = status.image_id.as_deref().and_then(ImageRef::parse);
            if let (Some(reference), Some(digest)) =
                (reference, resolved.and_then(|image| image.digest))
            {
                self.digests
                    .entry((*reference).to_owned())
                    .or_default()
                    .insert(digest);
            }
        }
    }

    /// Labels as `key=value`.
    pub(super) fn rendered_labels(&self) -> Vec<String> {
        self.labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect()
    }
}

/// Annotations of a pod template.
pub(super) fn template_annotations(
    annotations: Option<&BTreeMap<String, Option<Text>>>,
) -> impl Iterator<Item = (&str, &str)> {
    pairs(annotations)
}

/// `CAP_SYS_ADMIN` and `sys_admin` are `SYS_ADMIN`.
fn capability(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    upper.strip_prefix("CAP_").unwrap_or(&upper).to_owned()
}

/// Whether a container may run as user 0; `None` where its image decides.
fn runs_as_root(own: Option<&SecurityContext>, pod: Option<&SecurityContext>) -> Option<bool> {
    let contexts = || [own, pod].into_iter().flatten();
    if let Some(user) = contexts().find_map(|context| context.run_as_user) {
        return Some(user == 0);
    }
    match contexts().find_map(|context| context.run_as_non_root) {
        Some(true) => Some(false),
        _ => None,
    }
}

fn profile<'a>(
    own: Option<&'a SecurityContext>,
    pod: Option<&'a SecurityContext>,
    pick: impl Fn(&'a SecurityContext) -> Option<&'a Profile>,
) -> Option<&'a str> {
    [own, pod]
        .into_iter()
        .flatten()
        .find_map(|context| pick(context)?.kind.as_deref())
}
