#!/usr/bin/env bash
# Runs suites and counts what their runners print. Sourced by ./dev, whose words it uses.

passed=0 failed=0 skipped=0
failed_logs=()

# What failed once more, in a few lines of each log: a report that shows only the end shows them, too.
tell_failures() {
  local log
  for log in ${failed_logs[@]+"${failed_logs[@]}"}; do
    say "failed in $log:"
    grep -aE -A3 -m8 '^(FAILED|failed:|not ok|E  )|\*\*\*(Failed|Timeout)|^[^ ]+:[0-9]+: Failure' "$log" |
      cut -c1-300 | head -24 || tail -8 "$log" | cut -c1-300
  done
}

# Adds the last "N passed, N failed[, N skipped]" line of a log; a suite that fails without one counts as one.
add_counts() {
  local name=$1 log=$2 status=$3 line
  line="$(grep -aoE '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?' "$log" | tail -1 || true)"
  [[ $status -eq 0 ]] || failed_logs+=("$log")
  if [[ -z $line ]]; then
    [[ $status -eq 0 ]] && passed=$((passed + 1)) || failed=$((failed + 1))
  else
    local counts
    read -ra counts <<<"${line//[^0-9]/ }"
    passed=$((passed + counts[0]))
    failed=$((failed + counts[1]))
    skipped=$((skipped + ${counts[2]:-0}))
    if [[ $status -ne 0 && ${counts[1]} -eq 0 ]]; then
      say "$name: exit status $status"
      failed=$((failed + 1))
    fi
  fi
}

log_of() {
  mkdir -p build/test-logs
  printf 'build/test-logs/%s.log' "${1//\//-}"
}

# run_suite <name> <command...>: its status in `status`; what it prints goes to its log, and is shown.
run_suite() {
  local log
  log=$(log_of "$1")
  status=0
  "${@:2}" </dev/null 2>&1 | tee "$log" || status=$?
}

# Browsers, brokers and Java share the machine of a CI run with whatever else it does: there a suite that
# failed has one more run, which counts, and both are told at the end.
run_again=()
finish_suite() {
  local name=$1 log
  log=$(log_of "$name")
  if [[ $status -ne 0 && -n ${CI:-} ]]; then
    mv "$log" "$log.first"
    failed_logs+=("$log.first")
    run_again+=("$name")
    say "test: $name once more (the first run: $log.first)"
    run_suite "$@"
  fi
  add_counts "$name" "$log" "$status"
}

# suite <name> <command...>
suite() {
  local status
  say "test: $1"
  run_suite "$@"
  finish_suite "$@"
}

# begin_suite <name> <command...>: one that mostly waits; end_suite prints and counts it.
begin_suite() {
  beside=("$@")
  say "test: $1 begins, beside others"
  "${@:2}" </dev/null >"$(log_of "$1")" 2>&1 &
  beside_pid=$!
}
end_suite() {
  local status=0
  wait "$beside_pid" || status=$?
  say "test: ${beside[0]}"
  cat "$(log_of "${beside[0]}")"
  finish_suite "${beside[@]}"
}

# ctest_suite <name> <what> <folder> [ctest argument...]: each test that ctest knows counts; those that skip
# are among the passed ones there.
ctest_suite() {
  local name=$1 what=$2 folder=$3 log status=0
  shift 3
  log=$(log_of "$name")
  say "test: $what"
  ctest --test-dir "$folder" --output-on-failure --timeout 900 -j "$(jobs)" "$@" </dev/null 2>&1 |
    tee "$log" | grep -vE '^ *(Start +[0-9]|[0-9]+/[0-9]+ Test .* Passed )' || status=${PIPESTATUS[0]}
  [[ $status -eq 0 ]] || failed_logs+=("$log")
  local line counts
  line="$(grep -aE '[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+' "$log" | tail -1 || true)"
  read -ra counts <<<"${line//[^0-9]/ }" || true
  if [[ ${#counts[@]} -ne 3 || ${counts[2]} -eq 0 ]]; then
    failed=$((failed + 1))
    return
  fi
  local left_out
  left_out="$(grep -acF '***Skipped' "$log" || true)"
  failed=$((failed + counts[1]))
  skipped=$((skipped + left_out))
  passed=$((passed + counts[2] - counts[1] - left_out))
  [[ $status -eq 0 || ${counts[1]} -gt 0 ]] || failed=$((failed + 1))
}
