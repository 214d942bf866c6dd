"""What Ferrypay itself knows of its dependencies: one VEX statement and one runtime observation.

The VEX document is written with the CycloneDX reference library. The runtime profile says which
packages the production processes loaded in the last 30 days, as generic JSONL.
"""

import json
import uuid
from datetime import datetime, timezone

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.impact_analysis import ImpactAnalysisJustification, ImpactAnalysisState
from cyclonedx.model.vulnerability import (
    BomTarget,
    Vulnerability,
    VulnerabilityAnalysis,
    VulnerabilitySource,
)
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from estate import DEMO

# Package: was it loaded by a production process?
RUNTIME = {
    "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1": "loaded",
    "pkg:npm/vm2@3.9.3": "loaded",
    "pkg:npm/shell-quote@1.7.2": "unreachable",
    "pkg:npm/tough-cookie@2.5.0": "unreachable",
    "pkg:npm/request@2.88.2": "unreachable",
}


def vex():
    purl = PackageURL.from_string("pkg:maven/org.apache.commons/commons-text@1.9")
    component = Component(
        type=ComponentType.LIBRARY,
        group="org.apache.commons",
        name="commons-text",
        version="1.9",
        purl=purl,
        bom_ref=purl.to_string(),
    )
    statement = Vulnerability(
        bom_ref="CVE-2022-42889",
        id="CVE-2022-42889",
        source=VulnerabilitySource(name="NVD", url="https://nvd.nist.gov/vuln/detail/CVE-2022-42889"),
        affects=[BomTarget(ref=purl.to_string())],
        analysis=VulnerabilityAnalysis(
            state=ImpactAnalysisState.NOT_AFFECTED,
            justification=ImpactAnalysisJustification.CODE_NOT_REACHABLE,
            detail="loyalty-api calls WordUtils only; StringSubstitutor is never loaded.",
        ),
    )
    bom = Bom(
        serial_number=uuid.UUID("6c1d0f5e-8f2b-4a52-9a9e-7f2c70a0f001"),
        components=[component],
        vulnerabilities=[statement],
    )
    bom.metadata.timestamp = datetime(2026, 11, 18, 9, 0, tzinfo=timezone.utc)
    bom.metadata.component = Component(
        type=ComponentType.APPLICATION, name="loyalty-api", version="1.6.2", bom_ref="loyalty-api"
    )
    return JsonV1Dot6(bom).output_as_string(indent=1)


def main():
    (DEMO / "scans" / "loyalty-api.vex.cdx.json").write_text(vex() + "\n")
    lines = [
        json.dumps({"node": {"id": purl, "labels": ["Package"], "props": {"reachability": state}}})
        for purl, state in RUNTIME.items()
    ]
    (DEMO / "scans" / "runtime-profile.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
