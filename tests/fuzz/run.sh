#!/usr/bin/env bash
# Builds the fuzzers with clang and runs them one after the other, each MINUTES (5) long, then keeps what is new.
#
#   tests/fuzz/run.sh [MINUTES] [TARGET...]
#
# A target is a file tests/fuzz/<target>.cpp; without any, all of them but hdf5, which soon meets faults of HDF5's own
# (hdf5.cpp) and is run when it is named. They start from tests/fuzz/corpus/<target> and from what earlier runs found
# (build/fuzz/found/<target>). An input that makes a target fail is left in
# build/fuzz/failures/<target>-*: mended, it belongs into the corpus as once-<what it was>. Without a failure the inputs
# that together reach the most code, most first and at most 24, become tests/fuzz/corpus/<target>, beside those once-*.
# Ends with a line per target: seconds run, inputs tried, inputs kept. Exit code 1: some target failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
say() { printf 'fuzz: %s\n' "$*" >&2; }

minutes=${1:-5}
[[ $minutes =~ ^[1-9][0-9]*$ ]] || { say "found '$minutes'; usage: tests/fuzz/run.sh [MINUTES] [TARGET...]"; exit 2; }
shift || true
mapfile -t targets < <(cd tests/fuzz && ls -- *.cpp | sed 's/\.cpp$//' | grep -vx -e libfuzzer -e corpora_test)
for target in "$@"; do
  [[ " ${targets[*]} " == *" $target "* ]] || { say "found target '$target'; expected one of ${targets[*]}"; exit 2; }
done
if [ $# -gt 0 ]; then targets=("$@"); else targets=("${targets[@]/hdf5/}"); fi
mapfile -t targets < <(printf '%s\n' "${targets[@]}" | grep .)

third_party/configure.sh fuzz >&2
nice -n 19 cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}" >&2

TMPDIR=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/isorbit-fuzz-run-XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
export UBSAN_OPTIONS=print_stacktrace=1
export OMP_NUM_THREADS=1

# By code reached, not by how often: libFuzzer writes the input that adds most first.
keep() {
  local kept=tests/fuzz/corpus/$1 merged=$TMPDIR/merged
  rm -rf "$merged" && mkdir -p "$merged"
  nice -n 19 build/fuzz/tests/fuzz_"$1" -set_cover_merge=1 -use_counters=0 -rss_limit_mb=2048 -max_len=16384 \
    "$merged" "$kept" build/fuzz/found/"$1" &>>build/fuzz/"$1".log
  find "$kept" -type f ! -name 'once-*' -delete
  (cd "$merged" && ls -rt | sed -n 1,24p) | while read -r input; do cp "$merged/$input" "$kept"; done
}

failed=0
summary=
for target in "${targets[@]}"; do
  found=build/fuzz/found/$target log=build/fuzz/$target.log dictionary=tests/fuzz/dictionaries/$target.dict
  mkdir -p "$found" build/fuzz/failures tests/fuzz/corpus/"$target"
  options=(-max_total_time=$((minutes * 60)) -timeout=5 -report_slow_units=1 -rss_limit_mb=2048 -max_len=16384
           -len_control=20 -print_final_stats=1 -artifact_prefix=build/fuzz/failures/"$target"-)
  [ ! -f "$dictionary" ] || options+=(-dict="$dictionary")
  say "$target for $minutes min"
  begin=$SECONDS
  if nice -n 19 build/fuzz/tests/fuzz_"$target" "${options[@]}" "$found" tests/fuzz/corpus/"$target" &>"$log"; then
    keep "$target"
  else
    failed=1
    say "$target failed: see $log and build/fuzz/failures/"
  fi
  tried=$(awk '/^stat::number_of_executed_units/ {print $2; exit}' "$log")
  summary+=$(printf '%-12s %6d s %12s inputs tried %5d kept' "$target" $((SECONDS - begin)) "${tried:-0}" \
    "$(find tests/fuzz/corpus/"$target" -type f | wc -l)")$'\n'
done
printf '%s' "$summary"
exit "$failed"
