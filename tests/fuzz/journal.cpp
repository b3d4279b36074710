// An append-only log. An even first byte: what follows is the file. An odd one: what follows is payloads, a
// byte of length before each, put into frames whose checksums hold, and the last of them torn. Whatever the
// file is, what is read of it is a prefix that reads as itself, and rows can be appended to it.
#include "core/record/journal.hpp"

#include <zlib.h>

#include <algorithm>

#include "core/record/cbor.hpp"
#include "tests/fuzz/scratch.hpp"

namespace isorbit::fuzz {
namespace {

using core::Journal;
using core::JournalContents;
using core::Json;

std::string little_endian(std::uint32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string frame_of(std::string_view payload) {
  const auto crc =
      ::crc32(0, reinterpret_cast<const Bytef*>(payload.data()), static_cast<uInt>(payload.size()));
  return "IOL1" + little_endian(static_cast<std::uint32_t>(payload.size())) +
         little_endian(static_cast<std::uint32_t>(crc)) + std::string(payload);
}

/// The file of the payloads; `good` counts those that are rows before the first that is none.
std::string framed(std::string_view rest, std::size_t& good) {
  std::string file;
  for (bool sound = true; !rest.empty();) {
    const std::size_t length = static_cast<unsigned char>(rest[0]);
    const std::string_view payload = rest.substr(1, length);
    rest = rest.substr(1 + payload.size());
    std::string frame = frame_of(payload);
    if (payload.size() < length) {  // the last: a death in mid-write
      frame.pop_back();
      sound = false;
    }
    sound = sound && core::is_plain_cbor(std::as_bytes(std::span(payload)));
    if (sound) ++good;
    file += frame;
  }
  return file;
}

/// Rows as bytes, since a number that is none equals nothing.
std::vector<std::vector<std::uint8_t>> encoded(const std::vector<Json>& rows) {
  std::vector<std::vector<std::uint8_t>> out;
  for (const Json& row : rows) out.push_back(Json::to_cbor(row));
  return out;
}

void check_prefix(const JournalContents& all, const JournalContents& part) {
  const auto rows = encoded(all.rows), fewer = encoded(part.rows);
  claim(fewer.size() <= rows.size() && std::equal(fewer.begin(), fewer.end(), rows.begin()),
        "a file cut off holds the rows before the cut");
}

}  // namespace

void journal(Input input) {
  if (input.empty()) return;
  const std::string_view rest = text_of(input.subspan(1));
  std::size_t good = 0;
  const bool raw = input[0] % 2 == 0;
  const std::string bytes = raw ? std::string(rest) : framed(rest, good);
  const std::filesystem::path file = scratch_file("journal", bytes);

  const JournalContents contents = Journal::read(file);
  claim(contents.file_bytes == bytes.size() && contents.valid_bytes <= bytes.size(), "its bytes are counted");
  claim(contents.whole() == (contents.valid_bytes == bytes.size()), "it is whole when all of it is valid");
  claim(raw || contents.rows.size() == good, "every row before the first damage is read");

  const JournalContents cut =
      Journal::read(scratch_file("cut", bytes.substr(0, bytes.size() * input[0] / 256)));
  check_prefix(contents, cut);
  const JournalContents valid = Journal::read(scratch_file("cut", bytes.substr(0, contents.valid_bytes)));
  claim(valid.whole() && encoded(valid.rows) == encoded(contents.rows), "the valid prefix reads as itself");

  Journal(file).append({{"step", 7}});
  const JournalContents longer = Journal::read(file);
  claim(longer.whole() && longer.rows.size() == contents.rows.size() + 1, "a row is appended after the last");
  check_prefix(longer, contents);
  Journal::write(file, contents.rows);
  const JournalContents again = Journal::read(file);
  claim(again.whole() && encoded(again.rows) == encoded(contents.rows), "rows written anew are read again");
}

}  // namespace isorbit::fuzz
