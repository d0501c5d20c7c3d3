#!/bin/bash
# Runs a module of the training code in a processing job: run.sh ARCHIVE MODULE ARGUMENT...
# The last line of its output becomes the job's exit message ($MESSAGE).
set -euo pipefail

archive=$1 module=$2
shift 2
code=$(mktemp -d)
trap 'rm -rf "$code"' EXIT

tar -xzf "$archive" -C "$code"
install=(python3 -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$code/requirements.txt")
# The first call succeeds, quickly, where everything is installed.
"${install[@]}" --no-index 2> /dev/null || "${install[@]}"
status=0
PYTHONPATH=$code python3 -u -m training.launch "$module" "$@" 2>&1 | tee "$code/output" || status=$?
if [ "$status" -ne 0 ]; then
    mkdir -p "$(dirname "$MESSAGE")"
    tail -n 1 "$code/output" | sed 's/^error: //' | head -c 1000 > "$MESSAGE"
fi
exit "$status"
