// The compiler: a list of passes from a model document to a bound program.
#pragma once
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/document/problem.hpp"
#include "core/graph/builder.hpp"
#include "core/graph/op.hpp"
#include "core/passes/passes.hpp"
#include "core/runtime/program.hpp"

namespace isorbit::core {

/// Called after every pass with the pass's name and its graph (for --dump).
using Observer = std::function<void(const std::string& pass, const Graph& graph)>;

struct CompileOptions {
  std::map<std::string, Realize> realizations = {};  // by parameter name
  bool differentiate = true;                         // add "gradient/<parameter>" outputs
  std::vector<std::string> keep_outputs = {};        // empty: all; else only these (dead code goes)
  DType precision = DType::f32;                      // of matrix products: f32 or bf16
  Recompute recompute = Recompute::none;
  bool fuse = true;  // one kernel for several nodes where an op offers it
  Observer observer = {};
};

/// Names of the passes in their order.
[[nodiscard]] std::vector<std::string> pass_names();

/// Everything up to lowering: parametrize, expand, differentiate, simplify.
[[nodiscard]] Graph transform(Graph model, const OpSet& ops, const CompileOptions& options);

/// transform(), then lower, place reorders, plan memory and bind to the parameters in `store` (added if
/// missing).
[[nodiscard]] Program compile(Graph model, const OpSet& ops, const CompileOptions& options, Engine& engine,
                              TensorStore& store);

}  // namespace isorbit::core
