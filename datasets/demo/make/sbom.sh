#!/bin/sh
# Bills of materials, each by the generator of its ecosystem, run on the small projects in src/.
# Needs node, npm and Python; fetches packages from npm and PyPI only.
set -eu
demo=$(cd "$(dirname "$0")/.." && pwd)
tools=${FERRYPAY_TOOLS:-$demo/../../target/demo-tools}
mkdir -p "$tools" "$demo/sbom"

if [ ! -x "$tools/node_modules/.bin/cyclonedx-npm" ]; then
  npm install --prefix "$tools" --no-audit --no-fund --ignore-scripts \
    @cyclonedx/cyclonedx-npm@6.0.1 @cyclonedx/cdxgen@12.8.4
fi

for service in storefront report-builder ops-console customer-profile ledger-api; do
  (cd "$demo/src/$service" && "$tools/node_modules/.bin/cyclonedx-npm" --package-lock-only \
    --omit dev --output-reproducible --short-PURLs --spec-version 1.6 --output-format JSON \
    --output-file "$demo/sbom/$service.cdx.json")
done

for service in orders-api kyc-intake analytics-api settlement-batch; do
  env=$tools/venv-$service
  [ -d "$env" ] || { python3 -m venv "$env" \
    && "$env/bin/pip" install -q -r "$demo/src/$service/requirements.txt" \
    && "$env/bin/pip" uninstall -q -y pip setuptools; }
  "$tools/python/bin/cyclonedx-py" environment --output-reproducible --spec-version 1.6 \
    --pyproject "$demo/src/$service/pyproject.toml" --mc-type application \
    --output-file "$demo/sbom/$service.cdx.json" "$env/bin/python"
done

# Without Maven Central at hand, cdxgen reads the pom itself and lists direct dependencies only.
for service in checkout-api loyalty-api card-vault; do
  (cd "$demo/src/$service" && "$tools/node_modules/.bin/cdxgen" -t java --no-install-deps \
    --no-validate --json-pretty --spec-version 1.6 -o "$demo/sbom/$service.cdx.json" . \
    > /dev/null 2>&1)
done
