#!/usr/bin/env bash
# Says in words which tools are missing and how to get them.
set -u
missing=0
need() { # command, what it is for, how to get it
  command -v "$1" >/dev/null 2>&1 && return
  printf 'missing: %s (%s)\n  get it: %s\n' "$1" "$2" "$3" >&2
  missing=1
}
need cargo "builds the server; Rust 1.95 or newer" "install Rust with rustup"
need cc "links the server" "install gcc, on Debian: apt-get install gcc libc6-dev"
need node "builds the web UI; Node 20.19 or newer" "install Node.js 20 or newer"
need npm "installs the web UI's packages" "it comes with Node.js"
if command -v node >/dev/null 2>&1; then
  node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>20||(a===20&&b>=19)?0:1)' ||
    { printf 'node %s is too old; the web UI needs 20.19 or newer\n' "$(node --version)" >&2; missing=1; }
fi
exit "$missing"
