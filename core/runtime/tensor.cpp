#include "core/runtime/tensor.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>

namespace isorbit::core {

namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

/// A mapping of at least `bytes` that starts at a huge page's border. `bytes` becomes its length.
std::byte* map_aligned(std::size_t& bytes) {
  bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* raw = ::mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<std::byte*>(raw);
  const std::size_t skipped = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
  if (skipped > 0) ::munmap(begin, skipped);
  ::munmap(begin + skipped + bytes, kHugePage - skipped);
  ::madvise(begin + skipped, bytes, MADV_HUGEPAGE);
  return begin + skipped;
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t bytes) : size_(bytes) {
  if (bytes >= kHugePage) {
    std::size_t mapped = bytes;
    std::byte* const p = map_aligned(mapped);
    data_ = std::unique_ptr<std::byte[], FreeBuffer>(p, FreeBuffer{mapped});
    return;
  }
  data_.reset(static_cast<std::byte*>(::operator new[](bytes == 0 ? 64 : bytes, std::align_val_t{64})));
  std::memset(data_.get(), 0, bytes);
}

void FreeBuffer::operator()(std::byte* p) const {
  if (mapped > 0) {
    ::munmap(p, mapped);
  } else {
    ::operator delete[](p, std::align_val_t{64});
  }
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
