#!/usr/bin/env bash
# The end-to-end tests against MARKET_BINARY (default build/release/market):
#   tests/e2e/run.sh [pytest arguments]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
binary=${MARKET_BINARY:-$PWD/build/release/market}
[[ -x $binary ]] || { echo "e2e: $binary is missing; run ./dev build first" >&2; exit 2; }
export MARKET_BINARY=$binary PYTHONDONTWRITEBYTECODE=1

# ./dev puts its own environment first in PATH; alone, one is made in build/ and kept.
python=python3
if ! python3 -c 'import pytest, xdist, requests, schemathesis, jsonschema, yaml' 2>/dev/null; then
  python=build/venv/bin/python
  if [[ ! build/venv/.stamp -nt tests/requirements.txt ]]; then
    python3 -m venv build/venv
    build/venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
    touch build/venv/.stamp
  fi
fi
# E2E_SPLIT=1: what a buyer or a seller can do, again, through a gateway that finds the services.
wanted=(tests/e2e tests/support)
if [[ -n ${E2E_SPLIT:-} ]]; then
  wanted=(tests/e2e/test_{users,sessions,tokens,products,product_changes,images,streams,payments,orders}.py)
fi
# Three at once, on two cores: much of the time is waiting.
exec "$python" -m pytest -q -n "${E2E_PROCESSES:-3}" --dist worksteal --tb=short \
  -p no:cacheprovider -p no:schemathesis -p no:hypothesispytest "${wanted[@]}" "$@"
