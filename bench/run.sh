#!/usr/bin/env bash
# Measures build/release/market against nginx `return 200` on this machine and writes bench/results.md;
# `./dev bench` installs and builds what it needs first. Options: bench/run.sh --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 bench/measure.py "$@"
