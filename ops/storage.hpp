// Kernels over tensors stored as float or bf16. Loops over rows are made for every storage: with_storage()
// calls f(T{}, ...) with float or Bf16 for every type given. Loops over elements ask at every eight of them,
// which costs less than the memory they wait for: Source and Sink.
#pragma once
#include "core/graph/types.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops {

template <class F>
auto with_storage(const core::TensorType& a, const F& f) {
  return a.dtype == core::DType::bf16 ? f(core::Bf16{}) : f(float{});
}
template <class F>
auto with_storage(const core::TensorType& a, const core::TensorType& b, const F& f) {
  return with_storage(a, [&](auto s) { return with_storage(b, [&](auto t) { return f(s, t); }); });
}
template <class F>
auto with_storage(const core::TensorType& a, const core::TensorType& b, const core::TensorType& c,
                  const F& f) {
  return with_storage(a,
                      [&](auto s) { return with_storage(b, c, [&](auto t, auto u) { return f(s, t, u); }); });
}

class Source {
 public:
  Source(const void* numbers, const core::TensorType& type)
      : numbers_(numbers), narrow_(type.dtype == core::DType::bf16) {}
  template <class Count>
  [[nodiscard]] Float8 at(std::int64_t i, Count count) const {
    return narrow_ ? load(static_cast<const core::Bf16*>(numbers_) + i, count)
                   : load(static_cast<const float*>(numbers_) + i, count);
  }

 private:
  const void* numbers_;
  bool narrow_;
};

class Sink {
 public:
  Sink(void* numbers, const core::TensorType& type)
      : numbers_(numbers), narrow_(type.dtype == core::DType::bf16) {}
  template <class Count>
  void put(std::int64_t i, Float8 v, Count count) const {
    if (narrow_) {
      store(static_cast<core::Bf16*>(numbers_) + i, v, count);
    } else {
      store(static_cast<float*>(numbers_) + i, v, count);
    }
  }

 private:
  void* numbers_;
  bool narrow_;
};

}  // namespace isorbit::ops
