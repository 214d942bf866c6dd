#!/bin/sh
# Makes every file of the demo estate again. See ../README.md for what is made by which tool.
set -eu
demo=$(cd "$(dirname "$0")/.." && pwd)
tools=${FERRYPAY_TOOLS:-$demo/../../target/demo-tools}
mkdir -p "$tools"
if [ ! -x "$tools/python/bin/python" ]; then
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install -q -r "$demo/make/requirements.txt"
fi
export FERRYPAY_TOOLS="$tools" PYTHONPATH="$demo/make" PYTHONDONTWRITEBYTECODE=1
"$demo/make/sbom.sh"
"$demo/make/sarif.sh"
"$tools/python/bin/python" "$demo/make/scan.py"
"$tools/python/bin/python" "$demo/make/vex.py"
"$tools/python/bin/python" "$demo/make/cluster.py"
"$tools/python/bin/python" "$demo/make/cloud.py"
