#!/usr/bin/env bash
# From a fresh clone to a first answer: installs, builds, fetches a text, runs the quickstart sweep and compares its arms.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { printf 'quickstart: %s\n' "$*" >&2; }

third_party/install.sh
say "building build/release/isorbit"
third_party/configure.sh release >&2
cmake --build --preset release --target isorbit --parallel "$(nproc)" >&2
experiments/data/fetch.sh austen

sweep=experiments/sweeps/quickstart.json
say "plan of $sweep"
build/release/isorbit plan "$sweep"
say "running"
build/release/isorbit run "$sweep"
say "comparing"
build/release/isorbit compare runs/quickstart
