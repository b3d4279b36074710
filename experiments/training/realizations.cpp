#include "experiments/training/realizations.hpp"

#include "core/passes/compile.hpp"
#include "core/passes/cost.hpp"

namespace isorbit::experiments {

namespace {

using core::Builder;
using core::Graph;
using core::Json;
using core::ValueId;
using ParametrizationWord = Word<Parametrization>;

struct Tensors {
  ValueId base;
  std::vector<ValueId> coordinates;
};

/// The base and the coordinates of a weight, added to the graph.
Tensors add_tensors(Builder& builder, const ParametrizationWord& word, const core::Parameter& parameter,
                    const std::string& name, const core::TensorType& type) {
  Graph& graph = builder.graph();
  Tensors t{graph.add_parameter(name, word.word->base_type(word.fields, type), false, parameter.init,
                                parameter.pointer),
            {}};
  for (const Coordinate& c : word.word->coordinates(word.fields, type.shape))
    t.coordinates.push_back(graph.add_parameter(name + "/" + c.name, c.type, c.trainable,
                                                Json{{"kind", "zeros"}}, parameter.pointer));
  return t;
}

core::Realize on_weight_side(const ParametrizationWord& word) {
  return {[word](Builder& builder, const core::Parameter& p, const core::Value& value) {
    const Tensors t = add_tensors(builder, word, p, std::string(value.name), core::TensorType(value.type));
    return word.word->realize(builder, word.fields, t.base, t.coordinates);
  }};
}

core::Realize on_input_side(const ParametrizationWord& word) {
  core::Realize both = on_weight_side(word);
  both.linear = [word](Builder& builder, const core::Parameter& p, const core::Value& value, ValueId x,
                       ValueId bias) {
    const Tensors t = add_tensors(builder, word, p, std::string(value.name), core::TensorType(value.type));
    const ValueId y = word.word->apply(builder, word.fields, t.base, t.coordinates, x);
    return bias == core::kNone ? y : builder.op("add", {y, bias});
  };
  return both;
}

/// Seconds of forward and backward pass of a layer with this weight alone, gradient of its input included.
double step_time(const core::Node& layer, const Graph& model, const core::Parameter& parameter,
                 const core::Realize& realize, const core::OpSet& ops, core::DType precision) {
  const core::TensorType x_type = model.value(layer.inputs[0]).type;
  const core::Value& weight = model.value(parameter.value);
  Graph graph;
  Builder builder(graph, ops);
  const ValueId x = graph.add_parameter("x", x_type, true, Json::object());
  const ValueId w = graph.add_parameter(weight.name, weight.type, true, Json::object());
  core::Node alone = layer;
  alone.inputs = {x, w};
  alone.outputs.clear();
  const core::NodeId at = graph.add_node(alone, {model.value(layer.outputs[0]).type});
  const ValueId y = graph.nodes[static_cast<std::size_t>(at)].outputs[0];
  const ValueId t = graph.add_input("t", graph.value(y).type);
  std::vector<std::int64_t> axes;
  for (std::size_t i = 0; i < graph.shape(y).rank(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  graph.outputs.push_back({"loss", builder.op("sum", {builder.op("mul", {y, t})}, {{"axes", axes}})});
  core::CompileOptions options;
  options.realizations = {{weight.name, realize}};
  options.precision = precision;
  return core::estimated_seconds(core::transform(graph, ops, options));
}

}  // namespace

Realizations realizations(const Method& method, const core::Model& model, const core::OpSet& ops,
                          core::DType precision) {
  Realizations out;
  std::map<std::string, std::pair<double, double>> known;  // by word, fields and shapes
  for (const core::Parameter& parameter : model.graph.parameters) {
    const core::Value& weight = model.graph.value(parameter.value);
    const std::optional<std::size_t> group = method.group_of(weight.name);
    if (!group) continue;
    const ParametrizationWord& word = method.groups[*group].parametrization;
    if (word.word == nullptr || !word.word->coordinates) continue;
    core::Realize& rewrite = out.rewrites[weight.name] = on_weight_side(word);
    if (!word.word->apply || (word.word->applies && !word.word->applies(word.fields))) continue;
    const core::Node* layer = core::only_linear_use(model.graph, parameter);
    if (layer == nullptr) continue;
    const std::string key = word.word->name + word.fields.dump() + weight.type.text() +
                            model.graph.value(layer->inputs[0]).type.text();
    if (!known.contains(key)) {
      const auto time = [&](const core::Realize& realize) {
        return step_time(*layer, model.graph, parameter, realize, ops, precision);
      };
      known[key] = {time(on_weight_side(word)), time(on_input_side(word))};
    }
    const auto [weight_side, input_side] = known.at(key);
    const auto asked = word.fields.at("form").get<std::string>();
    const bool input = asked == "input" || (asked == "auto" && input_side < weight_side);
    if (input) rewrite = on_input_side(word);
    out.forms.push_back({weight.name, input ? "input" : "weight", weight_side, input_side});
  }
  return out;
}

}  // namespace isorbit::experiments
