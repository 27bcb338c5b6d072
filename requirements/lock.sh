#!/usr/bin/env bash
# Makes the lock files anew from pyproject.toml, for every platform and Python that we support, with the hash of every file.
# Arguments go to uv: `requirements/lock.sh --upgrade-package mitmproxy`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v uv >/dev/null || { echo "this needs uv: https://docs.astral.sh/uv" >&2; exit 1; }
compile=(uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.12 "$@")
"${compile[@]}" pyproject.toml --group dev -o requirements/dev.lock
"${compile[@]}" pyproject.toml -c requirements/dev.lock -o requirements/run.lock
"${compile[@]}" tests/clients/requirements.in -o tests/clients/requirements.lock
