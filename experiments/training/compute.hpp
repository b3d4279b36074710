// How a program computes, as documents and command lines say it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/passes/compile.hpp"

namespace isorbit::experiments {

struct Compute {
  int threads = 1;
  core::DType precision = core::DType::f32;  // of matrix products
  core::Recompute recompute = core::Recompute::none;
  int accumulate = 1;  // micro-batches whose gradients are averaged before an update
};

/// `dtype` is "f32" or "bf16", which is f32 where the CPU has no products for it (precision_note says so);
/// `recompute` is "none", "auto" or "full". Throws std::out_of_range for another policy.
[[nodiscard]] Compute compute_from(int threads, const std::string& dtype, const std::string& recompute);
/// Of a resolved "training".
[[nodiscard]] Compute compute_from(const core::Json& training);

/// What the user should know where `dtype` is not what will be computed in; else nothing.
[[nodiscard]] std::optional<std::string> precision_note(const std::string& dtype);

}  // namespace isorbit::experiments
