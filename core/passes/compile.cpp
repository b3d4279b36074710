#include "core/passes/compile.hpp"

#include "core/passes/bind.hpp"

namespace isorbit::core {

std::vector<std::string> pass_names() {
  return {"read", "parametrize", "expand", "differentiate", "keep_outputs",   "expand_all", "simplify",
          "fuse", "recompute",   "narrow", "lower",         "place_reorders", "plan_memory"};
}

Graph transform(Graph graph, const OpSet& ops, const CompileOptions& options) {
  const auto observe = [&](const char* pass, const Graph& g) {
    if (options.observer) options.observer(pass, g);
  };
  observe("read", graph);
  graph = parametrize(graph, ops, options.realizations);
  observe("parametrize", graph);
  graph = expand(graph, ops);
  observe("expand", graph);
  if (options.differentiate) graph = differentiate(graph, ops);
  observe("differentiate", graph);
  if (!options.keep_outputs.empty()) graph = keep_outputs(std::move(graph), options.keep_outputs);
  observe("keep_outputs", graph);
  graph = expand_all(graph, ops);
  observe("expand_all", graph);
  graph = simplify(graph);
  observe("simplify", graph);
  if (options.fuse) graph = fuse(graph, ops);
  observe("fuse", graph);
  graph = recompute(graph, options.recompute);
  observe("recompute", graph);
  if (options.precision == DType::bf16) graph = narrow(graph, ops);
  observe("narrow", graph);
  return graph;
}

Program compile(Graph model, const OpSet& ops, const CompileOptions& options, Engine& engine,
                TensorStore& store) {
  const auto observe = [&](const char* pass, const Graph& g) {
    if (options.observer) options.observer(pass, g);
  };
  LoweredGraph lowered = lower(transform(std::move(model), ops, options), engine);
  observe("lower", lowered.graph);
  lowered = place_reorders(std::move(lowered), engine);
  observe("place_reorders", lowered.graph);
  const MemoryPlan plan = plan_memory(lowered);
  observe("plan_memory", lowered.graph);
  return bind(std::move(lowered), plan, engine, store);
}

}  // namespace isorbit::core
