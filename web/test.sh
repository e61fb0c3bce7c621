#!/usr/bin/env bash
# The pages' types, hooks and logic: tsc in strict mode, oxlint, and Vitest. Prints `N passed, N failed`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
npm run --silent check || { echo "0 passed, 1 failed"; exit 1; }
report="$(mktemp)"
trap 'rm -f "$report"' EXIT
status=0
npx --no-install vitest run --reporter=default --reporter=json --outputFile.json="$report" ||
  status=$?
node -e 'const r = JSON.parse(require("fs").readFileSync(process.argv[1]));
  console.log(`${r.numPassedTests} passed, ${r.numFailedTests} failed`)' "$report" ||
  echo "0 passed, 1 failed"
exit "$status"
