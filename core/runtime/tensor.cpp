#include "core/runtime/tensor.hpp"

#include <cstring>
#include <stdexcept>

namespace isorbit::core {

AlignedBuffer::AlignedBuffer(std::size_t bytes)
    : data_(static_cast<std::byte*>(::operator new[](bytes == 0 ? 64 : bytes, std::align_val_t{64}))),
      size_(bytes) {
  std::memset(data_.get(), 0, bytes);
}

std::span<float> Tensor::values() const {
  if (type_.dtype != DType::f32) throw std::logic_error("a tensor of indices has no values");
  return {reinterpret_cast<float*>(buffer_.data()), buffer_.size() / sizeof(float)};
}

std::span<std::int32_t> Tensor::indices() const {
  if (type_.dtype != DType::s32) throw std::logic_error("a tensor of numbers has no indices");
  return {reinterpret_cast<std::int32_t*>(buffer_.data()), buffer_.size() / sizeof(std::int32_t)};
}

Tensor& TensorStore::add(const std::string& name, const TensorType& type) {
  const auto it = tensors_.find(name);
  if (it == tensors_.end()) return tensors_.emplace(name, Tensor(type)).first->second;
  if (!(it->second.type() == type)) {
    throw std::logic_error("tensor \"" + name + "\" is " + it->second.type().text() + ", not " + type.text());
  }
  return it->second;
}

Tensor& TensorStore::at(std::string_view name) {
  const auto it = tensors_.find(name);
  if (it == tensors_.end()) throw std::out_of_range("no tensor is named \"" + std::string(name) + "\"");
  return it->second;
}

const Tensor& TensorStore::at(std::string_view name) const {
  return const_cast<TensorStore*>(this)->at(name);
}

}  // namespace isorbit::core
