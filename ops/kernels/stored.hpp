// Numbers in memory, stored as float or bf16: what kernels that are compiled for several instruction sets
// are given.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/graph/types.hpp"
#include "core/runtime/bf16.hpp"

namespace isorbit::ops {

struct Input {
  Input(const float* p) : data(p) {}
  Input(const core::Bf16* p) : data(p), narrow(true) {}
  Input(const void* p, core::DType dtype) : data(p), narrow(dtype == core::DType::bf16) {}
  Input(const void* p, const core::TensorType& type) : Input(p, type.dtype) {}

  const void* data;
  bool narrow = false;
};

struct Output {
  Output(float* p) : data(p) {}
  Output(core::Bf16* p) : data(p), narrow(true) {}
  Output(void* p, core::DType dtype) : data(p), narrow(dtype == core::DType::bf16) {}
  Output(void* p, const core::TensorType& type) : Output(p, type.dtype) {}

  void* data;
  bool narrow = false;
};

}  // namespace isorbit::ops
