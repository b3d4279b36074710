// The first value of every parameter: a pure function of (seed, name), so that arms share what they can.
#pragma once
#include <cstdint>

#include "core/graph/graph.hpp"
#include "core/runtime/tensor.hpp"

namespace isorbit::experiments {

/// Fills `tensor` by the document's init: normal {std}, uniform {low, high}, zeros, ones. Throws
/// std::invalid_argument.
void initialize(core::Tensor& tensor, const std::string& name, const core::Json& init, std::uint64_t seed);

}  // namespace isorbit::experiments
