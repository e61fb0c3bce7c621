#!/usr/bin/env bash
# Measures build/release/market against nginx `return 200` on this machine and writes bench/results.md;
# `./dev bench` installs and builds what it needs first. Options: bench/run.sh --help.
# `./dev bench scale`: memory and cost over open orders, into bench/scale.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ${1:-} == scale ]]; then exec /usr/bin/python3 bench/scale.py "${@:2}"; fi
exec python3 bench/measure.py "$@"
