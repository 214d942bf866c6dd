//! The pod specification, as far as the mapping needs it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text::Text;

/// `PodSpec`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodSpec {
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
    ephemeral_containers: Option<Vec<Container>>,
    pub(super) volumes: Option<Vec<Volume>>,
    service_account_name: Option<Text>,
    service_account: Option<Text>,
    pub(super) automount_service_account_token: Option<bool>,
    pub(super) node_name: Option<Text>,
    #[serde(rename = "hostNetwork")]
    pub(super) host_network: Option<bool>,
    #[serde(rename = "hostPID")]
    pub(super) host_pid: Option<bool>,
    #[serde(rename = "hostIPC")]
    pub(super) host_ipc: Option<bool>,
    /// False gives the pod a user namespace.
    pub(super) host_users: Option<bool>,
    pub(super) share_process_namespace: Option<bool>,
    pub(super) security_context: Option<SecurityContext>,
}

/// Which list of a pod a container stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Main,
    Init,
    Ephemeral,
}

impl PodSpec {
    /// The containers of all three lists.
    pub(super) fn all_containers(&self) -> impl Iterator<Item = (Role, &Container)> {
        [
            (Role::Main, &self.containers),
            (Role::Init, &self.init_containers),
            (Role::Ephemeral, &self.ephemeral_containers),
        ]
        .into_iter()
        .flat_map(|(role, containers)| {
            let containers = containers.as_deref().unwrap_or_default();
            containers.iter().map(move |container| (role, container))
        })
    }

    /// The service account; `default` where none is named.
    pub(super) fn service_account(&self) -> &str {
        [&self.service_account_name, &self.service_account]
            .into_iter()
            .flatten()
            .map(Text::as_str)
            .find(|name| !name.is_empty())
            .unwrap_or("default")
    }
}

/// `Container`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: Option<Text>,
    pub(super) image: Option<Text>,
    pub(super) command: Option<Vec<Option<Text>>>,
    pub(super) args: Option<Vec<Option<Text>>>,
    pub(super) ports: Option<Vec<ContainerPort>>,
    pub(super) env: Option<Vec<EnvVar>>,
    pub(super) env_from: Option<Vec<EnvFrom>>,
    pub(super) volume_mounts: Option<Vec<VolumeMount>>,
    pub(super) security_context: Option<SecurityContext>,
    pub(super) image_pull_policy: Option<Text>,
    pub(super) restart_policy: Option<Text>,
}

/// `ContainerPort`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerPort {
    pub(super) name: Option<Text>,
    #[serde(rename = "containerPort")]
    pub(super) number: Option<Text>,
    #[serde(rename = "hostPort")]
    pub(super) on_host: Option<Text>,
    pub(super) protocol: Option<Text>,
}

/// `EnvVar`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnvVar {
    pub(super) name: Option<Text>,
    pub(super) value: Option<Text>,
    pub(super) value_from: Option<ValueFrom>,
}

/// `EnvVarSource`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ValueFrom {
    pub(super) secret_key_ref: Option<KeyRef>,
    pub(super) config_map_key_ref: Option<KeyRef>,
}

/// A reference to one entry of a secret or config map.
#[derive(Debug, Default, Deserialize)]
pub(super) struct KeyRef {
    pub(super) name: Option<Text>,
    pub(super) key: Option<Text>,
}

/// `EnvFromSource`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnvFrom {
    pub(super) secret_ref: Option<NameRef>,
    pub(super) config_map_ref: Option<NameRef>,
}

/// A reference by name.
#[derive(Debug, Default, Deserialize)]
pub(super) struct NameRef {
    pub(super) name: Option<Text>,
}

/// `VolumeMount`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VolumeMount {
    pub(super) name: Option<Text>,
    pub(super) mount_path: Option<Text>,
    pub(super) read_only: Option<bool>,
    pub(super) sub_path: Option<Text>,
}

/// `SecurityContext` and `PodSecurityContext`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityContext {
    pub(super) privileged: Option<bool>,
    pub(super) run_as_user: Option<i64>,
    pub(super) run_as_non_root: Option<bool>,
    pub(super) read_only_root_filesystem: Option<bool>,
    pub(super) allow_privilege_escalation: Option<bool>,
    pub(super) capabilities: Option<Capabilities>,
    pub(super) seccomp_profile: Option<Profile>,
    pub(super) app_armor_profile: Option<Profile>,
}

/// `Capabilities`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Capabilities {
    pub(super) add: Option<Vec<Text>>,
    pub(super) drop: Option<Vec<Text>>,
}

/// `SeccompProfile` and `AppArmorProfile`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Profile {
    #[serde(rename = "type")]
    pub(super) kind: Option<Text>,
}

/// `Volume`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Volume {
    pub(super) name: Option<Text>,
    pub(super) host_path: Option<HostPath>,
    pub(super) secret: Option<SecretVolume>,
    pub(super) config_map: Option<NameRef>,
    pub(super) projected: Option<Projected>,
    pub(super) persistent_volume_claim: Option<ClaimRef>,
}

/// `HostPathVolumeSource`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct HostPath {
    pub(super) path: Option<Text>,
}

/// `SecretVolumeSource`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecretVolume {
    pub(super) secret_name: Option<Text>,
    pub(super) items: Option<Vec<KeyRef>>,
}

/// `ProjectedVolumeSource`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Projected {
    pub(super) sources: Option<Vec<ProjectedSource>>,
}

/// `VolumeProjection`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProjectedSource {
    pub(super) secret: Option<NameRef>,
    pub(super) config_map: Option<NameRef>,
    pub(super) service_account_token: Option<TokenProjection>,
}

/// `ServiceAccountTokenProjection`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TokenProjection {
    pub(super) audience: Option<Text>,
}

/// `PersistentVolumeClaimVolumeSource`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClaimRef {
    pub(super) claim_name: Option<Text>,
    pub(super) read_only: Option<bool>,
}

/// `PodTemplateSpec`, and `JobTemplateSpec` around it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Template {
    pub(super) metadata: Option<TemplateMetadata>,
    pub(super) spec: Option<PodSpec>,
}

/// Labels and annotations of the pods to come.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TemplateMetadata {
    pub(super) labels: Option<BTreeMap<String, Option<Text>>>,
    pub(super) annotations: Option<BTreeMap<String, Option<Text>>>,
}

/// The specification of a controller: everything that holds a pod template.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ControllerSpec {
    pub(super) replicas: Option<i64>,
    pub(super) template: Option<Template>,
    pub(super) job_template: Option<JobTemplate>,
}

/// `JobTemplateSpec`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct JobTemplate {
    pub(super) spec: Option<JobSpec>,
}

/// `JobSpec`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct JobSpec {
    pub(super) template: Option<Template>,
}

/// `PodStatus`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodStatus {
    pub(super) container_statuses: Option<Vec<ContainerStatus>>,
    pub(super) init_container_statuses: Option<Vec<ContainerStatus>>,
}

/// `ContainerStatus`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ContainerStatus {
    pub(super) name: Option<Text>,
    #[serde(rename = "imageID")]
    pub(super) image_id: Option<Text>,
}
