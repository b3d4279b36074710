#include "core/graph/types.hpp"

#include <stdexcept>

namespace isorbit::core {

namespace {
constexpr std::int64_t kMostElements = std::int64_t{1} << 40;
}

const char* name_of(DType dtype) {
  return dtype == DType::f32 ? "f32" : dtype == DType::s32 ? "s32" : "bf16";
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : dims_) {
    if (extent > 0 && product > kMostElements / extent) {
      throw std::overflow_error("a tensor of shape " + text() + " with more than 2^40 elements");
    }
    product *= extent;
  }
  return product;
}

std::int64_t Shape::rows() const { return dims_.empty() ? 1 : elements() / dims_.back(); }

std::vector<std::int64_t> Shape::strides() const {
  std::vector<std::int64_t> strides(dims_.size(), 1);
  for (std::size_t i = dims_.size(); i-- > 1;) strides[i - 1] = strides[i] * dims_[i];
  return strides;
}

std::string Shape::text() const {
  std::string out = "[";
  for (std::size_t i = 0; i < dims_.size(); ++i) out += (i ? ", " : "") + std::to_string(dims_[i]);
  return out + "]";
}

}  // namespace isorbit::core
