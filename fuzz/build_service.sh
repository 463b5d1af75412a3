#!/usr/bin/env bash
# Builds the fuzz targets for a continuous fuzzing service that follows OSS-Fuzz's conventions: CC,
# CXX, CXXFLAGS, LIB_FUZZING_ENGINE and OUT come from the service. Highway and Eigen must be where
# CMake finds them (CMAKE_PREFIX_PATH).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
: "${OUT:?where the targets go}" "${LIB_FUZZING_ENGINE:?what to link the targets with}"
build=${WORK:-$root/build}/service
targets=(attention_fuzzer qattention_fuzzer core_fuzzer malformed_fuzzer recipe_fuzzer)

# The service chooses optimisation and sanitizers; $ORIGIN/lib is where its bots find libraries.
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=None -DMASKPROOF_FUZZ=ON -DMASKPROOF_TESTS=OFF \
  -DMASKPROOF_CLI=OFF -DMASKPROOF_FUZZING_ENGINE="$LIB_FUZZING_ENGINE" \
  -DCMAKE_BUILD_RPATH='$ORIGIN/lib' -DCMAKE_SKIP_BUILD_RPATH=OFF
cmake --build "$build" --parallel "$(nproc)" --target maskproof_fuzzers

mkdir -p "$OUT/lib"
for target in "${targets[@]}"; do
  cp "$build/bin/$target" "$OUT/"
  cp "$root/fuzz/$target.options" "$OUT/"
  [ ! -f "$root/fuzz/$target.dict" ] || cp "$root/fuzz/$target.dict" "$OUT/"
  rm -f "$OUT/${target}_seed_corpus.zip"
  find "$root/corpus" -name '*.recipe' -print0 | sort -z |
    xargs -0 zip -q -j "$OUT/${target}_seed_corpus.zip"
done
# Where Highway is a shared library it has to travel with the targets.
ldd "$OUT/${targets[0]}" | awk '/libhwy/ {print $3}' | while read -r library; do
  cp -L "$library" "$OUT/lib/"
done
