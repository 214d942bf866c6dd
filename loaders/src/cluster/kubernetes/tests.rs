use expect_test::expect;

use crate::load::{Options, load_bytes};
use crate::testing::{check, check_error, check_with, render};

#[test]
fn a_sidecar_is_no_init_container_and_a_pod_may_have_users_of_its_own() {
    check(
        "pods.yaml",
        r#"
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: n}
spec:
  hostUsers: false
  initContainers:
    - {name: proxy, image: "acme/proxy:1", restartPolicy: Always}
    - {name: migrate, image: "acme/migrate:1"}
  containers: [{name: c, image: "acme/web:1"}]
---
apiVersion: v1
kind: Pod
metadata: {name: plain, namespace: n}
spec: {hostUsers: true, containers: [{name: c, image: "acme/web:1"}]}
"#,
        &expect![[r#"
            k8s://default/n/Pod/plain :Workload:Pod allow_privilege_escalation=true cluster="default" drops_all_capabilities=false host_ipc=false host_network=false host_pid=false kind="Pod" name="plain" namespace="n" privileged=false read_only_root=false runtime_socket=false share_process_namespace=false
            k8s://default/-/Namespace/n :Namespace cluster="default" name="n"
            k8s://default :Cluster name="default"
            k8s://default/n/ServiceAccount/default :Identity:ServiceAccount cluster="default" name="default" namespace="n"
            image://docker.io/acme/web:1 :Image name="docker.io/acme/web:1" registry="docker.io" repository="acme/web" tag="1"
            k8s://default/n/Pod/web :Workload:Pod allow_privilege_escalation=true cluster="default" drops_all_capabilities=false host_ipc=false host_network=false host_pid=false kind="Pod" name="web" namespace="n" privileged=false read_only_root=false runtime_socket=false share_process_namespace=false user_namespace=true
            image://docker.io/acme/web:1 :Image name="docker.io/acme/web:1" registry="docker.io" repository="acme/web" tag="1"
            image://docker.io/acme/migrate:1 :Image name="docker.io/acme/migrate:1" registry="docker.io" repository="acme/migrate" tag="1"
            image://docker.io/acme/proxy:1 :Image name="docker.io/acme/proxy:1" registry="docker.io" repository="acme/proxy" tag="1"
            k8s://default/-/Namespace/n -IN_CLUSTER-> k8s://default
            k8s://default/n/Pod/plain -IN_NAMESPACE-> k8s://default/-/Namespace/n
            k8s://default/n/ServiceAccount/default -IN_NAMESPACE-> k8s://default/-/Namespace/n
            k8s://default/n/Pod/plain -RUNS_AS-> k8s://default/n/ServiceAccount/default
            k8s://default/n/Pod/plain -RUNS-> image://docker.io/acme/web:1 [c] container="c" init=false pinned=false pull_policy="IfNotPresent"
            k8s://default/n/Pod/web -IN_NAMESPACE-> k8s://default/-/Namespace/n
            k8s://default/n/Pod/web -RUNS_AS-> k8s://default/n/ServiceAccount/default
            k8s://default/n/Pod/web -RUNS-> image://docker.io/acme/web:1 [c] container="c" init=false pinned=false pull_policy="IfNotPresent"
            k8s://default/n/Pod/web -RUNS-> image://docker.io/acme/migrate:1 [migrate] container="migrate" init=true pinned=false pull_policy="IfNotPresent"
            k8s://default/n/Pod/web -RUNS-> image://docker.io/acme/proxy:1 [proxy] container="proxy" init=false pinned=false pull_policy="IfNotPresent"
            automount_false=0 capabilities_added=0 containers=4 distinct_images=3 host_ipc=0 host_network=0 host_pid=0 kinds.Pod=2 namespaces=1 objects=2 pod_specs=2 privileged_containers=0 secret_env_refs=0 service_accounts_used=1
        "#]],
    );
}

#[test]
fn a_deployment_with_everything() {
    check(
        "deployment.yaml",
        r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout, namespace: shop}
spec:
  replicas: 2
  template:
    metadata:
      labels: {app: checkout, pod-template-hash: abc}
      annotations: {container.apparmor.security.beta.kubernetes.io/web: unconfined}
    spec:
      serviceAccountName: checkout
      automountServiceAccountToken: false
      hostPID: true
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: web
          image: registry.example/acme/checkout:1.4
          args: ["--ledger-url=https://ledger.shop.svc:8443/v1"]
          ports: [{name: http, containerPort: 8080, hostPort: 80}]
          env:
            - {name: DB_URL, value: "postgres://app:EXAMPLE@orders.example:5432/shop"}
            - {name: S3_BUCKET, value: acme-cards}
            - {name: TOKEN, valueFrom: {secretKeyRef: {name: api, key: token}}}
          envFrom: [{configMapRef: {name: settings}}]
          securityContext:
            privileged: true
            runAsUser: 0
            capabilities: {add: [CAP_SYS_ADMIN, net_raw]}
          volumeMounts:
            - {name: socket, mountPath: /s, readOnly: true}
            - {name: logs, mountPath: /l, subPath: app}
            - {name: keys, mountPath: /k}
            - {name: token, mountPath: /t}
      initContainers:
        - {name: migrate, image: acme/migrate}
      volumes:
        - {name: socket, hostPath: {path: /run/containerd/}}
        - {name: logs, hostPath: {path: /var/log}}
        - {name: unused, hostPath: {path: /etc}}
        - {name: keys, secret: {secretName: signing}}
        - {name: token, projected: {sources: [{serviceAccountToken: {audience: sts.amazonaws.com}}]}}
"#,
        &expect![[r#"
            k8s://default/shop/Deployment/checkout :Workload:Deployment allow_privilege_escalation=true apparmor="Unconfined" automount_token=false capabilities_added=["NET_RAW", "SYS_ADMIN"] cluster="default" drops_all_capabilities=false env_hosts=["DB_URL=orders.example:5432", "ledger-url=ledger.shop.svc:8443"] env_resources=["S3_BUCKET=acme-cards"] host_ipc=false host_network=false host_paths=["/var/log/app"] host_paths_read_only=["/run/containerd"] host_pid=true host_ports=["80/TCP"] kind="Deployment" labels=["app=checkout"] name="checkout" namespace="shop" port_names=["http=8080/TCP"] ports=["8080/TCP"] privileged=true read_only_root=false replicas=2 run_as_root=true runtime_socket=true seccomp="RuntimeDefault" share_process_namespace=false
            k8s://default/-/Namespace/shop :Namespace cluster="default" name="shop"
            k8s://default :Cluster name="default"
            k8s://default/shop/ServiceAccount/checkout :Identity:ServiceAccount cluster="default" name="checkout" namespace="shop"
            k8s://default/shop/ConfigMap/settings :ConfigMap cluster="default" name="settings" namespace="shop"
            k8s://default/shop/Secret/api :Secret cluster="default" name="api" namespace="shop"
            k8s://default/shop/Secret/signing :Secret cluster="default" name="signing" namespace="shop"
            image://docker.io/acme/migrate:latest :Image name="docker.io/acme/migrate:latest" registry="docker.io" repository="acme/migrate" tag="latest"
            image://registry.example/acme/checkout:1.4 :Image name="registry.example/acme/checkout:1.4" registry="registry.example" repository="acme/checkout" tag="1.4"
            k8s://default/-/Namespace/shop -IN_CLUSTER-> k8s://default
            k8s://default/shop/Deployment/checkout -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/ServiceAccount/checkout -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/Deployment/checkout -RUNS_AS-> k8s://default/shop/ServiceAccount/checkout
            k8s://default/shop/ConfigMap/settings -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/Deployment/checkout -MOUNTS-> k8s://default/shop/ConfigMap/settings [env] via="env"
            k8s://default/shop/Secret/api -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/Deployment/checkout -MOUNTS-> k8s://default/shop/Secret/api [env] keys=["token"] via="env"
            k8s://default/shop/Secret/signing -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/Deployment/checkout -MOUNTS-> k8s://default/shop/Secret/signing [volume] via="volume"
            k8s://default/shop/Deployment/checkout -RUNS-> image://docker.io/acme/migrate:latest [migrate] container="migrate" init=true pinned=false pull_policy="Always"
            k8s://default/shop/Deployment/checkout -RUNS-> image://registry.example/acme/checkout:1.4 [web] container="web" init=false pinned=false pull_policy="IfNotPresent"
            automount_false=1 capabilities_added=2 containers=2 distinct_images=2 host_ipc=0 host_network=0 host_path_volumes=3 host_pid=1 kinds.Deployment=1 namespaces=1 objects=1 pod_specs=1 privileged_containers=1 secret_env_refs=1 secret_volumes=1 service_accounts_used=1
        "#]],
    );
}

#[test]
fn pods_fold_into_their_controllers_across_files() {
    check(
        "pods.json",
        r#"{"kind": "PodList", "apiVersion": "v1", "items": [
  {"metadata": {"name": "web-5d9c-x1", "namespace": "n", "labels": {"app": "web", "pod-template-hash": "5d9c"},
    "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d9c", "controller": true}]},
   "spec": {"nodeName": "m1", "containers": [{"name": "c", "image": "acme/web:1", "volumeMounts": [{"name": "t", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]}]},
   "status": {"containerStatuses": [{"name": "c", "imageID": "docker.io/acme/web@sha256:0000000000000000000000000000000000000000000000000000000000000001"}]}},
  {"metadata": {"name": "db-0", "namespace": "n", "ownerReferences": [{"kind": "ArangoDeployment", "name": "db", "controller": true}]},
   "spec": {"containers": [{"name": "c", "image": "acme/db:1"}]}},
  {"metadata": {"name": "kube-proxy-m1", "namespace": "kube-system", "ownerReferences": [{"kind": "Node", "name": "m1", "controller": true}]},
   "spec": {"hostNetwork": true, "containers": []}}
]}"#,
        &expect![[r#"
            k8s://default/kube-system/Pod/kube-proxy-m1 :Workload:Pod allow_privilege_escalation=false cluster="default" drops_all_capabilities=true host_ipc=false host_network=true host_pid=false kind="Pod" name="kube-proxy-m1" namespace="kube-system" privileged=false read_only_root=true runtime_socket=false share_process_namespace=false
            k8s://default/-/Namespace/kube-system :Namespace cluster="default" name="kube-system"
            k8s://default :Cluster name="default"
            k8s://default/kube-system/ServiceAccount/default :Identity:ServiceAccount cluster="default" name="default" namespace="kube-system"
            k8s://default/n/Deployment/web :Workload:Deployment allow_privilege_escalation=true automount_token=true cluster="default" drops_all_capabilities=false host_ipc=false host_network=false host_pid=false kind="Deployment" labels=["app=web"] name="web" namespace="n" privileged=false read_only_root=false runtime_socket=false share_process_namespace=false
            k8s://default/-/Namespace/n :Namespace cluster="default" name="n"
            k8s://default/n/ServiceAccount/default :Identity:ServiceAccount cluster="default" name="default" namespace="n"
            k8s://default/-/Node/m1 :Node cluster="default" name="m1"
            image://docker.io/acme/web:1 :Image name="docker.io/acme/web:1" registry="docker.io" repository="acme/web" tag="1"
            image://sha256:0000000000000000000000000000000000000000000000000000000000000001 :Image digest="sha256:0000000000000000000000000000000000000000000000000000000000000001" name="docker.io/acme/web" registry="docker.io" repository="acme/web"
            k8s://default/n/Pod/db-0 :Workload:Pod allow_privilege_escalation=true cluster="default" drops_all_capabilities=false host_ipc=false host_network=false host_pid=false kind="Pod" name="db-0" namespace="n" privileged=false read_only_root=false runtime_socket=false share_process_namespace=false
            image://docker.io/acme/db:1 :Image name="docker.io/acme/db:1" registry="docker.io" repository="acme/db" tag="1"
            k8s://default/n/Pod/db-0 -CONTROLLED_BY-> k8s://default/n/ArangoDeployment/db
            k8s://default/-/Namespace/kube-system -IN_CLUSTER-> k8s://default
            k8s://default/kube-system/Pod/kube-proxy-m1 -IN_NAMESPACE-> k8s://default/-/Namespace/kube-system
            k8s://default/kube-system/ServiceAccount/default -IN_NAMESPACE-> k8s://default/-/Namespace/kube-system
            k8s://default/kube-system/Pod/kube-proxy-m1 -RUNS_AS-> k8s://default/kube-system/ServiceAccount/default
            k8s://default/-/Namespace/n -IN_CLUSTER-> k8s://default
            k8s://default/n/Deployment/web -IN_NAMESPACE-> k8s://default/-/Namespace/n
            k8s://default/n/ServiceAccount/default -IN_NAMESPACE-> k8s://default/-/Namespace/n
            k8s://default/n/Deployment/web -RUNS_AS-> k8s://default/n/ServiceAccount/default
            k8s://default/-/Node/m1 -IN_CLUSTER-> k8s://default
            k8s://default/n/Deployment/web -SCHEDULED_ON-> k8s://default/-/Node/m1
            image://docker.io/acme/web:1 -SAME_AS-> image://sha256:0000000000000000000000000000000000000000000000000000000000000001
            k8s://default/n/Deployment/web -RUNS-> image://docker.io/acme/web:1 [c] container="c" init=false pinned=false pull_policy="IfNotPresent"
            k8s://default/n/Pod/db-0 -IN_NAMESPACE-> k8s://default/-/Namespace/n
            k8s://default/n/Pod/db-0 -RUNS_AS-> k8s://default/n/ServiceAccount/default
            k8s://default/n/Pod/db-0 -RUNS-> image://docker.io/acme/db:1 [c] container="c" init=false pinned=false pull_policy="IfNotPresent"
            automount_false=0 capabilities_added=0 containers=2 distinct_images=2 host_ipc=0 host_network=1 host_pid=0 kinds.Pod=3 namespaces=2 objects=3 pod_specs=3 privileged_containers=0 secret_env_refs=0 service_accounts_used=2
        "#]],
    );
}

#[test]
fn old_revisions_and_runs_of_schedules() {
    check(
        "all.yaml",
        r#"
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: ReplicaSet
  metadata:
    {name: web-old, ownerReferences: [{kind: Deployment, name: web, controller: true}]}
  spec: {replicas: 0, template: {spec: {containers: [{name: c, image: "web:old"}]}}}
- apiVersion: batch/v1
  kind: Job
  metadata: {name: report-28000000, ownerReferences: [{kind: CronJob, name: report, controller: true}]}
  spec: {template: {spec: {containers: [{name: c, image: "report:1"}]}}}
- apiVersion: v1
  kind: Pod
  metadata: {name: report-28000000-x, ownerReferences: [{kind: Job, name: report-28000000, controller: true}]}
  spec: {containers: [{name: c, image: "report:1"}]}
"#,
        &expect![[r#"
            k8s://default/default/CronJob/report :Workload:CronJob allow_privilege_escalation=true cluster="default" drops_all_capabilities=false host_ipc=false host_network=false host_pid=false kind="CronJob" name="report" namespace="default" privileged=false read_only_root=false runtime_socket=false share_process_namespace=false
            k8s://default/-/Namespace/default :Namespace cluster="default" name="default"
            k8s://default :Cluster name="default"
            k8s://default/default/ServiceAccount/default :Identity:ServiceAccount cluster="default" name="default" namespace="default"
            image://docker.io/library/report:1 :Image name="docker.io/library/report:1" registry="docker.io" repository="library/report" tag="1"
            k8s://default/default/Job/report-28000000 -CONTROLLED_BY-> k8s://default/default/CronJob/report
            k8s://default/-/Namespace/default -IN_CLUSTER-> k8s://default
            k8s://default/default/CronJob/report -IN_NAMESPACE-> k8s://default/-/Namespace/default
            k8s://default/default/ServiceAccount/default -IN_NAMESPACE-> k8s://default/-/Namespace/default
            k8s://default/default/CronJob/report -RUNS_AS-> k8s://default/default/ServiceAccount/default
            k8s://default/default/CronJob/report -RUNS-> image://docker.io/library/report:1 [c] container="c" init=false pinned=false pull_policy="IfNotPresent"
            automount_false=0 capabilities_added=0 containers=3 distinct_images=2 host_ipc=0 host_network=0 host_pid=0 kinds.Job=1 kinds.Pod=1 kinds.ReplicaSet=1 objects=3 pod_specs=3 privileged_containers=0 secret_env_refs=0 service_accounts_used=1
        "#]],
    );
}

#[test]
fn rights() {
    check(
        "rbac.yaml",
        r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader, labels: {aggregate: "true"}}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, "*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: shop}
roleRef: {kind: ClusterRole, name: reader}
subjects:
- {kind: ServiceAccount, name: web}
- {kind: ServiceAccount, name: ci, namespace: build}
- {kind: User, name: "system:serviceaccount:build:ci"}
- {kind: Group, name: "system:authenticated"}
- {kind: Robot, name: x}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/web"}
automountServiceAccountToken: false
"#,
        &expect![[r#"
            k8s://default/-/ClusterRole/reader :ClusterRole cluster="default" labels=["aggregate=true"] name="reader" rules="[{\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"verbs\":[\"get\",\"*\"]}]"
            k8s://default :Cluster name="default"
            k8s://default/shop/RoleBinding/readers :RoleBinding cluster="default" name="readers" namespace="shop"
            k8s://default/-/Namespace/shop :Namespace cluster="default" name="shop"
            k8s://default/shop/ServiceAccount/web :Identity:ServiceAccount cluster="default" name="web" namespace="shop"
            k8s://default/build/ServiceAccount/ci :Identity:ServiceAccount cluster="default" name="ci" namespace="build"
            k8s://default/-/Namespace/build :Namespace cluster="default" name="build"
            k8s://default/-/Group/system:authenticated :Identity:Group cluster="default" name="system:authenticated"
            k8s://default/shop/ServiceAccount/web :Identity:ServiceAccount automount_token=false cluster="default" irsa_role_arn="arn:aws:iam::111122223333:role/web" name="web" namespace="shop"
            k8s://default/-/ClusterRole/reader -IN_CLUSTER-> k8s://default
            k8s://default/-/Namespace/shop -IN_CLUSTER-> k8s://default
            k8s://default/shop/RoleBinding/readers -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/RoleBinding/readers -BINDS-> k8s://default/-/ClusterRole/reader
            k8s://default/shop/ServiceAccount/web -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/RoleBinding/readers -GRANTS_TO-> k8s://default/shop/ServiceAccount/web
            k8s://default/-/Namespace/build -IN_CLUSTER-> k8s://default
            k8s://default/build/ServiceAccount/ci -IN_NAMESPACE-> k8s://default/-/Namespace/build
            k8s://default/shop/RoleBinding/readers -GRANTS_TO-> k8s://default/build/ServiceAccount/ci
            k8s://default/-/Group/system:authenticated -IN_CLUSTER-> k8s://default
            k8s://default/shop/RoleBinding/readers -GRANTS_TO-> k8s://default/-/Group/system:authenticated
            aggregated_cluster_roles=0 bindings_to_cluster_admin=0 kinds.ClusterRole=1 kinds.RoleBinding=1 kinds.ServiceAccount=1 namespaces=1 objects=3 rbac_rules=1 rbac_secret_read_rules=1 rbac_subject_kinds.Group=1 rbac_subject_kinds.Robot=1 rbac_subject_kinds.ServiceAccount=2 rbac_subject_kinds.User=1 rbac_subjects=5 rbac_wildcard_verb_rules=1
            warning binding to an unknown kind of subject x1: `Robot` in RoleBinding `readers`
        "#]],
    );
}

#[test]
fn ways_in() {
    check(
        "ways.yaml",
        r#"
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: http}], loadBalancerSourceRanges: [10.0.0.0/8]}
status: {loadBalancer: {ingress: [{hostname: lb.example}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop, annotations: {nginx.ingress.kubernetes.io/auth-url: "https://a"}}
spec:
  ingressClassName: nginx
  tls: [{hosts: [shop.example]}]
  rules:
  - host: shop.example
    http: {paths: [{path: /api, backend: {service: {name: web, port: {number: 80}}}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [a.example]
  rules: [{matches: [{path: {value: /x}, method: GET}], backendRefs: [{name: web, port: 80}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v, namespace: shop}
spec:
  hosts: ["*"]
  gateways: [mesh, infra/edge]
  http: [{match: [{uri: {prefix: /v}}], route: [{destination: {host: web.shop.svc.cluster.local}}, {destination: {host: api.example.com}}]}]
---
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: o, namespace: shop}
spec: {host: o.example, to: {kind: Service, name: web}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-a, namespace: shop, labels: {kubernetes.io/service-name: web}}
endpoints: [{addresses: [10.0.0.1]}]
ports: [{port: 8080}]
"#,
        &expect![[r#"
            k8s://default/shop/Service/web :Service addresses=["lb.example"] cluster="default" internal_only=false name="web" namespace="shop" ports=["80/TCP"] selector=["app=web"] source_ranges=["10.0.0.0/8"] target_ports=["80/TCP=http"] type="LoadBalancer"
            k8s://default/-/Namespace/shop :Namespace cluster="default" name="shop"
            k8s://default :Cluster name="default"
            k8s://default/shop/Ingress/shop :Ingress authentication="nginx.ingress.kubernetes.io/auth-url" class="nginx" cluster="default" hosts=["shop.example"] internal_only=false name="shop" namespace="shop" paths=["/api"] tls=true waf=false
            k8s://default/shop/HTTPRoute/r :HttpRoute cluster="default" hosts=["a.example"] name="r" namespace="shop" paths=["/x"]
            k8s://default/infra/Gateway/edge :Ingress:Gateway cluster="default" name="edge" namespace="infra"
            k8s://default/-/Namespace/infra :Namespace cluster="default" name="infra"
            k8s://default/shop/VirtualService/v :HttpRoute cluster="default" name="v" namespace="shop" paths=["/v"]
            k8s://default/infra/Gateway.networking.istio.io/edge :Ingress:Gateway cluster="default" name="edge" namespace="infra"
            k8s://default/shop/Route/o :Ingress:OpenShiftRoute cluster="default" hosts=["o.example"] internal_only=false name="o" namespace="shop" tls=false waf=false
            k8s://default/shop/Service/web :Service cluster="default" endpoints=["10.0.0.1:8080"] name="web" namespace="shop"
            k8s://default/-/Namespace/shop -IN_CLUSTER-> k8s://default
            k8s://default/shop/Service/web -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/Ingress/shop -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/Ingress/shop -ROUTES_TO-> k8s://default/shop/Service/web [shop.example /api 80] host="shop.example" path="/api" port="80"
            k8s://default/shop/HTTPRoute/r -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/-/Namespace/infra -IN_CLUSTER-> k8s://default
            k8s://default/infra/Gateway/edge -IN_NAMESPACE-> k8s://default/-/Namespace/infra
            k8s://default/infra/Gateway/edge -ROUTES_TO-> k8s://default/shop/Service/web [k8s://default/shop/HTTPRoute/r a.example /x 80] host="a.example" path="/x" port="80" route="k8s://default/shop/HTTPRoute/r"
            k8s://default/shop/VirtualService/v -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/infra/Gateway.networking.istio.io/edge -IN_NAMESPACE-> k8s://default/-/Namespace/infra
            k8s://default/infra/Gateway.networking.istio.io/edge -ROUTES_TO-> k8s://default/shop/Service/web [k8s://default/shop/VirtualService/v * /v *] path="/v" route="k8s://default/shop/VirtualService/v"
            k8s://default/shop/Route/o -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/shop/Route/o -ROUTES_TO-> k8s://default/shop/Service/web [o.example * *] host="o.example"
            endpoint_addresses=1 ingress_hosts=1 ingress_paths=1 kinds.EndpointSlice=1 kinds.HTTPRoute=1 kinds.Ingress=1 kinds.Route=1 kinds.Service=1 kinds.VirtualService=1 namespaces=1 objects=6 route_backend_refs=1 route_parent_refs=1 route_rules=1 service_ports=1 service_types.LoadBalancer=1
        "#]],
    );
}

#[test]
fn a_claim_on_a_directory_of_the_machine_is_that_directory() {
    check(
        "volumes.yaml",
        r#"
apiVersion: v1
kind: PersistentVolume
metadata: {name: v}
spec: {hostPath: {path: /var/lib/kubelet}, claimRef: {name: c, namespace: n}}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: n}
spec:
  containers: [{name: c, image: "web:1", volumeMounts: [{name: d, mountPath: /d}]}]
  volumes: [{name: d, persistentVolumeClaim: {claimName: c}}]
"#,
        &expect![[r#"
            k8s://default/-/PersistentVolume/v :PersistentVolume cluster="default" host_path="/var/lib/kubelet" name="v"
            k8s://default :Cluster name="default"
            k8s://default/n/PersistentVolumeClaim/c :PersistentVolumeClaim cluster="default" name="c" namespace="n"
            k8s://default/-/Namespace/n :Namespace cluster="default" name="n"
            k8s://default/n/Pod/p :Workload:Pod allow_privilege_escalation=true cluster="default" drops_all_capabilities=false host_ipc=false host_network=false host_paths=["/var/lib/kubelet"] host_pid=false kind="Pod" name="p" namespace="n" privileged=false read_only_root=false runtime_socket=false share_process_namespace=false
            k8s://default/n/ServiceAccount/default :Identity:ServiceAccount cluster="default" name="default" namespace="n"
            image://docker.io/library/web:1 :Image name="docker.io/library/web:1" registry="docker.io" repository="library/web" tag="1"
            k8s://default/-/PersistentVolume/v -IN_CLUSTER-> k8s://default
            k8s://default/-/Namespace/n -IN_CLUSTER-> k8s://default
            k8s://default/n/PersistentVolumeClaim/c -IN_NAMESPACE-> k8s://default/-/Namespace/n
            k8s://default/n/PersistentVolumeClaim/c -BOUND_TO-> k8s://default/-/PersistentVolume/v
            k8s://default/n/Pod/p -IN_NAMESPACE-> k8s://default/-/Namespace/n
            k8s://default/n/ServiceAccount/default -IN_NAMESPACE-> k8s://default/-/Namespace/n
            k8s://default/n/Pod/p -RUNS_AS-> k8s://default/n/ServiceAccount/default
            k8s://default/n/Pod/p -MOUNTS-> k8s://default/n/PersistentVolumeClaim/c [volume] read_only=false via="volume"
            k8s://default/n/Pod/p -RUNS-> image://docker.io/library/web:1 [c] container="c" init=false pinned=false pull_policy="IfNotPresent"
            automount_false=0 capabilities_added=0 containers=1 distinct_images=1 host_ipc=0 host_network=0 host_path_volumes=0 host_pid=0 kinds.PersistentVolume=1 kinds.Pod=1 namespaces=1 objects=2 pod_specs=1 privileged_containers=0 secret_env_refs=0 secret_volumes=0 service_accounts_used=1
        "#]],
    );
}

#[test]
fn the_rest() {
    let mut options = Options::new(0);
    options.context.cluster = Some("eu/prod".into());
    check_with(
        &options,
        "rest.yaml",
        r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {redis.host: "cache", app.yaml: "db:\n  url: mysql://u:EXAMPLE@db.shop:3306/x\n"}
---
apiVersion: v1
kind: Node
metadata: {name: m1}
spec: {providerID: "aws:///eu-west-1a/i-0123"}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: m}
webhooks: [{name: a.b.c, failurePolicy: Ignore, clientConfig: {service: {name: hook, namespace: infra}}}]
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
---
apiVersion: v1
kind: Service
metadata: {}
"#,
        &expect![[r#"
            k8s://eu%2Fprod/-/Namespace/shop :Namespace cluster="eu/prod" labels=["pod-security.kubernetes.io/enforce=baseline"] name="shop" pod_security="baseline"
            k8s://eu%2Fprod :Cluster name="eu/prod"
            k8s://eu%2Fprod/shop/ConfigMap/settings :ConfigMap cluster="eu/prod" env_hosts=["redis.host=cache", "url=db.shop:3306"] keys=["app.yaml", "redis.host"] name="settings" namespace="shop"
            k8s://eu%2Fprod/-/Node/m1 :Node cluster="eu/prod" name="m1" provider_id="aws:///eu-west-1a/i-0123"
            k8s://eu%2Fprod/shop/NetworkPolicy/deny :NetworkPolicy cluster="eu/prod" name="deny" namespace="shop" spec="{\"podSelector\":{},\"policyTypes\":[\"Ingress\"]}"
            k8s://eu%2Fprod/-/MutatingWebhookConfiguration/m :AdmissionWebhook cluster="eu/prod" failure_policy=["Ignore"] mutating=true name="m" rules="[]"
            k8s://eu%2Fprod/infra/Service/hook :Service cluster="eu/prod" name="hook" namespace="infra"
            k8s://eu%2Fprod/-/Namespace/infra :Namespace cluster="eu/prod" name="infra"
            k8s://eu%2Fprod/-/Namespace/shop -IN_CLUSTER-> k8s://eu%2Fprod
            k8s://eu%2Fprod/shop/ConfigMap/settings -IN_NAMESPACE-> k8s://eu%2Fprod/-/Namespace/shop
            k8s://eu%2Fprod/-/Node/m1 -IN_CLUSTER-> k8s://eu%2Fprod
            k8s://eu%2Fprod/shop/NetworkPolicy/deny -IN_NAMESPACE-> k8s://eu%2Fprod/-/Namespace/shop
            k8s://eu%2Fprod/-/MutatingWebhookConfiguration/m -IN_CLUSTER-> k8s://eu%2Fprod
            k8s://eu%2Fprod/-/Namespace/infra -IN_CLUSTER-> k8s://eu%2Fprod
            k8s://eu%2Fprod/infra/Service/hook -IN_NAMESPACE-> k8s://eu%2Fprod/-/Namespace/infra
            k8s://eu%2Fprod/-/MutatingWebhookConfiguration/m -CALLS-> k8s://eu%2Fprod/infra/Service/hook
            kinds.ConfigMap=1 kinds.MutatingWebhookConfiguration=1 kinds.Namespace=1 kinds.NetworkPolicy=1 kinds.Node=1 kinds.Service=1 kinds.Widget=1 namespaces=1 netpol_egress_rules=0 netpol_ingress_rules=0 objects=7 objects_left_out=1 webhooks=1
            warning object without a name x1: Service
        "#]],
    );
}

#[test]
fn cloud_identities_that_act_in_the_cluster() {
    check(
        "aws-auth.yaml",
        r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: aws-auth, namespace: kube-system}
data:
  mapRoles: |
    - rolearn: arn:aws:iam::111122223333:role/nodes
      username: system:node:{{EC2PrivateDNSName}}
      groups: [system:nodes]
    - rolearn: arn:aws:iam::111122223333:role/deploy
      username: deploy
      groups: [system:masters]
  mapUsers: "[["
"#,
        &expect![[r#"
            k8s://default/kube-system/ConfigMap/aws-auth :ConfigMap cluster="default" keys=["mapRoles", "mapUsers"] name="aws-auth" namespace="kube-system"
            k8s://default/-/Namespace/kube-system :Namespace cluster="default" name="kube-system"
            k8s://default :Cluster name="default"
            arn:aws:iam::111122223333:role/nodes :Identity:CloudRole
            k8s://default/-/Group/system:nodes :Identity:Group cluster="default" name="system:nodes"
            arn:aws:iam::111122223333:role/deploy :Identity:CloudRole
            k8s://default/-/User/deploy :Identity:User cluster="default" name="deploy"
            k8s://default/-/Group/system:masters :Identity:Group cluster="default" name="system:masters"
            k8s://default/-/Namespace/kube-system -IN_CLUSTER-> k8s://default
            k8s://default/kube-system/ConfigMap/aws-auth -IN_NAMESPACE-> k8s://default/-/Namespace/kube-system
            k8s://default/-/Group/system:nodes -IN_CLUSTER-> k8s://default
            arn:aws:iam::111122223333:role/nodes -MEMBER_OF-> k8s://default/-/Group/system:nodes
            k8s://default/-/User/deploy -IN_CLUSTER-> k8s://default
            arn:aws:iam::111122223333:role/deploy -MEMBER_OF-> k8s://default/-/User/deploy
            k8s://default/-/Group/system:masters -IN_CLUSTER-> k8s://default
            arn:aws:iam::111122223333:role/deploy -MEMBER_OF-> k8s://default/-/Group/system:masters
            identity_mappings=2 kinds.ConfigMap=1 namespaces=1 objects=1
            warning identity mapping not understood x1: mapUsers: line 1 column 2: unclosed bracket '['
        "#]],
    );
}

#[test]
fn ports_that_do_what_they_are_told() {
    check(
        "debug.yaml",
        r#"
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}, {port: 5005}]}
---
apiVersion: v1
kind: Service
metadata: {name: kubelet, namespace: kube-system}
spec: {clusterIP: None, ports: [{port: 10250, name: https-metrics}]}
"#,
        &expect![[r#"
            k8s://default/shop/Service/web :Service cluster="default" management="debugger" name="web" namespace="shop" ports=["5005/TCP", "80/TCP"] target_ports=["5005/TCP=5005", "80/TCP=80"] type="ClusterIP"
            k8s://default/-/Namespace/shop :Namespace cluster="default" name="shop"
            k8s://default :Cluster name="default"
            k8s://default/kube-system/Service/kubelet :Service cluster="default" cluster_ip="None" name="kubelet" namespace="kube-system" ports=["10250/TCP"] target_ports=["10250/TCP=10250"] type="ClusterIP"
            k8s://default/-/Namespace/kube-system :Namespace cluster="default" name="kube-system"
            k8s://default/-/Namespace/shop -IN_CLUSTER-> k8s://default
            k8s://default/shop/Service/web -IN_NAMESPACE-> k8s://default/-/Namespace/shop
            k8s://default/-/Namespace/kube-system -IN_CLUSTER-> k8s://default
            k8s://default/kube-system/Service/kubelet -IN_NAMESPACE-> k8s://default/-/Namespace/kube-system
            kinds.Service=2 namespaces=2 objects=2 service_ports=3 service_types.ClusterIP=2
        "#]],
    );
}

#[test]
fn values_of_secrets_are_never_kept() {
    let text = r#"
apiVersion: v1
kind: Secret
metadata:
  name: api
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "sesame-one"}
  labels: {note: plain}
type: Opaque
data: {token: c2VzYW1lLXR3bw==}
stringData: {password: sesame-three}
"#;
    let outcome = load_bytes("s.yaml", text.as_bytes().to_vec(), &Options::new(0));
    let rendered = render(&outcome);
    assert!(
        rendered.contains("keys=[\"password\", \"token\"]"),
        "{rendered}"
    );
    assert!(
        !rendered.contains("sesame") && !rendered.contains("c2VzYW1l"),
        "{rendered}"
    );
}

#[test]
fn broken_objects_are_named_and_nothing_is_kept() {
    check_error(
        "x.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: 3}\n",
        &expect![
            "at `/spec/containers`: invalid type: integer `3`, expected a sequence, in Pod `a`"
        ],
    );
    check_error(
        "x.json",
        r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}},{"apiVersion":"v1","kind":"Service","metadata":{"name":["a"]}}]}"#,
        &expect!["at `/items/1/metadata/name`: invalid type: sequence, expected a string"],
    );
    check_error(
        "x.json",
        r#"{"apiVersion":"v1","kind":"List","items":[7]}"#,
        &expect!["at `/items/0`: a number where an object is expected"],
    );
    check_error(
        "x.json",
        r#"{"apiVersion":"v1","kind":"List","items":{}}"#,
        &expect!["at `/items`: an object where a sequence is expected"],
    );
    check_error(
        "x.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: \"a\\nb\"}\nspec: {containers: []}\n",
        &expect![[r#"at `/metadata/name`: id holds control characters, in Pod "a\nb""#]],
    );
    check_error(
        "x.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n name: b\n",
        &expect!["line 5 column 2: while parsing a block mapping, did not find expected key"],
    );
    let mut deep = String::from(r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}"#);
    for _ in 0..20 {
        deep = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{deep}]}}"#);
    }
    check_error(
        "x.json",
        &deep,
        &expect!["depth of lists exceeds the limit of 8"],
    );
}

#[test]
fn other_documents_with_a_kind_are_not_mistaken() {
    check(
        "audit.json",
        r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1"}"#,
        &expect![[r#"
            skipped: JSON with the keys `kind`, `apiVersion`; no known format starts so
        "#]],
    );
    check(
        "values.yaml",
        "kind: x\nmetadata: {}\n",
        &expect![[r#"
        skipped: nearest format is kubernetes: has `kind` and `metadata` but not `apiVersion`
    "#]],
    );
}

#[test]
fn what_keeps_a_namespace_as_a_repository_says() {
    check(
        "gitops.yaml",
        r#"
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  source: {repoURL: "https://github.com/Acme/deploy.git", path: apps/shop}
  destination: {server: "https://kubernetes.default.svc", namespace: shop}
  syncPolicy: {automated: {prune: true}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: elsewhere, namespace: argocd}
spec:
  sources: [{repoURL: "https://charts.example", chart: redis}, {repoURL: "git@github.com:acme/values.git", path: .}]
  destination: {server: "https://other.example", namespace: shop}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: platform, namespace: argocd}
spec:
  source: {repoURL: "https://github.com/acme/platform", path: base}
  destination: {name: in-cluster}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: flux-system}
spec: {url: "ssh://git@github.com/acme/fleet"}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: everything, namespace: flux-system}
spec: {sourceRef: {kind: GitRepository, name: fleet}, path: ./clusters/prod}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: pay, namespace: pay}
spec: {sourceRef: {kind: GitRepository, name: fleet, namespace: flux-system}, path: ./pay, serviceAccountName: deployer, suspend: true}
"#,
        &expect![[r#"
            repo://github.com/acme/deploy :Repository name="deploy"
            k8s://default/-/Namespace/shop :Namespace cluster="default" name="shop"
            k8s://default :Cluster name="default"
            repo://github.com/acme/platform :Repository name="platform"
            repo://github.com/acme/fleet :Repository name="fleet"
            repo://github.com/acme/fleet :Repository name="fleet"
            k8s://default/-/Namespace/pay :Namespace cluster="default" name="pay"
            k8s://default/-/Namespace/shop -IN_CLUSTER-> k8s://default
            repo://github.com/acme/deploy -SYNCED_TO-> k8s://default/-/Namespace/shop [apps/shop] automatic=true path="apps/shop"
            repo://github.com/acme/platform -SYNCED_TO-> k8s://default [base] automatic=false path="base"
            repo://github.com/acme/fleet -SYNCED_TO-> k8s://default [./clusters/prod] automatic=true path="./clusters/prod"
            k8s://default/-/Namespace/pay -IN_CLUSTER-> k8s://default
            repo://github.com/acme/fleet -SYNCED_TO-> k8s://default/-/Namespace/pay [./pay] automatic=false path="./pay"
            kinds.Application=3 kinds.GitRepository=1 kinds.Kustomization=2 namespaces=3 objects=6 objects_left_out=1 repositories_followed=4
        "#]],
    );
}
