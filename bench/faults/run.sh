#!/usr/bin/env bash
# Hurts a running store in full size: kills, stops, a full disk, few open files, too much load in little memory, and,
# where user-mode Linux is installed, cuts of the power. Takes about an hour; says in the end what held.
#   bench/faults/run.sh                          everything
#   KILLS=20 OVERLOAD_S=20 CUTS=5 bench/faults/run.sh   a small one
set -eu -o pipefail
cd "$(dirname "$0")/../.."
binary=${BINARY:-${CARGO_TARGET_DIR:-target}/release/vigie}
held=0
node bench/faults/faults.mjs --binary "$binary" --kills "${KILLS:-1000}" --overload-s "${OVERLOAD_S:-600}" ${ONLY:+--only "$ONLY"} || held=1
if [ -n "${ONLY:-}" ]; then
  exit "$held"
elif command -v linux.uml >/dev/null && [ "$(id -u)" = 0 ]; then
  node bench/faults/power-cut.mjs --binary "$binary" --cuts "${CUTS:-200}" || held=1
else
  echo "power cut: left out; it needs root and Debian's package user-mode-linux"
fi
exit "$held"
