#!/bin/sh
# Run the fast tests with the oldest dependencies that pyproject.toml allows. Needs Python 3.11; takes ten minutes.
# The newest ones are those of constraints.txt, with which all other tests run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" - > "$folder/lower.txt" <<'PY'
import re, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
extras = project["optional-dependencies"]["test"]
for text in [*project["dependencies"], *[t for t in extras if not t.startswith(("playwright", "distributed"))]]:
    print(re.sub(r">=([0-9.]+).*", r"==\1", text))
PY
cat "$folder/lower.txt"
"$folder/venv/bin/pip" install --quiet -r "$folder/lower.txt"
"$folder/venv/bin/pip" install --quiet --no-deps -e .
"$folder/venv/bin/python" -m pytest -q -p no:cacheprovider -m "not slow and not browser" "$@"
