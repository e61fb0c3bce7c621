#!/usr/bin/env bash
# The tests of the machine underneath, against MARKET_BINARY (default build/release/market):
#   tests/ops/run.sh [pytest arguments]
# Those that need mounts are skipped, and counted, where mounts are not allowed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export MARKET_BINARY=${MARKET_BINARY:-$PWD/build/release/market} PYTHONDONTWRITEBYTECODE=1
[[ -x $MARKET_BINARY ]] || { echo "ops: $MARKET_BINARY is missing; run ./dev build first" >&2; exit 2; }
exec python3 -m pytest -q -n "${E2E_PROCESSES:-3}" --dist worksteal --tb=short \
  -p no:cacheprovider -p no:schemathesis -p no:hypothesispytest tests/ops "$@"
