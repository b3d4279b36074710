#!/usr/bin/env bash
# Times training steps on one rank and on two, with the same batch and as many threads in all, and prints how much
# of a step the gradients of the other rank hold it up, reduced beside the backward pass and behind it.
#   tests/bench/ranks.sh [THREADS]     in all; 2
set -euo pipefail
cd "$(dirname "$0")/../.."
third_party/install.sh --mpi
cmake --preset release >/dev/null
cmake --build --preset release --target bench_ranks >/dev/null
threads=${1:-2}
program=build/release/tests/bench_ranks
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for subject in "micro adamw" "micro poet_bs" "tiny adamw" "tiny poet_bs" "small adamw" "small poet_bs"; do
  steps=40
  case $subject in small*) steps=8 ;; esac
  # shellcheck disable=SC2086
  "$program" $subject "$threads" $steps
  # shellcheck disable=SC2086
  mpirun --bind-to none --oversubscribe -n 2 "$program" $subject "$threads" $steps
done
