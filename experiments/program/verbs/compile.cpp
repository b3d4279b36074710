#include "core/passes/compile.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <ostream>

#include "core/passes/summary.hpp"
#include "experiments/method.hpp"
#include "experiments/program/settings.hpp"
#include "experiments/sweep/document_kind.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/text_table.hpp"
#include "experiments/training/realizations.hpp"

namespace isorbit::experiments::verb {
namespace {

/// Which form each layer has that could have two, and what both would cost.
std::string forms_text(const std::vector<FormChoice>& forms) {
  const auto milliseconds = [](double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", seconds * 1e3);
    return std::string(text);
  };
  TextTable table({"weight", "form", "weight side ms", "input side ms"});
  for (const FormChoice& f : forms)
    table.add({f.weight, f.form, milliseconds(f.weight_side), milliseconds(f.input_side)});
  return table.text();
}

std::string implementations(const core::Program& program) {
  std::map<std::pair<std::string, std::string>, int> counts;
  for (const core::Step& step : program.steps()) ++counts[{step.op, step.implementation}];
  TextTable table({"op", "implementation", "nodes"});
  for (const auto& [key, count] : counts) table.add({key.first, key.second, std::to_string(count)});
  return table.text();
}

}  // namespace

int compile(Console& console, const std::vector<std::string>& arguments) {
  CommandLine line(
      "compile MODEL [options]",
      "Compiles a model with its gradients, under a method where one is given. Silent but for what is\n"
      "asked for.");
  line.option("size", "S", "one of the model's sizes")
      .option("set", "NAME=VALUE", "sets a constant; may be repeated")
      .option("method", "FILE", "parametrizes the weights as this method does")
      .option("summary", "", "parameters, flops, bytes moved, memory, kernels")
      .option("dump", "PASS", "the graph after a pass")
      .option("dot", "", "the dump as Graphviz DOT")
      .option("threads", "N", "threads to compile for; 2");
  if (!line.parse(console, arguments)) return 0;
  const std::string file = line.first("model document");
  line.at_most(1);
  const int threads = static_cast<int>(std::min<std::int64_t>(line.integer("threads", 1).value_or(2), 1024));
  const std::string dump = line.has("dump") ? line.choice("dump", core::pass_names(), "") : "";
  const core::Model model = core::read_model(read_document_of(DocumentKind::model, file), every_op(),
                                             line.text("size").value_or(""), constants_from(line));
  core::CompileOptions options;
  std::vector<FormChoice> forms;
  if (const auto path = line.text("method")) {
    const Method method = read_method_for(model, read_document_of(DocumentKind::method, *path));
    Realizations chosen = realizations(method, model, every_op(), options.precision);
    options.realizations = std::move(chosen.rewrites);
    forms = std::move(chosen.forms);
  }
  core::Graph last;
  options.observer = [&](const std::string& pass, const core::Graph& graph) {
    if (pass == dump) console.out << (line.has("dot") ? core::dump_dot(graph) : core::dump_text(graph));
    last = graph;
  };
  core::Engine engine(threads);
  core::TensorStore store;
  const core::Program program = core::compile(model.graph, every_op(), options, engine, store);
  if (line.has("summary"))
    console.out << core::summary_text(core::summarize(last, program.arena_bytes())) << "\n"
                << implementations(program) << (forms.empty() ? "" : "\n" + forms_text(forms));
  return 0;
}

}  // namespace isorbit::experiments::verb
