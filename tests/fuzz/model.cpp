// A model document, read at its first size where it has one. Its graph is sound, what it costs can be
// counted, and the document that a cell keeps of it makes the same graph.
#include <map>

#include "core/passes/summary.hpp"
#include "experiments/training/cell_document.hpp"
#include "tests/fuzz/small_model.hpp"
#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {
namespace {

using core::Graph;
using core::Json;

void check_sound(const Graph& graph) {
  const auto values = static_cast<core::ValueId>(graph.values.size());
  std::vector<bool> made(graph.values.size(), false);
  for (const core::ValueId v : graph.inputs) made.at(core::index(v)) = true;
  for (const core::Parameter& p : graph.parameters) made.at(core::index(p.value)) = true;
  for (const core::Node& node : graph.nodes) {
    for (const core::ValueId v : node.inputs)
      claim(v == core::kNone || (v >= 0 && v < values && made[core::index(v)]),
            "a node reads what was made before it: " + node.name);
    for (const core::ValueId v : node.outputs) made.at(core::index(v)) = true;
  }
  claim(graph.output("loss").has_value(), "a model has a loss");
}

std::string size_of(const core::Document& document) {
  if (!document.root.is_object()) return {};
  const auto sizes = document.root.find("sizes");
  const bool any = sizes != document.root.end() && sizes->is_object() && !sizes->empty();
  return any ? sizes->begin().key() : std::string();
}

/// The model as a cell keeps it.
core::Document kept(const core::Document& document, const std::string& size) {
  static const core::Document method = core::parse_document(small_method_text, "both");
  const Json cell = experiments::cell_document(document, size, Json::object(), method, Json::object(),
                                               Json::object(), Json::object(), 0);
  return {"cell", cell.at("model"), {}};
}

}  // namespace

void model(Input input) {
  try {
    const core::Document document = core::parse_document(text_of(input), "model.json");
    const std::string size = size_of(document);
    const core::Model read = core::read_model(document, experiments::every_op(), size);
    check_sound(read.graph);
    (void)core::summarize(read.graph);
    const core::Model again = core::read_model(kept(document, size), experiments::every_op());
    claim(core::dump_text(again.graph) == core::dump_text(read.graph),
          "a cell keeps the model it was made of");
  } catch (const core::DocumentError& error) {
    check_problems(error);
  }
}

}  // namespace isorbit::fuzz
