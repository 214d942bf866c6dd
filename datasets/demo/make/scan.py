"""Vulnerability reports in the shape of `trivy image --list-all-pkgs --format json`.

No scanner and no vulnerability database was at hand, and no image was built. This script joins what
is real: the components of each service's bill of materials (sbom/) with the published facts in
advisories.json. The digest of an image stands for one: it is computed over the service's sources.
It also writes the known-exploited and exploit-prediction facts of the same advisories.
"""

import json

from estate import DEMO, REVISIONS, SERVICES, digest, image, repository_url

LANGUAGE = {"npm": ("node-pkg", "Node.js"), "pypi": ("python-pkg", "Python"), "maven": ("jar", "Java")}


def version(text):
    return [int(part) if part.isdigit() else 0 for part in text.split(".")]


def is_affected(advisory, found):
    fixed = advisory["fixed"]
    return version(found) >= version(advisory["introduced"]) and (
        fixed is None or version(found) < version(fixed)
    )


def components(bom):
    for component in bom.get("components", []):
        if component.get("purl"):
            yield component
        yield from components(component)


def vulnerability(advisory, package):
    entry = {
        "VulnerabilityID": advisory["id"],
        "VendorIDs": [advisory["ghsa"]],
        "PkgID": package["ID"],
        "PkgName": package["Name"],
        "PkgIdentifier": package["Identifier"],
        "InstalledVersion": package["Version"],
        "Status": "fixed" if advisory["fixed"] else "affected",
        "SeveritySource": "ghsa",
        "PrimaryURL": f"https://avd.aquasec.com/nvd/{advisory['id'].lower()}",
        "DataSource": {"ID": "ghsa", "Name": "GitHub Security Advisory"},
        "Title": advisory["title"],
        "Severity": advisory["severity"],
        "CweIDs": advisory["cwe"],
        "CVSS": {
            source: {"V3Vector": vector, "V3Score": score}
            for source, (vector, score) in advisory["cvss"].items()
        },
        "References": [f"https://github.com/advisories/{advisory['ghsa']}"],
        "PublishedDate": advisory["published"],
    }
    if advisory["fixed"]:
        entry["FixedVersion"] = advisory["fixed"]
    return entry


def report(service, advisories):
    reference, tag, image_digest = image(service)
    bom = json.loads((DEMO / "sbom" / f"{service}.cdx.json").read_text())
    packages, found = {}, []
    for component in components(bom):
        purl = component["purl"].split("?")[0]
        ecosystem, rest = purl.removeprefix("pkg:").split("/", 1)
        if component["name"] == service:
            continue
        name = rest.rsplit("@", 1)[0].replace("%40", "@")
        if ecosystem == "maven":
            name = name.replace("/", ":")
        package = {
            "ID": f"{name}@{component['version']}",
            "Name": name,
            "Identifier": {"PURL": purl},
            "Version": component["version"],
        }
        packages[purl] = package
    ecosystem = next(iter(packages)).removeprefix("pkg:").split("/")[0]
    kind, target = LANGUAGE[ecosystem]
    for purl, package in sorted(packages.items()):
        for advisory in advisories:
            if purl.rsplit("@", 1)[0] == advisory["package"] and is_affected(advisory, package["Version"]):
                found.append(vulnerability(advisory, package))
    result = {
        "Target": target,
        "Class": "lang-pkgs",
        "Type": kind,
        "Packages": [packages[purl] for purl in sorted(packages)],
    }
    if found:
        result["Vulnerabilities"] = found
    return {
        "SchemaVersion": 2,
        "CreatedAt": "2026-11-20T04:00:00Z",
        "ArtifactName": f"{reference}:{tag}",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "12.8"},
            "ImageID": digest("config", service),
            "RepoTags": [f"{reference}:{tag}"],
            "RepoDigests": [f"{reference}@{image_digest}"],
            "ImageConfig": {
                "architecture": "amd64",
                "os": "linux",
                "config": {
                    "User": "10001",
                    "Labels": {
                        "org.opencontainers.image.source": repository_url(service),
                        "org.opencontainers.image.revision": REVISIONS[service],
                        "org.opencontainers.image.version": tag,
                    },
                },
            },
        },
        "Results": [result],
    }


def enrichment(advisories):
    """One line a vulnerability: what the KEV catalogue and the EPSS file say of it."""
    for advisory in advisories:
        props = {"kev": "kev" in advisory}
        if advisory.get("exploit_public"):
            props["exploit_public"] = True
        if "epss" in advisory:
            props["epss"] = advisory["epss"]["score"]
        yield {"node": {"id": f"vuln:{advisory['id']}", "labels": ["Vulnerability"], "props": props}}


def main():
    advisories = json.loads((DEMO / "make" / "advisories.json").read_text())["advisories"]
    for service in SERVICES:
        path = DEMO / "scans" / f"{service}.trivy.json"
        path.write_text(json.dumps(report(service, advisories), indent=1) + "\n")
    lines = [json.dumps(line) for line in enrichment(advisories)]
    (DEMO / "scans" / "kev-epss.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
