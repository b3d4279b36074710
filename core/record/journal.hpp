// The append-only log that is the authority on a run while it lives.
//
// A frame is magic (u32), payload length (u32), CRC-32 of the payload (u32), all little-endian, then the
// payload: one row as CBOR (RFC 8949). A frame is one write(2), so a row that was appended survives the death
// of the process; after `sync` it survives the loss of power. Doubles come back bit for bit, NaN as the quiet
// NaN.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/document/json.hpp"
#include "core/record/descriptor.hpp"

namespace isorbit::core {

/// What a journal holds up to its first damaged frame.
struct JournalContents {
  std::vector<Json> rows;
  std::uint64_t valid_bytes = 0;  // length of the undamaged prefix
  std::uint64_t file_bytes = 0;
  std::string damage;  // why reading stopped before the end; empty when the file is whole

  [[nodiscard]] bool whole() const { return damage.empty(); }
};

class Journal {
 public:
  /// Opens for appending, creating the file if there is none. A torn tail (left by a death in mid-write) is
  /// cut off, so that later rows can be read. Throws std::runtime_error naming the path and the cause.
  explicit Journal(std::filesystem::path path);

  /// Appends one row. Throws std::runtime_error naming the path and the cause (full disk); the file then
  /// holds the rows before this one and no part of it.
  void append(const Json& row);
  /// Waits until every appended row is on the disk.
  void sync();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Every row up to the first damaged frame; a damaged file is an answer, not an error. Throws as read_bytes
  /// does.
  [[nodiscard]] static JournalContents read(const std::filesystem::path& path);
  /// Writes a journal of these rows beside and renames it, so that it is on the disk with all of them or not
  /// there. No Journal may be open on the path.
  static void write(const std::filesystem::path& path, std::span<const Json> rows);

 private:
  std::filesystem::path path_;
  std::uint64_t length_ = 0;
  Descriptor file_;
};

/// An array of floats as one binary value (4 or 8 little-endian bytes each), and back, bit for bit. Unpacking
/// throws std::invalid_argument when the value is not binary or its length does not fit.
[[nodiscard]] Json pack_floats(std::span<const float> values);
[[nodiscard]] Json pack_doubles(std::span<const double> values);
[[nodiscard]] std::vector<float> unpack_floats(const Json& value);
[[nodiscard]] std::vector<double> unpack_doubles(const Json& value);

}  // namespace isorbit::core
