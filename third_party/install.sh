#!/usr/bin/env bash
# Installs everything Isorbit is built from, on a bare Debian 12. Run again, it finds nothing to do.
#   third_party/install.sh            the build, the tests and the packaged data
#   third_party/install.sh --python   also what regenerates the reference numbers of the tests
#   third_party/install.sh --slurm    also the batch system that tests/slurm starts for itself
#   third_party/install.sh --mpi      also what lets several processes train one run
#   third_party/install.sh --fuzz     also what builds the fuzzers
set -euo pipefail

say() { printf 'install: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# package                        why
readonly build_table='
build-essential                  g++ 12 and the C library headers
cmake                            build description
ninja-build                      runs the build
ccache                           recompiles only what changed
pkg-config                       finds SentencePiece and LAPACKE
ca-certificates                  package mirrors over https
libdnnl-dev                      oneDNN: the primitives a model is compiled to
libtbb-dev                       parallel loops and the pool of cells
libhwy-dev                       Highway: our own kernels with the widest vectors at hand
nlohmann-json3-dev               documents
libhdf5-dev                      the record of a run
libboost-program-options-dev     command line
libboost-dev                     Boost.Math: distributions behind the tests of a comparison
libopenblas-dev                  BLAS under LAPACK
liblapacke-dev                   singular values, orthogonal factors, solves
libsentencepiece-dev             byte-pair tokenizer and its trainer
libssl-dev                       SHA-256 of documents, cells and data
libxxhash-dev                    checksums of tensors, by which a run is replayed
zlib1g-dev                       checksums of the append-only log
libgtest-dev                     tests
perl                             unpacks the Austen texts from their package
bible-kjv                        prints the King James text
bible-kjv-text                   the King James text
dataset-fashion-mnist            images
'
readonly python_table='
python3-torch                    independent implementation behind the reference numbers
python3-h5py                     reads records as a user would
python3-numpy                    arrays of both
libopenblas0-openmp              what PyTorch is fastest with, for tests/bench
libtcmalloc-minimal4             likewise
'
readonly fuzz_table='
clang                            compiler of the fuzzers
libclang-rt-14-dev               libFuzzer and the sanitizers
libomp-dev                       omp.h as clang reads it
llvm                             names of functions in what a sanitizer reports
'

readonly slurm_table='
slurm-wlm                        the batch system behind isorbit submit, which tests/slurm starts for itself
munge                            how its daemons know each other
'
readonly mpi_table='
libopenmpi-dev                   Open MPI: gradients are averaged over ranks
openmpi-bin                      mpirun
openssh-client                   mpirun asks for ssh even where all ranks are local
'

table=$build_table
for argument in "$@"; do
  case "$argument" in
    --python) table+=$python_table ;;
    --fuzz) table+=$fuzz_table ;;
    --slurm) table+=$slurm_table ;;
    --mpi) table+=$mpi_table ;;
    *) say "unknown argument '$argument'; usage: third_party/install.sh [--python] [--fuzz] [--slurm] [--mpi]"; exit 2 ;;
  esac
done
mapfile -t packages < <(awk 'NF {print $1}' <<<"$table")

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
  fail "this is not Debian (no dpkg-query and apt-get); install the packages named in $0 by hand"
system=$(. /etc/os-release && echo "${ID-} ${VERSION_ID-}")
[ "$system" = "debian 12" ] || fail "found system '$system', expected 'debian 12': other releases carry other library versions"

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  say "all ${#packages[@]} packages are there"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
    fail "missing: ${missing[*]}; run this as root, or as a user whom sudo lets in without a password"
  as_root=(sudo -n)
fi
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 \
    -o Dpkg::Use-Pty=0 "$@" </dev/null >&2
}

# Daemons of what is installed are not started: Debian asks this file.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

say "installing ${missing[*]}"
for attempt in 1 2 3 4; do
  if apt update && apt install --no-install-recommends "${missing[@]}"; then
    say "done"
    exit 0
  fi
  [ "$attempt" -eq 4 ] || { say "attempt $attempt failed; again in $((attempt * 5)) s"; sleep $((attempt * 5)); }
done
fail "apt-get could not install ${missing[*]}; its own messages are above"
