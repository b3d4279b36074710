// The element types of a tensor file by name and size; shared by its writer and its reader.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/record/tensor_file.hpp"

namespace isorbit::core {

struct StoredTypeName {
  StoredType type;
  std::string_view name;
  std::size_t size;
};
inline constexpr std::array<StoredTypeName, 7> tensor_type_names = {{{StoredType::f32, "F32", 4},
                                                                     {StoredType::f64, "F64", 8},
                                                                     {StoredType::i32, "I32", 4},
                                                                     {StoredType::i64, "I64", 8},
                                                                     {StoredType::u8, "U8", 1},
                                                                     {StoredType::f16, "F16", 2},
                                                                     {StoredType::bf16, "BF16", 2}}};

[[nodiscard]] std::string_view name_of(StoredType type);

/// Bytes of a tensor, or nothing when a dimension is negative or the product overflows.
[[nodiscard]] std::optional<std::uint64_t> tensor_bytes(std::span<const std::int64_t> shape, StoredType type);

/// A shape as errors show it: [2,3].
[[nodiscard]] std::string tensor_shape_text(std::span<const std::int64_t> shape);

}  // namespace isorbit::core
