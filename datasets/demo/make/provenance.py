"""What the CI wrapper adds to each SARIF run: the repository and revision that were analysed.

It also empties places that name the machine the analysis ran on, and drops reports of nothing.
"""

import json
import pathlib
import sys

from estate import REVISIONS, repository_url


def main(paths):
    for path in map(pathlib.Path, paths):
        service = path.name.split(".")[0]
        log = json.loads(path.read_text())
        for run in log["runs"]:
            run["versionControlProvenance"] = [
                {"repositoryUri": repository_url(service), "revisionId": REVISIONS[service], "branch": "main"}
            ]
            for invocation in run.get("invocations", []):
                invocation.pop("workingDirectory", None)
                invocation.pop("endTimeUtc", None)
            for rule in run["tool"]["driver"].get("rules", []):
                if "." not in rule["id"]:
                    continue
                # semgrep prefixes rule ids with the path of the rule file.
                rule["id"] = rule["id"].split(".")[-1]
                rule["name"] = rule["id"]
                rule["shortDescription"] = {"text": f"Semgrep Finding: {rule['id']}"}
            for result in run["results"]:
                result["ruleId"] = result["ruleId"].split(".")[-1]
                for location in result["locations"]:
                    artifact = location["physicalLocation"]["artifactLocation"]
                    artifact["uri"] = artifact["uri"].removeprefix("./")
        if any(run["results"] for run in log["runs"]):
            path.write_text(json.dumps(log, indent=1, sort_keys=True) + "\n")
        else:
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
