#!/bin/bash
# Every fuzzer must find the bug that was planted in its twin: tests/fuzz/canary.sh BUILD_FOLDER [SECONDS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
seconds=${2:-120}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
missed=0
for name in http response json token eureka record command snapshot settings path image; do
  mkdir -p "$scratch/$name"
  dictionary=()
  [[ ! -f $here/$name.dict ]] || dictionary=("-dict=$here/$name.dict")
  if "$build/tests/fuzz/fuzz_${name}_canary" -max_total_time="$seconds" -artifact_prefix="$scratch/" \
      "${dictionary[@]}" "$scratch/$name" "$here/corpus/$name" >"$scratch/$name.log" 2>&1; then
    echo "$name: the planted bug was not found"
    missed=$((missed + 1))
  else
    echo "$name: found"
  fi
done
exit $((missed > 0))
