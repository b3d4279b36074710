#include "core/record/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <system_error>

#include "core/record/cbor.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/unreadable.hpp"

namespace isorbit::core {
namespace {

constexpr std::uint32_t magic = 0x314C4F49u;  // "IOL1"
constexpr std::size_t head_bytes = 12;

// CRC-32 (IEEE 802.3, reflected polynomial EDB88320), a byte at a time.
constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (c & 1 ? 0xEDB88320u : 0u);
    table[i] = c;
  }
  return table;
}();

std::uint32_t crc32_of(std::span<const std::byte> bytes) {
  std::uint32_t c = 0xFFFFFFFFu;
  for (const std::byte b : bytes) c = crc_table[(c ^ std::to_integer<std::uint32_t>(b)) & 255] ^ (c >> 8);
  return ~c;
}

void put_u32(std::vector<std::uint8_t>& out, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint32_t get_u32(std::span<const std::byte> in, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(in[at + i]) << (8 * i);
  return value;
}

std::vector<std::uint8_t> frame_of(const Json& row, const std::filesystem::path& path) {
  std::vector<std::uint8_t> frame(head_bytes);
  try {
    Json::to_cbor(row, frame);
  } catch (const Json::exception& error) {
    throw std::runtime_error(path.string() + ": a row cannot be written: " + error.what());
  }
  const auto payload = std::as_bytes(std::span(frame)).subspan(head_bytes);
  if (payload.size() > std::numeric_limits<std::uint32_t>::max() || !is_plain_cbor(payload))
    throw std::runtime_error(path.string() + ": a row cannot be written: found " +
                             std::to_string(payload.size()) +
                             " bytes; expected at most 4 GiB, 64 levels and untagged binary values");
  put_u32(frame, 0, magic);
  put_u32(frame, 4, static_cast<std::uint32_t>(payload.size()));
  put_u32(frame, 8, crc32_of(payload));
  return frame;
}

// Decodes the frame at the start of `rest` and steps over it; returns why not, or nothing.
std::string take_frame(std::span<const std::byte>& rest, std::vector<Json>& rows) {
  if (rest.size() < head_bytes) return "the frame's head is cut off";
  if (get_u32(rest, 0) != magic) return "no frame starts here";
  const std::size_t length = get_u32(rest, 4);
  if (length > rest.size() - head_bytes) return "the frame's payload is cut off";
  const auto payload = rest.subspan(head_bytes, length);
  if (crc32_of(payload) != get_u32(rest, 8)) return "the frame's checksum does not hold";
  if (!is_plain_cbor(payload)) return "the frame's payload is not a row";
  const auto* first = reinterpret_cast<const std::uint8_t*>(payload.data());
  Json row = Json::from_cbor(first, first + payload.size(), true, false);
  if (row.is_discarded()) return "the frame's payload is not a row";
  rows.push_back(std::move(row));
  rest = rest.subspan(head_bytes + length);
  return {};
}

template <typename T>
Json pack(std::span<const T> values) {
  std::vector<std::uint8_t> bytes(values.size_bytes());
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return Json::binary(std::move(bytes));
}

template <typename T>
std::vector<T> unpack(const Json& value) {
  if (!value.is_binary())
    throw std::invalid_argument("packed numbers: found " + std::string(value.type_name()) +
                                "; expected binary");
  const auto& bytes = value.get_binary();
  if (bytes.size() % sizeof(T) != 0)
    throw std::invalid_argument("packed numbers: found " + std::to_string(bytes.size()) +
                                " bytes; expected a multiple of " + std::to_string(sizeof(T)));
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int code) {
  throw std::system_error(code, std::generic_category(), path.string() + ": cannot " + what);
}

}  // namespace

Journal::Journal(std::filesystem::path path)
    : path_(std::move(path)),
      length_(is_there(path_) ? read(path_).valid_bytes : 0),
      file_(path_, O_WRONLY | O_CREAT | O_APPEND, "open") {
  int result = 0;
  do result = ::ftruncate(file_.get(), static_cast<off_t>(length_));
  while (result != 0 && errno == EINTR);
  if (result != 0) fail(path_, "cut the torn tail of", errno);
}

void Journal::append(const Json& row) {
  const auto frame = frame_of(row, path_);
  try {
    write_fully(file_.get(), std::as_bytes(std::span(frame)), path_);
  } catch (...) {
    // Take back what part of the frame was written; if even that fails, the checksum marks it as damaged.
    [[maybe_unused]] const int ignored = ::ftruncate(file_.get(), static_cast<off_t>(length_));
    throw;
  }
  length_ += frame.size();
}

void Journal::sync() {
  int result = 0;
  do result = ::fdatasync(file_.get());
  while (result != 0 && errno == EINTR);
  if (result != 0) fail(path_, "sync", errno);
}

JournalContents Journal::read(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  JournalContents contents;
  contents.file_bytes = bytes.size();
  std::span<const std::byte> rest = bytes;
  while (!rest.empty() && contents.damage.empty()) contents.damage = take_frame(rest, contents.rows);
  contents.valid_bytes = bytes.size() - rest.size();
  if (!contents.damage.empty())
    contents.damage = path.string() + ": byte " + std::to_string(contents.valid_bytes) + " of " +
                      std::to_string(contents.file_bytes) + ": " + contents.damage;
  return contents;
}

void Journal::write(const std::filesystem::path& path, std::span<const Json> rows) {
  DurableFile file(path);
  for (const Json& row : rows) {
    const auto frame = frame_of(row, path);
    file.write(std::as_bytes(std::span(frame)));
  }
  file.commit();
}

Json pack_floats(std::span<const float> values) { return pack(values); }
Json pack_doubles(std::span<const double> values) { return pack(values); }
std::vector<float> unpack_floats(const Json& value) { return unpack<float>(value); }
std::vector<double> unpack_doubles(const Json& value) { return unpack<double>(value); }

}  // namespace isorbit::core
