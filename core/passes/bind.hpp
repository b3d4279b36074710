// Binds a planned graph to memory: the result runs.
#pragma once
#include "core/passes/passes.hpp"
#include "core/runtime/program.hpp"

namespace isorbit::core {

/// Parameters are looked up in `store` by name and added when missing.
[[nodiscard]] Program bind(LoweredGraph lowered, const MemoryPlan& plan, Engine& engine, TensorStore& store);

}  // namespace isorbit::core
