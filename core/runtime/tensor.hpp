// Tensors that live between runs, by name.
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "core/graph/types.hpp"

namespace isorbit::core {

struct FreeBuffer {
  std::size_t mapped = 0;  // bytes of a mapping of its own; 0: from the heap
  void operator()(std::byte* p) const;
};

/// Zero-filled memory aligned to 64 bytes; large ones in huge pages where the system lends them, and without
/// touching a page before its first use.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes);
  [[nodiscard]] std::byte* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::unique_ptr<std::byte[], FreeBuffer> data_;
  std::size_t size_ = 0;
};

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(TensorType type) : type_(std::move(type)), buffer_(type_.bytes()) {}
  [[nodiscard]] const TensorType& type() const { return type_; }
  [[nodiscard]] const Shape& shape() const { return type_.shape; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {buffer_.data(), buffer_.size()}; }
  [[nodiscard]] std::span<float> values() const;          // f32 only
  [[nodiscard]] std::span<std::int32_t> indices() const;  // s32 only

 private:
  TensorType type_;
  AlignedBuffer buffer_;
};

/// Name -> tensor. Addresses stay valid while the store lives.
class TensorStore {
 public:
  /// Adds a zero-filled tensor; throws std::logic_error when the name exists with another type.
  Tensor& add(const std::string& name, const TensorType& type);
  [[nodiscard]] Tensor& at(std::string_view name);
  [[nodiscard]] const Tensor& at(std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }
  [[nodiscard]] const std::map<std::string, Tensor, std::less<>>& tensors() const { return tensors_; }

 private:
  std::map<std::string, Tensor, std::less<>> tensors_;
};

}  // namespace isorbit::core
