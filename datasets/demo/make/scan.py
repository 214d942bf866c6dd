"""Vulnerability reports in the shape of `trivy image --list-all-pkgs --format json`.

No scanner and no vulnerability database was at hand, and no image was built. This script joins what
is real: the components of each service's bill of materials (sbom/) with the published facts in
advisories.json. The digest of an image stands for one: it is computed over the service's sources.
It also writes what is known of exploits for the same advisories: the entries of the known-exploited
catalogue, the exploit-prediction scores that were at hand, and which have a public exploit.
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


def known_exploited(advisories):
    """The entries of CISA's catalogue that concern these advisories, in its shape."""
    entries = [
        {
            "cveID": advisory["id"],
            "vendorProject": advisory["kev"]["vendor"],
            "product": advisory["kev"]["product"],
            "vulnerabilityName": advisory["kev"]["name"],
            "dateAdded": advisory["kev"]["added"],
            "dueDate": advisory["kev"]["due"],
            "knownRansomwareCampaignUse": advisory["kev"]["ransomware"],
            "cwes": advisory["kev"]["cwe"],
        }
        for advisory in advisories
        if "kev" in advisory
    ]
    return {
        "title": "Excerpt of CISA's catalog of known exploited vulnerabilities",
        "catalogVersion": "2025.08.25",
        "dateReleased": "2025-08-25T17:04:19.9796Z",
        "count": len(entries),
        "vulnerabilities": entries,
    }


def exploit_prediction(advisories):
    """The lines of the EPSS file that were at hand, in its shape."""
    scored = [(advisory["id"], advisory["epss"]) for advisory in advisories if "epss" in advisory]
    model, date = scored[0][1]["model"], scored[0][1]["date"]
    yield f"#model_version:{model},score_date:{date}T12:55:00Z"
    yield "cve,epss,percentile"
    for cve, epss in scored:
        yield f"{cve},{epss['score']},{epss['percentile']}"


def public_exploits(advisories):
    """Which of them have an exploit that anyone can fetch, as generic JSONL."""
    for advisory in advisories:
        if advisory.get("exploit_public"):
            node = {"id": f"vuln:{advisory['id']}", "labels": ["Vulnerability"]}
            yield json.dumps({"node": {**node, "props": {"exploit_public": True}}})


def main():
    advisories = json.loads((DEMO / "make" / "advisories.json").read_text())["advisories"]
    for service in SERVICES:
        path = DEMO / "scans" / f"{service}.trivy.json"
        path.write_text(json.dumps(report(service, advisories), indent=1) + "\n")
    scans = DEMO / "scans"
    (scans / "kev.json").write_text(json.dumps(known_exploited(advisories), indent=1) + "\n")
    (scans / "epss.csv").write_text("\n".join(exploit_prediction(advisories)) + "\n")
    (scans / "public-exploits.jsonl").write_text("\n".join(public_exploits(advisories)) + "\n")


if __name__ == "__main__":
    main()
