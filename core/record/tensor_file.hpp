// Named tensors in the public safetensors format: u64 little-endian header length, JSON header, data.
//
// The header maps each name to {dtype, shape, data_offsets} and "__metadata__" to a map of strings; the data
// follows without holes. `write_tensors` adds metadata "sha256", the digest of the data section, which
// `read_tensors` checks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace isorbit::core {

/// f16 and bf16 are read from files of other programs; widened() makes f32 of them.
enum class StoredType { f32, f64, i32, i64, u8, f16, bf16 };

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(StoredType type);

template <typename T>
constexpr StoredType tensor_type();
template <>
constexpr StoredType tensor_type<float>() {
  return StoredType::f32;
}
template <>
constexpr StoredType tensor_type<double>() {
  return StoredType::f64;
}
template <>
constexpr StoredType tensor_type<std::int32_t>() {
  return StoredType::i32;
}
template <>
constexpr StoredType tensor_type<std::int64_t>() {
  return StoredType::i64;
}
template <>
constexpr StoredType tensor_type<std::uint8_t>() {
  return StoredType::u8;
}

/// A tensor to be written; it does not own its data.
struct TensorView {
  std::string name;
  StoredType type = StoredType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

/// A view of `values` under `name`: view_of<float>("w", {rows, cols}, w).
template <typename T>
[[nodiscard]] TensorView view_of(std::string name, std::vector<std::int64_t> shape,
                                 std::span<const T> values) {
  return {std::move(name), tensor_type<T>(), std::move(shape), std::as_bytes(values)};
}

/// A tensor that was read; it owns its data.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> data;

  /// A copy of the elements. Throws std::runtime_error when the tensor holds another type.
  template <typename T>
  [[nodiscard]] std::vector<T> values() const {
    expect(tensor_type<T>());
    std::vector<T> out(data.size() / sizeof(T));
    if (!out.empty()) std::memcpy(out.data(), data.data(), data.size());
    return out;
  }
  /// Throws std::runtime_error naming the tensor when its type is not `wanted`.
  void expect(StoredType wanted) const;
};

/// The elements of an f32, f16 or bf16 tensor, exactly. Throws std::runtime_error naming it for another type.
[[nodiscard]] std::vector<float> widened(const StoredTensor& tensor);

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<StoredTensor> tensors;  // in the order of the file

  /// The tensor of that name, or null.
  [[nodiscard]] const StoredTensor* find(std::string_view name) const;
  /// The tensor of that name. Throws std::runtime_error naming it and the nearest name there is.
  [[nodiscard]] const StoredTensor& at(std::string_view name) const;
};

/// Writes beside (`<path>.part`), syncs, renames and syncs the folder. Throws std::invalid_argument on a
/// duplicate or reserved name or data that does not fit its shape, std::runtime_error naming path and cause
/// on a failing disk.
void write_tensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                   std::map<std::string, std::string> metadata = {});

/// Reads and verifies everything: header, types, shapes, offsets, that the data is covered without holes or
/// overlap, and the digest where the file has one. Throws std::runtime_error naming the path and the damage.
[[nodiscard]] TensorFile read_tensors(const std::filesystem::path& path);

/// The same from bytes in memory; `name` stands for the path in errors.
[[nodiscard]] TensorFile parse_tensors(std::span<const std::byte> bytes, const std::string& name);

}  // namespace isorbit::core
