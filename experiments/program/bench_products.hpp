// The machine's ceiling: what the matrix products of a program take as bare oneDNN matmuls.
#pragma once
#include "core/graph/op.hpp"
#include "core/runtime/program.hpp"

namespace isorbit::experiments {

/// Milliseconds of the product on all threads of the engine, median over repeats: each thread has one slice
/// (of the batch, or else of the rows). packed: b in the format oneDNN likes best, the packing not timed.
[[nodiscard]] double time_product(core::Engine& engine, const core::MatrixProduct& product, bool packed);

struct Ceiling {
  double ms = 0;     // sum over all products that the executed nodes make
  double flops = 0;  // of these products
};
/// Measures every distinct product once in its best layout.
[[nodiscard]] Ceiling measure_ceiling(const core::Program& program, int threads);

}  // namespace isorbit::experiments
