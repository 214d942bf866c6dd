//! The known labels, edge kinds and properties.
//!
//! Any label, kind or property may occur in a graph; this table names those that loaders emit and
//! rules read, so that both sides, the documentation and completion agree on one spelling.

/// The type of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    Str,
    /// A list of text.
    StrList,
}

/// A property of a label or kind.
#[derive(Debug, Clone, Copy)]
pub struct PropertySpec {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: PropertyType,
    /// What it means.
    pub doc: &'static str,
}

/// A known label.
#[derive(Debug, Clone, Copy)]
pub struct LabelSpec {
    /// The label.
    pub name: &'static str,
    /// The shape of the ids of such nodes.
    pub id: &'static str,
    /// What such a node is.
    pub doc: &'static str,
    /// Properties that rules and correlation read.
    pub properties: &'static [PropertySpec],
}

/// A known edge kind.
#[derive(Debug, Clone, Copy)]
pub struct KindSpec {
    /// The kind.
    pub name: &'static str,
    /// Start label, or several joined by `|`.
    pub from: &'static str,
    /// End label, or several joined by `|`.
    pub to: &'static str,
    /// What such an edge says.
    pub doc: &'static str,
    /// Properties that rules read.
    pub properties: &'static [PropertySpec],
}

const fn p(name: &'static str, ty: PropertyType, doc: &'static str) -> PropertySpec {
    PropertySpec { name, ty, doc }
}

use PropertyType::{Bool, Float, Int, Str, StrList};

/// The id of the one node that stands for the internet.
pub const INTERNET_ID: &str = "net://internet";

/// Every known label.
pub const LABELS: &[LabelSpec] = &[
    LabelSpec {
        name: "Internet",
        id: "net://internet",
        doc: "The public internet; where an anonymous attacker starts.",
        properties: &[],
    },
    LabelSpec {
        name: "Repository",
        id: "repo://<host>/<org>/<name>",
        doc: "A source repository.",
        properties: &[
            p("name", Str, "Short name."),
            p("visibility", Str, "`public`, `private` or `internal`."),
            p(
                "accepts_forks",
                Bool,
                "Whether pull requests from forks run its workflows.",
            ),
            p("branch", Str, "Branch that was analysed."),
            p("revision", Str, "Commit that was analysed."),
            p(
                "codeowners",
                StrList,
                "Its CODEOWNERS rules in order as `<pattern> <team id>..`; the last that matches decides.",
            ),
        ],
    },
    LabelSpec {
        name: "File",
        id: "repo://<host>/<org>/<name>#<path>",
        doc: "A file in a repository.",
        properties: &[p("path", Str, "Path from the repository root.")],
    },
    LabelSpec {
        name: "Package",
        id: "pkg:<type>/<namespace>/<name>@<version>",
        doc: "One version of a package.",
        properties: &[
            p("name", Str, "Name without namespace."),
            p("version", Str, "Version."),
            p("ecosystem", Str, "Package URL type."),
            p(
                "purl",
                Str,
                "The normalised package URL, if the package has one.",
            ),
            p(
                "fixed_version",
                Str,
                "First version without the known vulnerability, as the scanner says.",
            ),
            p("licenses", StrList, "SPDX expressions or names."),
            p(
                "scope",
                Str,
                "`required`, `optional` or `excluded` (CycloneDX).",
            ),
            p(
                "reachability",
                Str,
                "`executed`, `loaded`, `reachable`, `possible`, `unknown`, `unreachable` or `absent` (findings lattice).",
            ),
        ],
    },
    LabelSpec {
        name: "Image",
        id: "image://<digest> or image://<registry>/<repository>:<tag>",
        doc: "A container image.",
        properties: &[
            p("name", Str, "Reference as written."),
            p("digest", Str, "`sha256:..`"),
            p("registry", Str, "Registry host."),
            p("repository", Str, "Repository path."),
            p("tag", Str, "Tag."),
            p("os", Str, "Distribution and release."),
            p(
                "source_repository",
                Str,
                "Value of `org.opencontainers.image.source`.",
            ),
            p(
                "revision",
                Str,
                "Value of `org.opencontainers.image.revision`.",
            ),
        ],
    },
    LabelSpec {
        name: "Application",
        id: "app://<name>",
        doc: "The subject of a bill of materials that is neither image nor package.",
        properties: &[p("name", Str, "Name."), p("version", Str, "Version.")],
    },
    LabelSpec {
        name: "Vulnerability",
        id: "vuln:<CVE, GHSA or other advisory id>",
        doc: "A published vulnerability; aliases are one node.",
        properties: &[
            p("name", Str, "The id."),
            p("title", Str, "One line about it."),
            p("aliases", StrList, "Other ids of the same vulnerability."),
            p(
                "related",
                StrList,
                "Other vulnerabilities that belong to it.",
            ),
            p(
                "severity",
                Str,
                "`critical`, `high`, `medium`, `low`, `negligible` or `unknown`.",
            ),
            p("cvss_score", Float, "Highest base score."),
            p("cvss_vector", Str, "The vector behind it."),
            p(
                "attack_vector",
                Str,
                "`network`, `adjacent`, `local` or `physical`.",
            ),
            p("attack_complexity", Str, "`low` or `high`."),
            p("privileges_required", Str, "`none`, `low` or `high`."),
            p("user_interaction", Str, "`none` or `required`."),
            p("scope_changed", Bool, "CVSS scope changed."),
            p("integrity_impact", Str, "`none`, `low` or `high`."),
            p("confidentiality_impact", Str, "`none`, `low` or `high`."),
            p("availability_impact", Str, "`none`, `low` or `high`."),
            p(
                "epss",
                Float,
                "Probability of exploitation in the wild within 30 days.",
            ),
            p(
                "epss_percentile",
                Float,
                "Share of all that score at most as high.",
            ),
            p("kev", Bool, "On CISA's known exploited list."),
            p("kev_added", Str, "Date it was listed there."),
            p("kev_due", Str, "Date CISA wants it mended by."),
            p("ransomware", Bool, "Known to be used for ransomware."),
            p("exploit_public", Bool, "A public exploit exists."),
            p("cwe", StrList, "Weakness classes, `CWE-79`."),
            p(
                "effect",
                Str,
                "`code-execution`, `file-read`, `ssrf`, `sqli`, `dos` or `other`, from CWE and impact.",
            ),
        ],
    },
    LabelSpec {
        name: "Finding",
        id: "finding:<tool>/<fingerprint>",
        doc: "What one tool found in one place.",
        properties: &[
            p("rule_id", Str, "The tool's rule."),
            p("tool", Str, "The tool."),
            p("message", Str, "Its words."),
            p("level", Str, "SARIF level."),
            p(
                "severity",
                Str,
                "`critical`, `high`, `medium`, `low` or `info`.",
            ),
            p("cwe", StrList, "Weakness classes."),
            p(
                "class",
                Str,
                "`command-injection`, `deserialization`, `template-injection`, `code-injection`, `sql-injection`, `ssrf`, `path-traversal`, `xxe`, `broken-authentication`, `broken-authorization`, `secret`, `xss`, `misconfiguration`, `vulnerable-component` or `other`.",
            ),
            p("path", Str, "File."),
            p("line", Int, "First line."),
            p("flow_source", Str, "`<path>:<line>` where the data enters."),
            p("flow_sink", Str, "`<path>:<line>` where it does harm."),
            p("function", Str, "Enclosing function, where known."),
            p("confirmed", Bool, "Seen to work by a dynamic test."),
            p("suppressed", Bool, "The tool or a person set it aside."),
        ],
    },
    LabelSpec {
        name: "Api",
        id: "api://<service>",
        doc: "An API as one document describes it.",
        properties: &[
            p("name", Str, "Title."),
            p("version", Str, "Version."),
            p("hosts", StrList, "Host names of its servers."),
            p("base_paths", StrList, "Path prefixes of its servers."),
            p("service", Str, "The service it says it belongs to."),
            p(
                "security_declared",
                Bool,
                "Whether the description defines any security scheme; without one, `authenticated = false` may be mere silence.",
            ),
        ],
    },
    LabelSpec {
        name: "Route",
        id: "api://<service>/<METHOD> <path>",
        doc: "One operation of an API.",
        properties: &[
            p("method", Str, "Upper case."),
            p("path", Str, "Templated path."),
            p("operation_id", Str, "operationId."),
            p(
                "authenticated",
                Bool,
                "Whether the description requires credentials.",
            ),
            p("auth_schemes", StrList, "Names of the security schemes."),
            p("takes_object_id", Bool, "Has a path parameter."),
            p(
                "data_class",
                StrList,
                "Kinds of data in its schemas: `pii`, `card`, `credential`, `health`.",
            ),
            p(
                "sensitive",
                Bool,
                "Declared or classified as touching sensitive data.",
            ),
            p("deprecated", Bool, "Marked deprecated."),
            p(
                "handler",
                Str,
                "Handler named by `x-openapi-router-controller`, `x-handler` or the like.",
            ),
            p(
                "full_path",
                Str,
                "Path with the base path of the first server.",
            ),
        ],
    },
    LabelSpec {
        name: "Cluster",
        id: "k8s://<cluster>",
        doc: "A Kubernetes cluster.",
        properties: &[
            p("name", Str, "Name."),
            p(
                "oidc_issuer",
                Str,
                "Issuer of its service-account tokens, without `https://`.",
            ),
        ],
    },
    LabelSpec {
        name: "Namespace",
        id: "k8s://<cluster>/-/Namespace/<name>",
        doc: "A Kubernetes namespace.",
        properties: &[
            p("name", Str, "Name."),
            p(
                "pod_security",
                Str,
                "Pod-security level enforced: `privileged`, `baseline` or `restricted`.",
            ),
            p("labels", StrList, "Labels as `key=value`."),
        ],
    },
    LabelSpec {
        name: "Node",
        id: "k8s://<cluster>/-/Node/<name>",
        doc: "A machine of a cluster.",
        properties: &[
            p("name", Str, "Name."),
            p("provider_id", Str, "Cloud instance."),
            p("labels", StrList, "Labels as `key=value`."),
            p("kernel_version", Str, "Kernel."),
            p("runtime", Str, "Container runtime and version."),
            p("kubelet_version", Str, "Version of the kubelet."),
            p("addresses", StrList, "External addresses and host names."),
        ],
    },
    LabelSpec {
        name: "Workload",
        id: "k8s://<cluster>/<namespace>/<kind>/<name>",
        doc: "Something that runs containers; carries its kind as a second label (Deployment, StatefulSet, DaemonSet, Job, CronJob, ReplicaSet, Pod). Pods and replica sets with a controller fold into it.",
        properties: &[
            p("name", Str, "Name."),
            p("namespace", Str, "Namespace."),
            p("cluster", Str, "Cluster."),
            p("kind", Str, "Kubernetes kind."),
            p("replicas", Int, "Replicas wanted."),
            p("labels", StrList, "Pod labels as `key=value`."),
            p("privileged", Bool, "Any container privileged."),
            p("host_network", Bool, "hostNetwork."),
            p("host_pid", Bool, "hostPID."),
            p("host_ipc", Bool, "hostIPC."),
            p("host_paths", StrList, "Writable host paths mounted."),
            p(
                "host_paths_read_only",
                StrList,
                "Read-only host paths mounted.",
            ),
            p(
                "runtime_socket",
                Bool,
                "Mounts a container runtime's socket.",
            ),
            p("capabilities_added", StrList, "Linux capabilities added."),
            p(
                "run_as_root",
                Bool,
                "May run as user 0; absent where unknown.",
            ),
            p("read_only_root", Bool, "Root file system read only."),
            p("seccomp", Str, "Profile type."),
            p(
                "automount_token",
                Bool,
                "Whether a service-account token is mounted; absent where the pod does not say: then the service account decides, then yes.",
            ),
            p("share_process_namespace", Bool, "shareProcessNamespace."),
            p("ports", StrList, "Container ports as `8080/TCP`."),
            p("port_names", StrList, "Named ports as `http=8080/TCP`."),
            p(
                "env_hosts",
                StrList,
                "Host names in environment variables and arguments as `VARIABLE=host` or `VARIABLE=host:port`; nothing else of the values.",
            ),
            p(
                "metadata_reachable",
                Bool,
                "Whether the instance metadata endpoint is reachable; absent where unknown.",
            ),
            p(
                "env_resources",
                StrList,
                "Names of buckets, tables, queues and ARNs in environment variables as `VARIABLE=name`.",
            ),
            p(
                "host_ports",
                StrList,
                "Ports opened on the machine as `8080/TCP`.",
            ),
            p(
                "allow_privilege_escalation",
                Bool,
                "Any container may gain privileges.",
            ),
            p(
                "apparmor",
                Str,
                "`Unconfined` if any container is, else the profile type; absent where unknown.",
            ),
            p(
                "drops_all_capabilities",
                Bool,
                "Every container drops all capabilities.",
            ),
        ],
    },
    LabelSpec {
        name: "Service",
        id: "k8s://<cluster>/<namespace>/Service/<name>",
        doc: "A network service.",
        properties: &[
            p("name", Str, "Name."),
            p("namespace", Str, "Namespace."),
            p("cluster", Str, "Cluster."),
            p(
                "type",
                Str,
                "ClusterIP, NodePort, LoadBalancer or ExternalName.",
            ),
            p("ports", StrList, "`80/TCP`."),
            p(
                "target_ports",
                StrList,
                "Where its ports lead, `80/TCP=8080` or `80/TCP=http`.",
            ),
            p("selector", StrList, "`key=value`."),
            p(
                "internal_only",
                Bool,
                "A load balancer annotated as internal.",
            ),
            p(
                "management",
                Str,
                "`docker` or `debugger`: a port that runs what it is told without asking for credentials.",
            ),
            p(
                "cluster_ip",
                Str,
                "Address inside the cluster, `None` if headless.",
            ),
            p(
                "external_name",
                Str,
                "The name an ExternalName service stands for.",
            ),
            p("addresses", StrList, "External addresses and host names."),
            p(
                "source_ranges",
                StrList,
                "Source ranges a load balancer admits.",
            ),
            p(
                "node_ports",
                StrList,
                "Ports opened on every machine as `30080/TCP`.",
            ),
            p(
                "endpoints",
                StrList,
                "Addresses behind it that endpoints name, `10.1.0.3:8080`.",
            ),
        ],
    },
    LabelSpec {
        name: "Ingress",
        id: "k8s://<cluster>/<namespace>/<kind>/<name>, the ARN of a load balancer, or dns:<its host name>",
        doc: "An ingress, gateway or load balancer that brings traffic in; carries its kind as a second label (Ingress, Gateway, OpenShiftRoute, LoadBalancer).",
        properties: &[
            p("name", Str, "Name."),
            p("hosts", StrList, "Host names."),
            p("paths", StrList, "Path prefixes."),
            p("waf", Bool, "A web application firewall stands in front."),
            p("internal_only", Bool, "Not reachable from the internet."),
            p("namespace", Str, "Namespace."),
            p("cluster", Str, "Cluster."),
            p("class", Str, "Ingress or gateway class."),
            p("tls", Bool, "Any host with TLS."),
            p(
                "addresses",
                StrList,
                "Addresses and host names it answers on.",
            ),
            p(
                "authentication",
                Str,
                "What authenticates callers before they arrive, as annotated.",
            ),
            p("source_ranges", StrList, "Source ranges it admits."),
            p("ports", StrList, "Ports it listens on as `443/TCP`."),
        ],
    },
    LabelSpec {
        name: "HttpRoute",
        id: "k8s://<cluster>/<namespace>/<kind>/<name>",
        doc: "A route attached to gateways (HTTPRoute, GRPCRoute, TCPRoute, VirtualService ..). The gateways carry its ROUTES_TO edges.",
        properties: &[
            p("name", Str, "Name."),
            p("hosts", StrList, "Host names."),
            p("paths", StrList, "Path prefixes."),
        ],
    },
    LabelSpec {
        name: "NetworkPolicy",
        id: "k8s://<cluster>/<namespace>/NetworkPolicy/<name>",
        doc: "A network policy.",
        properties: &[
            p("spec", Str, "Its specification as JSON, for the evaluator."),
            p("name", Str, "Name."),
            p("namespace", Str, "Namespace."),
            p("cluster", Str, "Cluster."),
        ],
    },
    LabelSpec {
        name: "AdminNetworkPolicy",
        id: "k8s://<cluster>/-/AdminNetworkPolicy/<name>",
        doc: "A network policy of the cluster's administrator; comes before network policies.",
        properties: &[p(
            "spec",
            Str,
            "Its specification as JSON, for the evaluator.",
        )],
    },
    LabelSpec {
        name: "BaselineAdminNetworkPolicy",
        id: "k8s://<cluster>/-/BaselineAdminNetworkPolicy/<name>",
        doc: "The policy for what no other network policy decides.",
        properties: &[p(
            "spec",
            Str,
            "Its specification as JSON, for the evaluator.",
        )],
    },
    LabelSpec {
        name: "NetworkZone",
        id: "net://zone/<cluster>/<digest>",
        doc: "A set of places that the same sources reach: `source CAN_REACH zone CAN_REACH place` says what one edge a pair would.",
        properties: &[p("name", Str, "What is in it.")],
    },
    LabelSpec {
        name: "Identity",
        id: "varies",
        doc: "Anything that can act: service account, cloud role, user, group. Carries a second label.",
        properties: &[
            p("name", Str, "Name."),
            p("kind", Str, "What it is."),
            p(
                "admin",
                Bool,
                "Holds every right in its account or cluster.",
            ),
        ],
    },
    LabelSpec {
        name: "ServiceAccount",
        id: "k8s://<cluster>/<namespace>/ServiceAccount/<name>",
        doc: "A Kubernetes service account.",
        properties: &[
            p(
                "irsa_role_arn",
                Str,
                "Value of `eks.amazonaws.com/role-arn`.",
            ),
            p("name", Str, "Name."),
            p("namespace", Str, "Namespace."),
            p("cluster", Str, "Cluster."),
            p(
                "automount_token",
                Bool,
                "automountServiceAccountToken; absent means yes.",
            ),
            p(
                "gcp_service_account",
                Str,
                "Value of `iam.gke.io/gcp-service-account`.",
            ),
            p(
                "azure_client_id",
                Str,
                "Value of `azure.workload.identity/client-id`.",
            ),
        ],
    },
    LabelSpec {
        name: "User",
        id: "k8s://<cluster>/-/User/<name>",
        doc: "A user a cluster knows by name only; also an Identity.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "Group",
        id: "k8s://<cluster>/-/Group/<name>",
        doc: "A group a cluster knows by name only; also an Identity.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "Role",
        id: "k8s://<cluster>/<namespace>/Role/<name>",
        doc: "A namespaced Kubernetes role.",
        properties: &[
            p("rules", Str, "Its rules as JSON, for the evaluator."),
            p("name", Str, "Name."),
            p("namespace", Str, "Namespace."),
            p("cluster", Str, "Cluster."),
        ],
    },
    LabelSpec {
        name: "ClusterRole",
        id: "k8s://<cluster>/-/ClusterRole/<name>",
        doc: "A cluster role.",
        properties: &[
            p("rules", Str, "Its rules as JSON."),
            p("aggregation", Str, "Aggregation selectors as JSON."),
            p("name", Str, "Name."),
            p("cluster", Str, "Cluster."),
            p("labels", StrList, "Labels as `key=value`, for aggregation."),
        ],
    },
    LabelSpec {
        name: "RoleBinding",
        id: "k8s://<cluster>/<namespace>/RoleBinding/<name>",
        doc: "A binding inside one namespace.",
        properties: &[
            p("name", Str, "Name."),
            p("namespace", Str, "Namespace."),
            p("cluster", Str, "Cluster."),
        ],
    },
    LabelSpec {
        name: "ClusterRoleBinding",
        id: "k8s://<cluster>/-/ClusterRoleBinding/<name>",
        doc: "A binding for the whole cluster.",
        properties: &[p("name", Str, "Name."), p("cluster", Str, "Cluster.")],
    },
    LabelSpec {
        name: "Secret",
        id: "k8s://<cluster>/<namespace>/Secret/<name>, or an ARN",
        doc: "A stored secret; never its value.",
        properties: &[
            p("name", Str, "Name."),
            p("type", Str, "Kubernetes secret type."),
            p("namespace", Str, "Namespace."),
            p("cluster", Str, "Cluster."),
            p("keys", StrList, "Names of its entries."),
            p("encrypted_by", Str, "ARN of its key."),
            p("policy", Str, "Resource policy as JSON."),
            p("tags", StrList, "Tags as `key=value`."),
        ],
    },
    LabelSpec {
        name: "ConfigMap",
        id: "k8s://<cluster>/<namespace>/ConfigMap/<name>",
        doc: "A configuration map.",
        properties: &[
            p("name", Str, "Name."),
            p("namespace", Str, "Namespace."),
            p("cluster", Str, "Cluster."),
            p("keys", StrList, "Names of its entries."),
            p(
                "env_hosts",
                StrList,
                "Host names in its values as `KEY=host` or `KEY=host:port`; nothing else of the values.",
            ),
            p(
                "env_resources",
                StrList,
                "Names of buckets, tables, queues and ARNs in its values as `KEY=name`.",
            ),
        ],
    },
    LabelSpec {
        name: "PersistentVolumeClaim",
        id: "k8s://<cluster>/<namespace>/PersistentVolumeClaim/<name>",
        doc: "A claim to a volume.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "PersistentVolume",
        id: "k8s://<cluster>/-/PersistentVolume/<name>",
        doc: "A volume of a cluster.",
        properties: &[
            p("name", Str, "Name."),
            p(
                "host_path",
                Str,
                "The directory of the machine it is, if it is one.",
            ),
        ],
    },
    LabelSpec {
        name: "AdmissionWebhook",
        id: "k8s://<cluster>/-/<kind>/<name>",
        doc: "A webhook that judges or changes what is created.",
        properties: &[
            p("name", Str, "Name."),
            p("mutating", Bool, "May change objects."),
            p(
                "failure_policy",
                StrList,
                "`Fail` or `Ignore`, one a webhook.",
            ),
            p("url", StrList, "Addresses outside the cluster."),
            p("rules", Str, "What it is asked about, as JSON."),
        ],
    },
    LabelSpec {
        name: "Account",
        id: "aws://<account id>",
        doc: "A cloud account.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "CloudRole",
        id: "arn:aws:iam::<account>:role/<path><name>",
        doc: "A cloud role.",
        properties: &[
            p("name", Str, "Name."),
            p(
                "trust_policy",
                Str,
                "Trust policy as JSON, for the evaluator.",
            ),
            p("permission_boundary", Str, "ARN of its boundary."),
            p("tags", StrList, "Tags as `key=value`."),
        ],
    },
    LabelSpec {
        name: "CloudUser",
        id: "arn:aws:iam::<account>:user/<path><name>",
        doc: "A cloud user.",
        properties: &[
            p("name", Str, "Name."),
            p("permission_boundary", Str, "ARN of its boundary."),
            p("tags", StrList, "Tags as `key=value`."),
        ],
    },
    LabelSpec {
        name: "CloudGroup",
        id: "arn:aws:iam::<account>:group/<path><name>",
        doc: "A cloud group.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "CloudPolicy",
        id: "its ARN, <principal ARN>#<inline name>, or policy:<digest> for a bare document",
        doc: "A policy document.",
        properties: &[
            p(
                "document",
                Str,
                "Its default version as JSON, for the evaluator; absent if only its name is known.",
            ),
            p("inline", Bool, "Whether it is inline."),
            p("name", Str, "Name."),
        ],
    },
    LabelSpec {
        name: "InstanceProfile",
        id: "its ARN",
        doc: "What hands a role to virtual machines.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "CloudService",
        id: "aws-service:<host name>",
        doc: "A service of the cloud as a principal.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "IdentityProvider",
        id: "its ARN, or idp:<name>",
        doc: "Who vouches for federated identities.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "AnyPrincipal",
        id: "aws://*",
        doc: "Everyone, with or without an account.",
        properties: &[],
    },
    LabelSpec {
        name: "Function",
        id: "its ARN",
        doc: "A cloud function.",
        properties: &[
            p("name", Str, "Name."),
            p("runtime", Str, "Runtime."),
            p("handler", Str, "Handler."),
            p("env_hosts", StrList, "As on workloads."),
            p("env_resources", StrList, "As on workloads."),
            p("policy", Str, "Resource policy as JSON, for the evaluator."),
            p("vpc", Str, "Network it runs in."),
            p("image", Str, "Container image it runs."),
            p("tags", StrList, "Tags as `key=value`."),
            p("url", Str, "Its own public address, if it has one."),
            p("url_authentication", Str, "`AWS_IAM` or `NONE`."),
        ],
    },
    LabelSpec {
        name: "Instance",
        id: "aws-ec2:<instance id>",
        doc: "A virtual machine.",
        properties: &[
            p("name", Str, "Name."),
            p("arn", Str, "ARN, where the account is known."),
            p("instance_id", Str, "Id."),
            p(
                "public_addresses",
                StrList,
                "Public addresses and host names.",
            ),
            p("private_addresses", StrList, "Private addresses."),
            p("state", Str, "`running`, `stopped`, .."),
            p("vpc", Str, "Network it runs in."),
            p(
                "metadata_token_required",
                Bool,
                "The metadata service requires a session token.",
            ),
            p(
                "metadata_hop_limit",
                Int,
                "Hop limit of the metadata service.",
            ),
            p("tags", StrList, "Tags as `key=value`."),
        ],
    },
    LabelSpec {
        name: "SecurityGroup",
        id: "aws-ec2:<group id>",
        doc: "A packet filter around instances, functions, databases and load balancers.",
        properties: &[
            p("name", Str, "Name."),
            p("vpc", Str, "Network it belongs to."),
            p(
                "ingress",
                StrList,
                "What may come in, `tcp/443 0.0.0.0/0` or `tcp/22-23 aws-ec2:sg-1`; `all` for any protocol.",
            ),
            p("egress", StrList, "What may go out, same form."),
            p(
                "open_ports",
                StrList,
                "Ports open to the whole internet, `tcp/443`.",
            ),
        ],
    },
    LabelSpec {
        name: "DataStore",
        id: "its ARN, k8s://.. for a database in a cluster, or dns:<endpoint> where no ARN is known",
        doc: "Something that holds data; carries its kind as a second label (Bucket, Database, Table, Queue).",
        properties: &[
            p("name", Str, "Name."),
            p(
                "kind",
                Str,
                "`bucket`, `database`, `table`, `queue`, `topic`, `cache`, `files`.",
            ),
            p(
                "sensitivity",
                Str,
                "`pii`, `card`, `health`, `credential`, `internal` or `public`.",
            ),
            p(
                "value",
                Float,
                "What it is worth to lose, on the user's own scale; makes it a crown jewel.",
            ),
            p("records", Int, "How many records."),
            p("endpoint", Str, "Host name clients use."),
            p("public_read", Bool, "Readable by everyone."),
            p("public_write", Bool, "Writable by everyone."),
            p("policy", Str, "Resource policy as JSON, for the evaluator."),
            p("encrypted_by", Str, "ARN of its key."),
            p("arn", Str, "ARN, where it is not the id."),
            p("engine", Str, "Product, such as `postgres`."),
            p("port", Int, "Port clients use."),
            p("publicly_accessible", Bool, "Has a public address."),
            p(
                "public_access_blocked",
                Bool,
                "The account or bucket refuses public policies and lists.",
            ),
            p("encrypted", Bool, "Encrypted at rest."),
            p("versioned", Bool, "Keeps old versions."),
            p("tags", StrList, "Tags as `key=value`."),
        ],
    },
    LabelSpec {
        name: "CriticalityRule",
        id: "criticality:<label>/<name pattern>",
        doc: "What the user says about every asset with a label and a name; correlation applies it.",
        properties: &[
            p("match_label", Str, "The label."),
            p(
                "match_name",
                Str,
                "Name, `*` for any text, `?` for one character.",
            ),
            p("sets_value", Float, "The `value` of such assets."),
            p("sets_sensitivity", Str, "The `sensitivity` of such assets."),
        ],
    },
    LabelSpec {
        name: "Team",
        id: "team://<name>",
        doc: "Who owns things.",
        properties: &[p("name", Str, "Name.")],
    },
];

/// Every known edge kind.
pub const KINDS: &[KindSpec] = &[
    KindSpec {
        name: "CONTAINS",
        from: "Image|Repository|Application",
        to: "Package",
        doc: "The package is in it.",
        properties: &[
            p("paths", StrList, "Where."),
            p("direct", Bool, "A direct dependency."),
        ],
    },
    KindSpec {
        name: "DEPENDS_ON",
        from: "Package",
        to: "Package",
        doc: "The first needs the second.",
        properties: &[],
    },
    KindSpec {
        name: "AFFECTED_BY",
        from: "Package|Image|Application",
        to: "Vulnerability",
        doc: "This version has the vulnerability. From an image or application: what its supplier says of it there.",
        properties: &[
            p(
                "subcomponents",
                StrList,
                "Packages inside that a supplier's statement is limited to.",
            ),
            p("fixed_version", Str, "First fixed version."),
            p(
                "status",
                Str,
                "`affected`, `not_affected`, `fixed` or `under_investigation` (VEX).",
            ),
            p("justification", Str, "VEX justification."),
            p("severity", Str, "The scanner's own."),
        ],
    },
    KindSpec {
        name: "HAS_FINDING",
        from: "Repository|Image|Workload|DataStore|Route|Package",
        to: "Finding",
        doc: "A tool found something in it.",
        properties: &[],
    },
    KindSpec {
        name: "LOCATED_IN",
        from: "Finding",
        to: "File",
        doc: "The file of the finding.",
        properties: &[p("line", Int, "First line.")],
    },
    KindSpec {
        name: "BUILDS",
        from: "Repository",
        to: "Image",
        doc: "The image is built from the repository.",
        properties: &[],
    },
    KindSpec {
        name: "BUILT_FROM",
        from: "Image",
        to: "Image",
        doc: "The base image.",
        properties: &[],
    },
    KindSpec {
        name: "RUNS",
        from: "Workload",
        to: "Image",
        doc: "A container of the workload runs the image.",
        properties: &[
            p("container", Str, "Name of the container."),
            p("init", Bool, "An init container."),
        ],
    },
    KindSpec {
        name: "SAME_AS",
        from: "Image",
        to: "Image",
        doc: "Two references to one image.",
        properties: &[],
    },
    KindSpec {
        name: "ROUTES_TO",
        from: "Ingress|Service",
        to: "Service|Workload|Instance|Function",
        doc: "Traffic that arrives at the first goes to the second.",
        properties: &[
            p("port", Str, "Port."),
            p("path", Str, "Path prefix."),
            p("host", Str, "Host."),
            p("route", Str, "Id of the route object that says so."),
        ],
    },
    KindSpec {
        name: "CAN_REACH",
        from: "Internet|Ingress|Workload|NetworkZone",
        to: "Ingress|Service|Workload|DataStore|NetworkZone",
        doc: "Packets get through: network policies, security groups and exposure evaluated. Holds step by step: who reaches an ingress or a zone reaches what that reaches. ROUTES_TO is configuration only.",
        properties: &[
            p("ports", StrList, "Ports."),
            p("decision", Str, "`allow` or `unknown`."),
        ],
    },
    KindSpec {
        name: "HAS_ROUTE",
        from: "Api",
        to: "Route",
        doc: "The API has the operation.",
        properties: &[],
    },
    KindSpec {
        name: "SERVED_BY",
        from: "Route",
        to: "Service|Function",
        doc: "Calls to the operation arrive at the service.",
        properties: &[],
    },
    KindSpec {
        name: "HANDLED_BY",
        from: "Route",
        to: "File",
        doc: "The file holds the handler.",
        properties: &[p("function", Str, "Name of the handler.")],
    },
    KindSpec {
        name: "EXPLOITABLE_VIA",
        from: "Finding",
        to: "Route",
        doc: "The finding lies in the handler of the operation.",
        properties: &[],
    },
    KindSpec {
        name: "RUNS_AS",
        from: "Workload|Function|Instance|InstanceProfile|Node",
        to: "Identity",
        doc: "The identity its code acts as.",
        properties: &[],
    },
    KindSpec {
        name: "HAS_PROFILE",
        from: "Instance",
        to: "InstanceProfile",
        doc: "The instance carries the profile; correlation makes it RUNS_AS the role of the profile.",
        properties: &[],
    },
    KindSpec {
        name: "MOUNTS",
        from: "Workload",
        to: "Secret|ConfigMap|PersistentVolumeClaim",
        doc: "Mounted or injected into the environment.",
        properties: &[
            p("via", Str, "`env` or `volume`."),
            p("keys", StrList, "The entries used, if not all."),
            p("read_only", Bool, "Mounted read only."),
        ],
    },
    KindSpec {
        name: "BOUND_TO",
        from: "PersistentVolumeClaim",
        to: "PersistentVolume",
        doc: "The claim holds the volume.",
        properties: &[],
    },
    KindSpec {
        name: "CALLS",
        from: "AdmissionWebhook",
        to: "Service",
        doc: "The webhook is served by the service.",
        properties: &[],
    },
    KindSpec {
        name: "SCHEDULED_ON",
        from: "Workload",
        to: "Node",
        doc: "Runs, or may run, on the node.",
        properties: &[],
    },
    KindSpec {
        name: "CONTROLLED_BY",
        from: "Workload",
        to: "Workload|*",
        doc: "The first is a run of the second, which another document describes; correlation treats them as one.",
        properties: &[],
    },
    KindSpec {
        name: "IN_NAMESPACE",
        from: "*",
        to: "Namespace",
        doc: "Belongs to the namespace.",
        properties: &[],
    },
    KindSpec {
        name: "IN_CLUSTER",
        from: "Namespace|Node|*",
        to: "Cluster",
        doc: "Belongs to the cluster.",
        properties: &[],
    },
    KindSpec {
        name: "SELECTS",
        from: "NetworkPolicy",
        to: "Workload",
        doc: "The policy applies to it.",
        properties: &[p("direction", Str, "`ingress`, `egress` or `both`.")],
    },
    KindSpec {
        name: "HAS_SECURITY_GROUP",
        from: "Instance|Function|DataStore|Ingress",
        to: "SecurityGroup",
        doc: "Packets pass the group first.",
        properties: &[],
    },
    KindSpec {
        name: "ALLOWS_FROM",
        from: "SecurityGroup",
        to: "SecurityGroup",
        doc: "Members of the second may connect to members of the first.",
        properties: &[p("ports", StrList, "`tcp/443`.")],
    },
    KindSpec {
        name: "BINDS",
        from: "RoleBinding|ClusterRoleBinding",
        to: "Role|ClusterRole",
        doc: "The role of the binding.",
        properties: &[],
    },
    KindSpec {
        name: "GRANTS_TO",
        from: "RoleBinding|ClusterRoleBinding",
        to: "Identity",
        doc: "A subject of the binding.",
        properties: &[],
    },
    KindSpec {
        name: "HAS_POLICY",
        from: "Identity|Account",
        to: "CloudPolicy",
        doc: "Attached or inline policy; on an account, a service control policy.",
        properties: &[p("boundary", Bool, "Attached as a permission boundary.")],
    },
    KindSpec {
        name: "MEMBER_OF",
        from: "Identity",
        to: "Identity",
        doc: "Group membership.",
        properties: &[],
    },
    KindSpec {
        name: "TRUSTS",
        from: "CloudRole",
        to: "Identity|Account|*",
        doc: "The role's trust policy admits the other; never an attack step by itself.",
        properties: &[p("conditional", Bool, "Only under conditions.")],
    },
    KindSpec {
        name: "FEDERATES_TO",
        from: "ServiceAccount|Repository",
        to: "CloudRole",
        doc: "Its token, or that of its pipelines, is exchanged for the role: annotation and trust policy agree.",
        properties: &[p("decision", Str, "`allow` or `unknown`.")],
    },
    KindSpec {
        name: "CAN_ASSUME",
        from: "Identity|Account|Internet",
        to: "CloudRole",
        doc: "Permitted on both sides, denies honoured.",
        properties: &[
            p("decision", Str, "`allow` or `unknown`."),
            p("statement", Str, "The deciding statement."),
        ],
    },
    KindSpec {
        name: "HAS_PERMISSION",
        from: "Identity",
        to: "Namespace|Cluster|Account|DataStore|CloudRole|Secret|*",
        doc: "Effective permission on the resource, denies and boundaries honoured, groups expanded. One edge an action, to the widest thing it covers: the account, cluster or namespace where it covers all of it, else the one resource. Data stores and secrets of a cloud always have their own edge, and so has the identity itself.",
        properties: &[
            p(
                "action",
                Str,
                "`pods/exec:create`, `secrets:list`, `s3:GetObject`, `iam:PassRole`, ..",
            ),
            p("decision", Str, "`allow` or `unknown`."),
            p(
                "statement",
                Str,
                "What decided: `<policy>#<statement>` or `<binding> -> <role>`.",
            ),
            p(
                "resource_name",
                Str,
                "The one resource it is limited to, if any.",
            ),
        ],
    },
    KindSpec {
        name: "CONNECTS_TO",
        from: "Workload",
        to: "DataStore|Service",
        doc: "The workload is configured to use it.",
        properties: &[p("via", Str, "Environment variable or file.")],
    },
    KindSpec {
        name: "STORED_IN",
        from: "Secret|DataStore",
        to: "*",
        doc: "Where it lives.",
        properties: &[],
    },
    KindSpec {
        name: "IN_ACCOUNT",
        from: "*",
        to: "Account",
        doc: "Belongs to the cloud account.",
        properties: &[],
    },
    KindSpec {
        name: "AUTHENTICATES",
        from: "Secret",
        to: "Identity|DataStore",
        doc: "The secret logs in to it.",
        properties: &[],
    },
    KindSpec {
        name: "OWNED_BY",
        from: "*",
        to: "Team",
        doc: "Who is responsible.",
        properties: &[p("path", Str, "CODEOWNERS pattern.")],
    },
];

/// The specification of a known label.
pub fn label(name: &str) -> Option<&'static LabelSpec> {
    LABELS.iter().find(|spec| spec.name == name)
}

/// The specification of a known kind.
pub fn kind(name: &str) -> Option<&'static KindSpec> {
    KINDS.iter().find(|spec| spec.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique() {
        let labels: BTreeSet<_> = LABELS.iter().map(|spec| spec.name).collect();
        assert_eq!(labels.len(), LABELS.len());
        let kinds: BTreeSet<_> = KINDS.iter().map(|spec| spec.name).collect();
        assert_eq!(kinds.len(), KINDS.len());
    }

    #[test]
    fn ends_of_kinds_are_known_labels() {
        for kind in KINDS {
            for end in kind.from.split('|').chain(kind.to.split('|')) {
                assert!(
                    end == "*" || label(end).is_some(),
                    "{} names {end}",
                    kind.name
                );
            }
        }
    }
}
