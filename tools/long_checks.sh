#!/usr/bin/env bash
# What takes longer than a test run may: `./dev fuzz`, `./dev soak`, `./dev release-check`. Sourced by ./dev,
# whose words it uses.

command_fuzz() {
  local seconds=${1:-60} fuzzer count=0
  setup
  build fuzz tests/fuzz/all
  for fuzzer in build/fuzz/tests/fuzz/fuzz_*; do
    [[ -f $fuzzer && -x $fuzzer && $fuzzer != *_canary ]] || continue
    count=$((count + 1))
    local name corpus
    name="$(basename "$fuzzer")"
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    local seeds=()
    [[ ! -d tests/fuzz/corpus/${name#fuzz_} ]] || seeds=("tests/fuzz/corpus/${name#fuzz_}")
    say "fuzz: $name for $seconds s"
    "$fuzzer" -max_total_time="$seconds" -verbosity=0 -artifact_prefix="build/fuzz/$name-" \
      "$corpus" "${seeds[@]}" || die "$name found something: build/fuzz/$name-*"
  done
  if [[ -x tests/fuzz/canary.sh ]]; then
    say "fuzz: the planted bugs must be found"
    tests/fuzz/canary.sh build/fuzz || die "a fuzzer does not find its planted bug"
  fi
  echo "$count passed, 0 failed, 0 skipped"
}

command_soak() {
  local preset=release minutes=10 argument
  for argument in "$@"; do
    case $argument in
      --asan) preset=asan; export MARKET_PATIENCE=4 ASAN_OPTIONS="quarantine_size_mb=16" ;;
      *[!0-9.]* | "") die "soak: unknown argument '$argument' ([minutes] [--asan])" ;;
      *) minutes=$argument ;;
    esac
  done
  setup
  build "$preset" market
  MARKET_BINARY="$root/build/$preset/market" exec python3 tests/chaos/soak.py "$minutes"
}

branch_percent_min=93  # 94 were measured (docs/evidence.md), a few depend on time. It may rise alone.
coverage_programs=(domain_tests sale_tests sim_tests)

tsan_suite() {
  build tsan
  # Or all that speaks with them would be skipped. Not Kafka: librdkafka starts its threads by C11's
  # thrd_create, which TSan of g++ 12 does not know, and their first allocation ends the program inside of it.
  engines_up redis mariadb
  MARKET_BUILD="$root/build/tsan" ctest_suite release-tsan "unit and simulation programs under TSan" \
    build/tsan -LE '^adapters_kafka_tests$'
  engines_down
}

# Branches of the code that decides who gets what, taken by its own tests and by the simulation: no program
# that needs an engine. Left out are the branches that gcov marks as those of exceptions (any call may throw,
# and answers here are Results), those on lines without code of ours, and defaulted comparisons.
coverage() {
  local folder=build/coverage program
  install_packages "${coverage_packages[@]}"
  build coverage "${coverage_programs[@]}"
  find "$folder" -name '*.gcda' -delete
  for program in "${coverage_programs[@]}"; do
    MARKET_BUILD="$folder" "$folder/tests/$program" --gtest_brief=1 || die "coverage: $program"
  done
  gcovr --root "$root" "$folder" --filter 'src/domain/' --filter 'src/sale/' --exclude '.*_test\.cpp' \
    --exclude-lines-by-pattern '.*operator(==|<=>).*= default.*' \
    --exclude-throw-branches --exclude-unreachable-branches --branches --sort-uncovered --print-summary \
    --fail-under-branch "$branch_percent_min"
}

# The stores' own tests, and those of the shared market, on MySQL itself instead of MariaDB.
on_mysql() {
  local engines=build/engines-mysql program status=0
  install_packages debootstrap "${engine_packages[@]}"
  build release contract_tests adapters_mysql_tests market
  python3 tools/stack/engines.py up kafka redis mysql --any-port --dir "$engines" ||
    die "MySQL cannot be started"
  export MARKET_ENGINES="$root/$engines/env"
  for program in contract_tests adapters_mysql_tests; do
    "build/release/tests/$program" --gtest_brief=1 --gtest_filter='*mysql*:*Mysql*' || status=1
  done
  (cd tests/e2e && python -m pytest -q test_shared_store.py test_shared_accounts.py \
    test_moving.py) || status=1
  python3 tools/stack/engines.py down kafka redis mysql --dir "$engines"
  return $status
}

command_release_check() {
  local record=0 argument started=$SECONDS
  for argument in "$@"; do
    case $argument in
      --record) record=1 ;;
      *) die "release-check: unknown argument '$argument' ([--record])" ;;
    esac
  done
  setup
  python_packages
  sanitizer_options
  build release
  export MARKET_BINARY="$root/build/release/market" MARKET_BUILD="$root/build/release"
  export MARKET_RELEASE_CHECK=1  # Of tests/interop: what takes too long for each run.
  local steps=() step before
  release_step() {
    step=$1 before="$passed $failed"
    shift
    local began=$SECONDS
    "$@"
    local old
    read -ra old <<<"$before"
    local counts="$((passed - old[0])) passed, $((failed - old[1])) failed"
    steps+=("| $step | $counts | $((SECONDS - began)) s |")
  }
  release_step "TSan: unit and simulation programs" tsan_suite
  release_step "coverage of domain and sale" suite release-coverage coverage
  release_step "MySQL itself" suite release-mysql on_mysql
  release_step "fuzzers, 60 s each" suite release-fuzz "$root/dev" fuzz 60
  release_step "soak, 10 minutes" suite release-soak "$root/dev" soak 10
  command -v java >/dev/null && command -v mvn >/dev/null ||
    install_packages "${java_packages[@]}"
  # Debian's Rust is too old for the Rust client: where there is no newer one, it is skipped and counted.
  command -v go >/dev/null || install_packages golang-go
  local runner
  for runner in tests/interop/*.py; do
    if [[ -x $runner ]]; then
      release_step "interop: $(basename "$runner")" suite "release-$(basename "$runner")" "$runner"
    fi
  done
  local branches
  branches="$(grep -aE '^branches: ' "$(log_of release-coverage)" | tail -1 || true)"
  say "release-check: all done in $((SECONDS - started)) s (logs: build/test-logs)"
  printf '%s\n' "${steps[@]}"
  if [[ $record -eq 1 ]]; then
    local commit
    commit="$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
    [[ -f docs/evidence.md ]] ||
      printf '# Evidence\n\nResults of `./dev release-check --record`.\n' >docs/evidence.md
    {
      printf '\n## %s, commit %s\n\n' "$(date -u +%F)" "$commit"
      printf '| step | result | time |\n|---|---|---|\n'
      printf '%s\n' "${steps[@]}"
      [[ -z $branches ]] || printf '\nCoverage of domain and sale: %s\n' "$branches"
    } >>docs/evidence.md
    say "recorded in docs/evidence.md"
  fi
  echo "$passed passed, $failed failed, $skipped skipped"
  [[ $failed -eq 0 && $passed -gt 0 ]]
}
