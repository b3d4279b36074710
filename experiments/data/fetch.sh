#!/usr/bin/env bash
# Fetches real data out of Debian packages; needs no root.
#   experiments/data/fetch.sh [austen|kjv|fashion-mnist|wordnet|all] [DIR]      DIR: data/ at the repository root
#
# austen         text    Jane Austen's six novels; valid is Persuasion, train the other five       public domain
# kjv            text    King James Bible, a verse a line; valid is the four Gospels, which repeat
#                        one another and so must fall on one side, train all the other books       public domain
# fashion-mnist  images  60,000 and 10,000 of 28x28, ten classes of clothes; uncompressed IDX      MIT
# wordnet        synsets WordNet 3.0, which the task wordnet_cloze is made from; no corpus         WordNet 3.0 licence
#
# What is there with the right SHA-256 is left alone. Files are made beside their place and renamed into it.
set -euo pipefail

say() { printf 'fetch: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
name=${1-all}
case "$name" in
  austen | kjv | fashion-mnist | wordnet) names=("$name") ;;
  all) names=(austen kjv fashion-mnist wordnet) ;;
  *) say "unknown corpus '$name'; usage: experiments/data/fetch.sh [austen|kjv|fashion-mnist|wordnet|all] [DIR]"; exit 2 ;;
esac
dir=${2-$root/data}
mkdir -p "$dir" || fail "cannot make the folder $dir"
dir=$(cd "$dir" && pwd)

hashes_austen='
2f2b7b37c24cbd4249b14922132da8cab0c4ca62632a1ad29287e870349538f1  train.txt
8061549557aebd2fd6e353d18d9197cb707029112bd52d4d8b174583a925848a  valid.txt'
hashes_kjv='
0a7ed8323c63bc74ced98b06937bb54029a9bf202fe38c7cefb921f2f6258970  train.txt
a43ed0d324465f577e57ef2dc728ee5542d148f0deab7f581b851af4dec8a94b  valid.txt'
hashes_fashion_mnist='
c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888  train-images
bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9  train-labels
5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b  valid-images
0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34  valid-labels'
hashes_wordnet='
c89120dfc1f046ddff4a631bf9b7e9fa1a36b5e86565a23bf82dbe14f30b88a7  data.adj
444a63bf3955080ab7524f5079cfc07ff9bc682cb98bdb1db73b0fb9829f1139  data.adv
fea17d2f9656611334eac790e5d69e47645fa180c4aa481fb4cd9b3520754ca2  data.noun
adcf43e35b581e8036d8b5a52d63d9cd3d3b4870b2720d3c03c799df44777bc2  data.verb'

temporary=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
trap 'exit 130' INT TERM

# The package files, unpacked into a folder that is printed. Package lists of our own are read only where the system's
# do not know the package or know it at an address that is gone.
unpack() {
  local into=$temporary/x package options=() own=$temporary/apt
  mkdir -p "$into" "$temporary/deb"
  for package in "$@"; do
    say "downloading $package"
    if ! download "$package" "${options[@]}"; then
      say "reading fresh package lists"
      mkdir -p "$own/lists/partial" "$own/cache/archives/partial"
      options=(-o Dir::State::Lists="$own/lists" -o Dir::Cache="$own/cache")
      apt-get -qq "${options[@]}" -o Acquire::Retries=3 -o APT::Sandbox::User=root update >&2 ||
        fail "cannot read the package lists; is there a network?"
      download "$package" "${options[@]}" || fail "cannot download the Debian package $package"
    fi
    dpkg-deb -x "$temporary/deb/$package"_*.deb "$into"
  done
  echo "$into"
}
download() {
  local package=$1
  shift
  (cd "$temporary/deb" && apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User=root "$@" download "$package" >&2)
}

# Stops unless files $temporary/out/* are the known ones; then moves them to their place.
publish() {
  local corpus=$1 hashes=$2 file
  (cd "$temporary/out" && sed '/^$/d' <<<"$hashes" | sha256sum --check --quiet >&2) ||
    fail "$corpus: the package's bytes differ from the ones this script knows; nothing was changed in $dir/$corpus"
  mkdir -p "$dir/$corpus"
  for file in "$temporary/out"/*; do mv -f "$file" "$dir/$corpus/"; done
  say "$corpus: $(cd "$dir/$corpus" && wc -c $(awk 'NF {print $2}' <<<"$hashes") | awk '$2 != "total" {printf "%s %s bytes  ", $2, $1}')in $dir/$corpus"
}

# Records of a 4-byte big-endian length and a zlib stream; in it a vector of strings, each (flags, length, bytes).
fetch_austen() {
  local x
  x=$(unpack r-cran-janeaustenr)
  perl -MCompress::Zlib -0777 -ne '
    while (length > 6) {
      substr($_, 0, 4) = "";
      my ($o) = inflateInit()->inflate($_);
      my $p = index($o, "\0\0\0\x10");
      my $count = unpack "N", substr $o, $p + 4;
      $p += 8;
      for (1 .. $count) {
        my $length = unpack "N", substr $o, $p + 4;
        print substr($o, $p + 8, $length), "\n";
        $p += 8 + $length;
      }
    }' "$x/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb" >"$temporary/austen.txt"
  awk -v out="$temporary/out" '
    $0 == "Persuasion" {valid = 1}
    $0 == "PRIDE AND PREJUDICE" {valid = 0}
    {print > (out (valid ? "/valid.txt" : "/train.txt"))}' "$temporary/austen.txt"
}

fetch_kjv() {
  local x
  x=$(unpack bible-kjv bible-kjv-text)
  (cd "$x/usr/lib" && ../bin/bible -f 'gen1:1-rev22:21') >"$temporary/verses.txt" ||
    fail "kjv: the package's program does not run; install it: apt-get install bible-kjv"
  awk -v out="$temporary/out" '
    {valid = /^(Mat|Mark|Luke|John)[0-9]/; sub(/^[^ ]* /, ""); print > (out (valid ? "/valid.txt" : "/train.txt"))}' \
    "$temporary/verses.txt"
}

fetch_fashion_mnist() {
  local x from
  x=$(unpack dataset-fashion-mnist)
  from=$x/usr/share/datasets/fashion-mnist
  zcat "$from/train-images-idx3-ubyte.gz" >"$temporary/out/train-images"
  zcat "$from/train-labels-idx1-ubyte.gz" >"$temporary/out/train-labels"
  zcat "$from/t10k-images-idx3-ubyte.gz" >"$temporary/out/valid-images"
  zcat "$from/t10k-labels-idx1-ubyte.gz" >"$temporary/out/valid-labels"
}

fetch_wordnet() {
  local x
  x=$(unpack wordnet-base)
  cp "$x"/usr/share/wordnet/data.{noun,verb,adj,adv} "$temporary/out/"
}

for corpus in "${names[@]}"; do
  word=${corpus//-/_}
  hashes=hashes_$word
  if (cd "$dir/$corpus" 2>/dev/null && sed '/^$/d' <<<"${!hashes}" | sha256sum --check --status 2>/dev/null); then
    say "$corpus: already in $dir/$corpus"
    continue
  fi
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    fail "$corpus: comes out of a Debian package, and apt-get and dpkg-deb are not here"
  rm -rf "$temporary"/*
  mkdir "$temporary/out"
  "fetch_$word"
  publish "$corpus" "${!hashes}"
done
