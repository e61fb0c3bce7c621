#!/usr/bin/env bash
# The Debian packages of the libraries that a binary needs, one a line:
#   deploy/container/packages.sh build/release/market
set -euo pipefail
libraries=$(ldd "$1")
if grep 'not found' <<<"$libraries" >&2; then exit 1; fi
awk '$2 == "=>" {print $3}' <<<"$libraries" | while read -r library; do
  # dpkg knows some by the path before /lib became a link.
  real=$(realpath "$library")
  dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}" 2>/dev/null || dpkg -S "$library"
done | cut -d: -f1 | sort -u
