#include "core/record/tensor_types.hpp"

#include <algorithm>
#include <limits>

namespace isorbit::core {
namespace {

const StoredTypeName& row_of(StoredType type) {
  return *std::find_if(tensor_type_names.begin(), tensor_type_names.end(),
                       [&](const auto& t) { return t.type == type; });
}

}  // namespace

std::size_t size_of(StoredType type) { return row_of(type).size; }

std::string_view name_of(StoredType type) { return row_of(type).name; }

std::optional<std::uint64_t> tensor_bytes(std::span<const std::int64_t> shape, StoredType type) {
  std::uint64_t bytes = size_of(type);
  for (const std::int64_t d : shape) {
    if (d < 0) return std::nullopt;
    const auto n = static_cast<std::uint64_t>(d);
    if (n != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / n) return std::nullopt;
    bytes *= n;
  }
  return bytes;
}

std::string tensor_shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t d : shape) text += (text.size() > 1 ? "," : "") + std::to_string(d);
  return text + "]";
}

}  // namespace isorbit::core
