#!/usr/bin/env bash
# Installs, builds everything, fetches the data the tests read and runs them all. Arguments go to ctest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { printf 'tests: %s\n' "$*" >&2; }

third_party/install.sh
say "configuring"
third_party/configure.sh release >&2
say "building"
cmake --build --preset release --parallel "$(nproc)" >&2
experiments/data/fetch.sh austen
experiments/data/fetch.sh fashion-mnist
say "testing"
ctest --preset release -j2 "$@"
