# Sourced by the scripts of ci/: where the project is, and how they speak.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=${MASKPROOF_JOBS:-$(nproc)}

say() { printf '\n== %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

# configure PRESET [CMAKE-OPTION ...]: warnings are errors.
configure() {
  local preset=$1 log=$root/build/$1.configure.log
  shift
  (cd "$root" && cmake --preset "$preset" -DMASKPROOF_WERROR=ON "$@" >"$log" 2>&1) || {
    cat "$log" >&2
    die "cmake could not configure preset $preset"
  }
}

# configure_and_build PRESET [BUILD-OPTION ...]. A second run builds only what changed.
configure_and_build() {
  local preset=$1
  shift
  configure "$preset"
  cmake --build "$root/build/$preset" --parallel "$jobs" "$@"
}
mkdir -p "$root/build"
