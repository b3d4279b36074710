#include "core/record/tensor_types.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace isorbit::core {
namespace {

const StoredTypeName& row_of(StoredType type) {
  return *std::find_if(tensor_type_names.begin(), tensor_type_names.end(),
                       [&](const auto& t) { return t.type == type; });
}

/// IEEE binary16: 5 bits of exponent (bias 15), 10 of mantissa.
float from_f16(std::uint16_t bits) {
  const auto exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  if (exponent == 31)  // infinite or not a number, payload kept
    return std::bit_cast<float>(sign | 0x7f800000U | static_cast<std::uint32_t>(mantissa) << 13);
  const float size = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                   : std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(size) | sign);
}

/// The upper half of binary32.
float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

}  // namespace

std::vector<float> widened(const StoredTensor& tensor) {
  if (tensor.type == StoredType::f32) return tensor.values<float>();
  if (tensor.type != StoredType::f16 && tensor.type != StoredType::bf16)
    throw std::runtime_error("tensor \"" + tensor.name + "\": found " + std::string(name_of(tensor.type)) +
                             "; expected F32, F16 or BF16");
  std::vector<std::uint16_t> halves(tensor.data.size() / 2);
  if (!halves.empty()) std::memcpy(halves.data(), tensor.data.data(), 2 * halves.size());
  std::vector<float> out(halves.size());
  std::ranges::transform(halves, out.begin(), tensor.type == StoredType::f16 ? from_f16 : from_bf16);
  return out;
}

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
