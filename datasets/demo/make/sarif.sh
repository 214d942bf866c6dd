#!/bin/sh
# Static analysis: semgrep with Ferrypay's own rules on every service, bandit on the Python ones.
# versionControlProvenance is added as the CI wrapper does, which knows the repository.
set -eu
demo=$(cd "$(dirname "$0")/.." && pwd)
tools=${FERRYPAY_TOOLS:-$demo/../../target/demo-tools}
mkdir -p "$demo/sarif"
for project in "$demo"/src/*/; do
  service=$(basename "$project")
  (cd "$project" && "$tools/python/bin/semgrep" scan --quiet --metrics off \
    --disable-version-check --no-git-ignore --config "$demo/make/semgrep-rules.yaml" \
    --sarif --output "$demo/sarif/$service.semgrep.sarif" .)
  if [ -f "$project/requirements.txt" ]; then
    (cd "$project" && "$tools/python/bin/bandit" --quiet --exit-zero -r . -f sarif \
      -o "$demo/sarif/$service.bandit.sarif")
  fi
done
"$tools/python/bin/python" "$demo/make/provenance.py" "$demo"/sarif/*.sarif
