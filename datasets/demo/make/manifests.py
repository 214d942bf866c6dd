"""The workload manifests of the services, from one table: what differs between them, nothing else.

The other manifests (namespaces, ingresses, RBAC, network policies) are written by hand.
"""

import yaml

from estate import ACCOUNT, DEMO, REGION, SERVICES, image

# As the emulator of make/cloud.py names its databases.
RDS = "aaaaaaaaaa.eu-west-1.rds.amazonaws.com"

# Service: cloud role, environment, secrets as (variable, secret, key).
NEEDS = {
    "storefront": (None, {}, []),
    "checkout-api": ("ferrypay-checkout", {"CARD_TOKENS_TABLE": "card-tokens"}, []),
    "orders-api": (
        None,
        {"ORDERS_DB_HOST": f"orders.{RDS}"},
        [("ORDERS_DB_USER", "orders-db", "username"), ("ORDERS_DB_PASSWORD", "orders-db", "password")],
    ),
    "customer-profile": ("ferrypay-customer-profile", {"CUSTOMERS_TABLE": "customers"}, []),
    "kyc-intake": ("ferrypay-kyc-intake", {"KYC_ARCHIVE_BUCKET": "ferrypay-kyc-archive"}, []),
    "report-builder": (None, {}, []),
    "settlement-batch": ("ferrypay-settlement", {"SETTLEMENT_BUCKET": "ferrypay-settlement-files"}, []),
    "ledger-api": (
        None,
        {"LEDGER_DB_HOST": f"ledger.{RDS}"},
        [("LEDGER_DB_USER", "ledger-db", "username"), ("LEDGER_DB_PASSWORD", "ledger-db", "password")],
    ),
    "ops-console": (None, {}, []),
    "loyalty-api": ("ferrypay-loyalty", {"MEMBERS_TABLE": "loyalty-members"}, []),
    "analytics-api": ("ferrypay-analytics", {"LAKE_BUCKET": "ferrypay-analytics-lake"}, []),
    "card-vault": ("ferrypay-card-vault", {"PAN_TABLE": "pan-vault"}, []),
}

HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
# Headless Chrome builds the PDF; someone gave it what its own sandbox asks for.
CHROME = {
    "capabilities": {"add": ["SYS_ADMIN"]},
    "runAsUser": 0,
    "seccompProfile": {"type": "Unconfined"},
}


class Plain(yaml.SafeDumper):
    """Writes repeated values out instead of anchors."""

    def ignore_aliases(self, data):
        return True


def pod_spec(service):
    role, plain, secret = NEEDS[service]
    env = [{"name": name, "value": value} for name, value in plain.items()]
    env += [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": held, "key": key}}}
        for name, held, key in secret
    ]
    if role:
        env.append({"name": "AWS_REGION", "value": REGION})
    reference, tag, digest = image(service)
    container = {
        "name": service,
        "image": f"{reference}:{tag}@{digest}",
        "ports": [{"name": "http", "containerPort": 8080}],
        "securityContext": CHROME if service == "report-builder" else HARDENED,
    }
    if env:
        container["env"] = env
    if SERVICES[service][1] == "CronJob":
        del container["ports"]
    needs_api = service == "ops-console"
    spec = {
        "serviceAccountName": service,
        "automountServiceAccountToken": bool(role) or needs_api,
        "nodeSelector": {"ferrypay.example/pool": SERVICES[service][3].rsplit("-", 1)[0]},
        "containers": [container],
    }
    if SERVICES[service][1] == "CronJob":
        spec["restartPolicy"] = "Never"
    return spec


def objects(service):
    namespace, kind, tag, _ = SERVICES[service]
    role = NEEDS[service][0]
    labels = {"app": service}
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": service, "namespace": namespace},
    }
    if role:
        account["metadata"]["annotations"] = {
            "eks.amazonaws.com/role-arn": f"arn:aws:iam::{ACCOUNT}:role/{role}"
        }
    yield account
    template = {"metadata": {"labels": labels}, "spec": pod_spec(service)}
    metadata = {
        "name": service,
        "namespace": namespace,
        "labels": {**labels, "app.kubernetes.io/version": tag},
    }
    if kind == "CronJob":
        yield {
            "apiVersion": "batch/v1",
            "kind": kind,
            "metadata": metadata,
            "spec": {"schedule": "15 2 * * *", "jobTemplate": {"spec": {"template": template}}},
        }
        return
    yield {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service, "namespace": namespace},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }


def main():
    folder = DEMO / "cluster" / "manifests"
    for service in SERVICES:
        documents = yaml.dump_all(objects(service), Dumper=Plain, sort_keys=False, width=100)
        (folder / f"20-{service}.yaml").write_text(documents)


if __name__ == "__main__":
    main()
