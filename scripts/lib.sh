#!/usr/bin/env bash
# Shared by the scripts beside it: where the project is, what to say, which tools to use.
# Sourced, never run. Everything that is written goes below build/ (and data/ for scripts/serve).

SX_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$SX_ROOT" || exit 1

# Objects are found again in another checkout of the same sources: paths are hashed relative to it.
export CCACHE_BASEDIR="$SX_ROOT" CCACHE_NOHASHDIR=1
# em++ is a Python program: without this it writes byte code beside the distribution's files.
export PYTHONDONTWRITEBYTECODE=1

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

# die MESSAGE…: what went wrong and what to do, then status 1.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# usage_error MESSAGE…: status 2, as every sx command does.
usage_error() {
  printf '%s: %s (see --help)\n' "${0##*/}" "$*" >&2
  exit 2
}

# print_help: the comment that opens the calling script is its manual.
print_help() { sed -n '2,/^[^#]/{/^#/!q;s/^# \{0,1\}//;p}' "$0"; }

have() { command -v "$1" >/dev/null 2>&1; }

# use_node: puts a Node.js of version 20 or newer first in PATH: the system's, or the one pinned in tests/.
use_node() {
  local pinned major=0
  # Asking for the version starts no engine: every run of scripts/sx-wasm would wait for it.
  if have node; then major=$(node --version); fi
  major=${major#v}
  major=${major%%.*}
  if [ "$major" -ge 20 ]; then return 0; fi
  pinned=$(pinned_node) || die "Node.js $major found, 20 or newer needed: run scripts/setup"
  mkdir -p build/node-bin
  ln -sf "$pinned" build/node-bin/node
  PATH="$SX_ROOT/build/node-bin:$PATH"
}

# pinned_node: prints the path of the Node.js 22 of tests/package-lock.json.
pinned_node() {
  local candidate
  for candidate in tests/node_modules/node-linux-*/bin/node; do
    if [ -x "$candidate" ]; then
      printf '%s\n' "$SX_ROOT/$candidate"
      return 0
    fi
  done
  return 1
}

# with_build_lock COMMAND…: two scripts at once wait for each other instead of breaking a build folder.
with_build_lock() {
  mkdir -p build
  flock build/.lock "$@"
}

# configure PRESET: once; ninja runs cmake again by itself when a CMake file changes.
configure() {
  if [ ! -f "build/$1/build.ninja" ]; then
    say "configuring build/$1"
    with_build_lock cmake --preset "$1" >"build/configure-$1.log" 2>&1 || {
      cat "build/configure-$1.log" >&2
      die "configuring build/$1 failed; if a package is missing, run scripts/setup"
    }
  fi
}

# build_targets PRESET [TARGET…]: configures when needed and builds these targets (default: all).
build_targets() {
  local preset=$1
  shift
  mkdir -p build
  configure "$preset"
  say "building build/$preset ${*:-(everything)}"
  with_build_lock ninja -C "build/$preset" --quiet "$@"
}
