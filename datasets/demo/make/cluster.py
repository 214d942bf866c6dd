"""What `kubectl get nodes,replicasets,pods -A -o json` would print of the manifests once applied.

No cluster was at hand: the controllers' work (pod names, owner references, placement on the
machines of a pool) is done here, in the shape the API server answers with.
"""

import hashlib
import json

import yaml

import manifests
from estate import CLUSTER, DEMO, REGION, SERVICES, image

MACHINES = ["general-1", "general-2", "general-3", "batch-1", "partner-1", "vault-1"]


def short(*parts, length=10):
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:length]


def uid(*parts):
    h = hashlib.sha256("/".join(parts).encode()).hexdigest()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:32]}"


def machine(idx, name):
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": uid("node", name),
            "labels": {
                "ferrypay.example/pool": name.rsplit("-", 1)[0],
                "kubernetes.io/hostname": name,
                "topology.kubernetes.io/region": REGION,
                "alpha.eksctl.io/cluster-name": CLUSTER,
            },
        },
        "spec": {"providerID": f"aws:///{REGION}a/i-0example{idx:010d}"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"10.20.{idx}.10"}],
            "nodeInfo": {
                "kernelVersion": "6.1.112-122.189.amzn2023.x86_64",
                "containerRuntimeVersion": "containerd://1.7.22",
                "kubeletVersion": "v1.31.2-eks-7f9249a",
            },
        },
    }


def owner(kind, version, name, owner_uid):
    return [{"apiVersion": version, "kind": kind, "name": name, "uid": owner_uid, "controller": True}]


def running(service, pod_name, spec, owners, labels, phase):
    namespace, _, _, node = SERVICES[service]
    reference, tag, digest = image(service)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name,
            "namespace": namespace,
            "uid": uid("pod", pod_name),
            "labels": labels,
            "ownerReferences": owners,
        },
        "spec": {**spec, "nodeName": node},
        "status": {
            "phase": phase,
            "containerStatuses": [
                {
                    "name": service,
                    "image": f"{reference}:{tag}",
                    "imageID": f"{reference}@{digest}",
                    "ready": phase == "Running",
                    "restartCount": 0,
                }
            ],
        },
    }


def state(service):
    namespace, kind, _, _ = SERVICES[service]
    spec = manifests.pod_spec(service)
    if kind == "CronJob":
        job = f"{service}-29394855"
        job_uid = uid("job", job)
        yield {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": job,
                "namespace": namespace,
                "uid": job_uid,
                "ownerReferences": owner("CronJob", "batch/v1", service, uid(kind, service)),
            },
            "spec": {"template": {"metadata": {"labels": {"app": service}}, "spec": spec}},
        }
        labels = {"app": service, "batch.kubernetes.io/job-name": job}
        owners = owner("Job", "batch/v1", job, job_uid)
        yield running(service, f"{job}-{short(job, length=5)}", spec, owners, labels, "Succeeded")
        return
    template_hash = short("template", service)
    replica_set = f"{service}-{template_hash}"
    labels = {"app": service, "pod-template-hash": template_hash}
    yield {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": replica_set,
            "namespace": namespace,
            "uid": uid("rs", replica_set),
            "labels": labels,
            "ownerReferences": owner("Deployment", "apps/v1", service, uid(kind, service)),
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
        "status": {"replicas": 2, "readyReplicas": 2},
    }
    owners = owner("ReplicaSet", "apps/v1", replica_set, uid("rs", replica_set))
    for nth in ("a", "b"):
        name = f"{replica_set}-{short(replica_set, nth, length=5)}"
        yield running(service, name, spec, owners, labels, "Running")


def deployed(path):
    for document in yaml.safe_load_all(path.read_text()):
        if document["kind"] in ("Deployment", "CronJob"):
            document["metadata"]["uid"] = uid(document["kind"], document["metadata"]["name"])
            yield document


def main():
    manifests.main()
    items = [machine(idx, name) for idx, name in enumerate(MACHINES, start=1)]
    for service in SERVICES:
        items += deployed(DEMO / "cluster" / "manifests" / f"20-{service}.yaml")
        items += state(service)
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1)
    (DEMO / "cluster" / "running.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
