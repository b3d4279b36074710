#!/usr/bin/env bash
# Times training steps of the same batch on one rank with half of the threads, on one with all, and on two with half
# each, and prints how much of a step the gradients of the other rank hold it up, reduced beside the backward pass and
# behind it; then how many times faster two ranks are than one of them alone, and than one with all threads.
#   tests/bench/ranks.sh [THREADS]     in all; 2
set -euo pipefail
cd "$(dirname "$0")/../.."
third_party/install.sh --mpi
third_party/configure.sh release >/dev/null
cmake --build --preset release --target bench_ranks >/dev/null
threads=${1:-2}
program=build/release/tests/bench_ranks
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for subject in "micro adamw" "micro poet_bs" "tiny adamw" "tiny poet_bs" "small adamw" "small poet_bs"; do
  steps=40
  case $subject in small*) steps=8 ;; esac
  # shellcheck disable=SC2086
  {
    "$program" $subject $((threads / 2)) $steps
    "$program" $subject "$threads" $steps
    mpirun --bind-to none --oversubscribe -n 2 "$program" $subject "$threads" $steps
  } | awk '{ print; ms[NR] = $7 }
    END { printf "%-15s 2 ranks are %.2f times 1 with as many threads as each, %.2f times 1 with all\n", "", ms[1] / ms[3], ms[2] / ms[3] }'
done
