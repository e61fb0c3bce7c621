#!/usr/bin/env bash
# What `./dev run` says before it starts the platform. Sourced by ./dev.

# Where to look and what to try, as the README says; at the address that was asked for.
tour() {
  local at=localhost:8080 argument before='' role=all
  for argument in "$@"; do
    if [[ $argument == --*=* ]]; then before=${argument%%=*} argument=${argument#*=}; fi
    [[ $before != --listen ]] || at=$argument
    [[ $before != --role ]] || role=$argument
    before=$argument
  done
  [[ $role == all ]] || return 0
  printf '  %-10s http://%s\n' shop "$at/" console "$at/admin" interface "$at/docs"
  printf '  %-10s %s\n' 'a crowd' "build/release/market demo --url http://$at"
  printf '             (in another terminal: a drop opens in 15 s, and 400 buyers come)\n'
  printf '\n  accounts   buyer@demo.example  quiet-lantern-42\n'
  printf '             seller@demo.example amber-workshop-42\n'
  printf '             admin@demo.example  granite-keystone-42\n\n  a first purchase:\n\n'
  sed -n '/<!-- purchase/,/<!-- end of the purchase/s/^    \$ /  /p' README.md |
    sed "s/localhost:8080/$at/g; G"
}
