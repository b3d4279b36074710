#!/usr/bin/env bash
# Times Isorbit against PyTorch on this machine, in alternating rounds, and writes tests/bench/results.md. Leave the
# machine alone meanwhile: about 15 minutes on two cores.
#   tests/bench/run.sh                                everything
#   tests/bench/run.sh --only 'micro-*,pair-*'        some contests (--list names them); the others stay as they were
#   tests/bench/run.sh --llmc PROGRAM                 with llm.c, see table.py --help
set -euo pipefail
cd "$(dirname "$0")/../.."
third_party/install.sh --python
third_party/configure.sh release >/dev/null
cmake --build --preset release --target isorbit
exec /usr/bin/python3 tests/bench/table.py "$@"
