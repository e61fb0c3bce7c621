#!/usr/bin/env bash
# Measures build/release/market against nginx `return 200` on this machine and writes bench/results.md;
# `./dev bench` installs and builds what it needs first. Options: bench/run.sh --help.
# `./dev bench scale`: memory and cost over open orders, into bench/scale.md.
# `./dev bench engine [ORDERS]`: of the sequencer alone, into bench/engine.md.
# `./dev bench distributed`: gateway, order service and log as processes, into bench/distributed.md.
# `./dev bench steps`: where an order's time goes, into bench/steps.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ${1:-} == engine ]]; then
  {
    echo '# The sequencer alone'
    echo
    echo 'Written by `./dev bench engine`; measured numbers only: no log, no records, no HTTP.'
    echo "Commit $(git rev-parse --short=12 HEAD); $(date -u '+%Y-%m-%d %H:%M UTC')."
    echo
    echo '| orders | how many | processor µs per order | resident bytes per order |'
    echo '|---|---|---|---|'
    for what in one four paid; do build/release/tests/engine_bench "$what" "${2:-10000000}"; done
  } | tee bench/engine.md
  exit
fi
if [[ ${1:-} == steps ]]; then exec /usr/bin/python3 bench/steps.py "${@:2}"; fi
if [[ ${1:-} == distributed ]]; then exec /usr/bin/python3 bench/distributed.py "${@:2}"; fi
if [[ ${1:-} == scale ]]; then exec /usr/bin/python3 bench/scale.py "${@:2}"; fi
exec python3 bench/measure.py "$@"
