#include "core/record/cbor.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace isorbit::core {
namespace {

enum Major : unsigned { positive, negative, binary, text, array, map, tag, simple };

struct Head {
  unsigned major = 0;
  unsigned info = 0;
  std::uint64_t argument = 0;
};

// Reads the first bytes of a value: major type, and the argument in the 0, 1, 2, 4 or 8 bytes that follow.
std::optional<Head> read_head(std::span<const std::byte>& rest) {
  if (rest.empty()) return std::nullopt;
  const auto first = std::to_integer<unsigned>(rest[0]);
  Head head{first >> 5, first & 31, first & 31};
  rest = rest.subspan(1);
  if (head.info > 27) return std::nullopt;
  if (head.info < 24) return head;
  const std::size_t width = std::size_t{1} << (head.info - 24);
  if (rest.size() < width) return std::nullopt;
  head.argument = 0;
  for (std::size_t i = 0; i < width; ++i)
    head.argument = head.argument << 8 | std::to_integer<std::uint64_t>(rest[i]);
  rest = rest.subspan(width);
  return head;
}

// false 20, true 21, null 22, and floats of 2, 4 and 8 bytes (25 to 27).
bool simple_is_plain(unsigned info) { return (info >= 20 && info <= 22) || (info >= 25 && info <= 27); }

struct Level {
  std::uint64_t values = 0;  // still to come
  bool keyed = false;
  bool key_next = false;
};

}  // namespace

bool is_plain_cbor(std::span<const std::byte> rest) {
  std::vector<Level> open{{1, false, false}};
  while (!open.empty()) {
    Level& level = open.back();
    if (level.values == 0) {
      open.pop_back();
      continue;
    }
    const auto head = read_head(rest);
    if (!head) return false;
    if (level.key_next && head->major != text) return false;
    if (!level.key_next) --level.values;
    if (level.keyed) level.key_next = !level.key_next;
    switch (head->major) {
      case positive:
        break;
      case negative:  // -1 - argument, which must be an integer of 64 bits
        if (head->argument > std::numeric_limits<std::int64_t>::max()) return false;
        break;
      case binary:
      case text:
        if (head->argument > rest.size()) return false;
        rest = rest.subspan(head->argument);
        break;
      case array:
      case map:
        if (open.size() > 64 || head->argument > rest.size()) return false;
        open.push_back({head->argument, head->major == map, head->major == map});
        break;
      case simple:
        if (!simple_is_plain(head->info)) return false;
        break;
      default:
        return false;
    }
  }
  return rest.empty();
}

}  // namespace isorbit::core
