"""What all scripts here agree on: names of services, repositories, images and placement."""

import hashlib
import pathlib

DEMO = pathlib.Path(__file__).resolve().parent.parent
HOST = "git.ferrypay.example"
REGISTRY = "registry.ferrypay.example"
ACCOUNT = "111122223333"
REGION = "eu-west-1"
CLUSTER = "ferrypay-prod"

# Service: namespace, kind, tag, machine.
SERVICES = {
    "storefront": ("shop", "Deployment", "7.3.1", "general-1"),
    "checkout-api": ("shop", "Deployment", "4.12.0", "general-1"),
    "orders-api": ("shop", "Deployment", "2.8.4", "general-1"),
    "customer-profile": ("identity", "Deployment", "5.1.0", "general-2"),
    "kyc-intake": ("identity", "Deployment", "1.19.0", "general-2"),
    "report-builder": ("reports", "Deployment", "0.14.2", "batch-1"),
    "settlement-batch": ("payments", "CronJob", "2.2.0", "batch-1"),
    "ledger-api": ("payments", "Deployment", "4.4.0", "general-3"),
    "ops-console": ("ops", "Deployment", "3.0.7", "general-3"),
    "loyalty-api": ("partners", "Deployment", "1.6.2", "partner-1"),
    "analytics-api": ("partners", "Deployment", "0.9.3", "partner-1"),
    "card-vault": ("vault", "Deployment", "2.0.3", "vault-1"),
}


def repository_url(service):
    return f"https://{HOST}/ferrypay/{service}"


def digest(*parts):
    return "sha256:" + hashlib.sha256("/".join(parts).encode()).hexdigest()


def source_digest(service):
    """A digest over the sources stands in for the image digest: no image is built here."""
    whole = hashlib.sha256()
    root = DEMO / "src" / service
    for path in sorted(root.rglob("*")):
        if path.is_file() and "target" not in path.parts:
            whole.update(str(path.relative_to(root)).encode())
            whole.update(path.read_bytes())
    return whole.hexdigest()


REVISIONS = {service: source_digest(service)[:40] for service in SERVICES}


def image(service):
    """Registry, repository, tag and digest of a service's image."""
    tag = SERVICES[service][2]
    return f"{REGISTRY}/ferrypay/{service}", tag, digest("image", service, source_digest(service))
