#include "core/passes/compile.hpp"

#include <algorithm>
#include <map>
#include <ostream>

#include "core/passes/summary.hpp"
#include "experiments/method.hpp"
#include "experiments/program/command_line.hpp"
#include "experiments/sweep/overrides.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments::verb {
namespace {

core::Json constants_from(const CommandLine& line) {
  core::Json constants = core::Json::object();
  for (const std::string& text : line.texts("set")) {
    const std::size_t equals = text.find('=');
    const std::vector<core::Json> values =
        split_values(equals == std::string::npos ? "" : text.substr(equals + 1));
    if (equals == std::string::npos || equals == 0 || values.size() != 1)
      throw UsageError("found --set \"" + text + "\"; expected constant=value");
    constants[text.substr(0, equals)] = values.front();
  }
  return constants;
}

/// The rewrites a method asks for, by parameter.
std::map<std::string, core::Realize> realizations(const Method& method, const core::Model& model) {
  std::map<std::string, core::Realize> out;
  for (const core::Parameter& parameter : model.graph.parameters) {
    const core::Value& weight = model.graph.value(parameter.value);
    const std::optional<std::size_t> group = method.group_of(weight.name);
    if (!group) continue;
    const Word<Parametrization>& word = method.groups[*group].parametrization;
    if (word.word == nullptr || !word.word->coordinates) continue;
    out[weight.name] = [word](core::Builder& builder, const core::Parameter& p, const core::Value& value) {
      const core::Value kept = value;
      std::vector<core::ValueId> ids;
      const core::ValueId base =
          builder.graph().add_parameter(kept.name, kept.type, false, p.init, p.pointer);
      for (const Coordinate& c : word.word->coordinates(word.fields, kept.type.shape))
        ids.push_back(builder.graph().add_parameter(kept.name + "/" + c.name, c.type, c.trainable,
                                                    core::Json{{"kind", "zeros"}}, p.pointer));
      return word.word->realize(builder, word.fields, base, ids);
    };
  }
  return out;
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
  const core::Model model = core::read_model(core::read_document(file), every_op(),
                                             line.text("size").value_or(""), constants_from(line));
  core::CompileOptions options;
  if (const auto path = line.text("method")) {
    const core::Document document = core::read_document(*path);
    const Method method = read_method(document);
    core::Problems problems;
    check_method(method, model, document, problems);
    problems.throw_if_any();
    options.realizations = realizations(method, model);
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
                << implementations(program);
  return 0;
}

}  // namespace isorbit::experiments::verb
