#!/usr/bin/env bash
# configure.sh PRESET: configures a build; afresh where the tree was built elsewhere and copied or moved, which CMake refuses.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1
cache=build/$preset/CMakeCache.txt

fresh=()
if [[ -f $cache ]]; then
  built_in=$(sed -n 's/^CMAKE_CACHEFILE_DIR:INTERNAL=//p' "$cache")
  if [[ ! $built_in -ef build/$preset ]]; then
    printf 'configure: build/%s was made in %s; it is configured afresh here\n' "$preset" "$built_in" >&2
    fresh=(--fresh)
  fi
fi
cmake "${fresh[@]}" --preset "$preset"
