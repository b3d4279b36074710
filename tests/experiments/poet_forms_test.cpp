// Law 3 (methods): a POET layer computed on the weight side and on the input side agrees in loss and in every
// gradient, in double and by the kernels; and which form a layer has is chosen, shown and overridden.
#include <gtest/gtest.h>

#include "experiments/training/realizations.hpp"
#include "parametrized_weight.hpp"

namespace isorbit::experiments {
namespace {

using core::Builder;
using core::Json;
using core::Shape;
using core::ValueId;
using testing_support::ParametrizedWeight;
using Results = std::map<std::string, std::vector<double>>;

enum class Side { weight, input };

/// loss = sum (x W^T - target)^2 with x [rows, in] trained.
core::Graph layer(const ParametrizedWeight& weight, std::int64_t rows, Side side) {
  core::Graph graph;
  Builder b(graph, testing_support::all_ops());
  const Shape& shape = weight.shape;
  const ValueId x = graph.add_parameter("x", {{rows, shape[1]}}, true, Json::object());
  const ValueId target = graph.add_parameter("target", {{rows, shape[0]}}, false, Json::object());
  const ValueId base = graph.add_parameter("base", weight.base.type(), false, Json::object());
  std::vector<ValueId> coordinates;
  for (const Coordinate& c : weight.described)
    coordinates.push_back(graph.add_parameter(c.name, c.type, c.trainable, Json::object()));
  const ValueId y = side == Side::input
                        ? weight.word.apply(b, weight.fields, base, coordinates, x)
                        : b.op("matmul", {x, weight.word.realize(b, weight.fields, base, coordinates)},
                               {{"transpose_b", true}});
  const ValueId d = b.op("subtract", {y, target});
  graph.outputs.push_back({"loss", b.op("sum", {b.op("mul", {d, d})}, {{"axes", {0, 1}}})});
  return graph;
}

core::ReferenceInputs inputs_of(ParametrizedWeight& weight, std::int64_t rows, double size) {
  core::ReferenceInputs inputs;
  const auto draw = [&](const std::string& name, std::int64_t n, double scale) {
    const core::Philox random(5, core::stream_of(name));
    for (std::int64_t i = 0; i < n; ++i)
      inputs.values[name].push_back(static_cast<float>(scale * random.normal(static_cast<std::uint64_t>(i))));
  };
  draw("x", rows * weight.shape[1], 1);
  draw("target", rows * weight.shape[0], 1);
  draw("base", weight.shape.elements(), 1);
  weight.store(std::vector<float>(inputs.values.at("base").begin(), inputs.values.at("base").end()));
  if (weight.base.type().dtype == core::DType::s32) {
    inputs.values.erase("base");
    inputs.indices["base"].assign(weight.base.indices().begin(), weight.base.indices().end());
  } else {
    inputs.values.at("base").assign(weight.base.values().begin(), weight.base.values().end());
  }
  for (std::size_t c = 0; c < weight.described.size(); ++c) {
    const Coordinate& described = weight.described[c];
    if (described.trainable) {
      draw(described.name, described.type.shape.elements(), size);
    } else if (described.type.dtype == core::DType::s32) {
      const auto indices = weight.coordinates[c].indices();
      inputs.indices[described.name].assign(indices.begin(), indices.end());
    } else {
      const auto values = weight.coordinates[c].values();
      inputs.values[described.name].assign(values.begin(), values.end());
    }
  }
  return inputs;
}

Results in_double(const core::Graph& graph, const core::ReferenceInputs& inputs) {
  const core::OpSet& ops = testing_support::all_ops();
  return core::evaluate(core::expand_all(core::differentiate(graph, ops), ops), inputs);
}

Results by_kernels(const core::Graph& graph, const core::ReferenceInputs& inputs,
                   core::DType precision = core::DType::f32) {
  core::Engine engine(2);
  core::TensorStore store;
  core::CompileOptions options;
  options.precision = precision;
  core::Program program = core::compile(graph, testing_support::all_ops(), options, engine, store);
  for (const auto& [name, values] : inputs.values)
    if (store.contains(name)) std::ranges::copy(values, store.at(name).values().begin());
  for (const auto& [name, values] : inputs.indices)
    if (store.contains(name)) std::ranges::copy(values, store.at(name).indices().begin());
  program.run();
  Results results;
  for (const char* name : {"loss", "gradient/x", "gradient/left", "gradient/right"}) {
    const auto values = program.output(name);
    results[name].assign(values.begin(), values.end());
  }
  return results;
}

/// Differences relative to the largest element of each result.
void expect_close(const Results& a, const Results& b, double bound, const std::string& what) {
  for (const char* name : {"loss", "gradient/x", "gradient/left", "gradient/right"}) {
    double size = 0, most = 0;
    ASSERT_EQ(a.at(name).size(), b.at(name).size());
    for (std::size_t i = 0; i < a.at(name).size(); ++i) {
      size = std::max(size, std::abs(a.at(name)[i]));
      most = std::max(most, std::abs(a.at(name)[i] - b.at(name)[i]));
    }
    ASSERT_GT(size, 1e-3) << name;
    EXPECT_LE(most, bound * size) << what << ": " << name;
  }
}

ParametrizedWeight poet(Json fields, Shape shape) {
  fields["init"] = "model";
  return {"poet", testing_support::poet_fields(fields), std::move(shape)};
}

TEST(PoetForms, AgreeInLossAndEveryGradientInDouble) {
  for (const Json& form : std::vector<Json>{{{"neumann_terms", 1}},
                                            {{"neumann_terms", 3}},
                                            {{"neumann_terms", 4}},
                                            {{"neumann_terms", 6}, {"memory", "mem"}},
                                            {{"cayley", "exact"}},
                                            {{"base", "int8"}},
                                            {{"base", "int8"}, {"memory", "mem"}, {"balance", 0.25}}}) {
    Json fields = form;
    fields["block_size"] = 4;
    ParametrizedWeight weight = poet(fields, {12, 8});
    const core::ReferenceInputs inputs = inputs_of(weight, 6, 0.2);
    expect_close(in_double(layer(weight, 6, Side::weight), inputs),
                 in_double(layer(weight, 6, Side::input), inputs), 1e-12, fields.dump());
  }
}

TEST(PoetForms, AgreeInLossAndEveryGradientByTheKernels) {
  for (const int terms : {3, 4}) {
    for (const double size : {0.0, 0.003, 0.02, 0.08}) {  // of an entry of Q; singular values to 8 times it
      for (const char* memory : {"fast", "mem"}) {
        ParametrizedWeight weight =
            poet({{"block_size", 16}, {"neumann_terms", terms}, {"memory", memory}}, {48, 32});
        const core::ReferenceInputs inputs = inputs_of(weight, 300, size);
        const Results exact = in_double(layer(weight, 300, Side::weight), inputs);
        const std::string what = std::string(memory) + " at " + std::to_string(size);
        expect_close(exact, by_kernels(layer(weight, 300, Side::weight), inputs), 2e-5, "weight " + what);
        expect_close(exact, by_kernels(layer(weight, 300, Side::input), inputs), 2e-5, "input " + what);
      }
    }
  }
}

/// Operands rounded to 2^-9 of themselves. What a rotation learns is the skew part of a product whose
/// symmetric part is several times larger here, and whose rounding remains when that cancels.
TEST(PoetForms, AgreeInBf16WithinItsRoundingTheInputSideBetter) {
  ParametrizedWeight weight = poet({{"block_size", 16}}, {48, 32});
  const core::ReferenceInputs inputs = inputs_of(weight, 300, 0.02);
  const Results exact = in_double(layer(weight, 300, Side::weight), inputs);
  expect_close(exact, by_kernels(layer(weight, 300, Side::weight), inputs, core::DType::bf16), 4e-2,
               "weight");
  expect_close(exact, by_kernels(layer(weight, 300, Side::input), inputs, core::DType::bf16), 2e-2, "input");
}

/// A matrix of numbers that lived until its gradient is asked for would cost more than its bytes save.
TEST(PoetForms, ABaseInBytesIsMadeOfThemAgainForTheBackwardPass) {
  ParametrizedWeight weight = poet({{"block_size", 4}, {"base", "int8"}}, {12, 8});
  for (const Side side : {Side::weight, Side::input}) {
    core::Graph graph = core::transform(layer(weight, 6, side), testing_support::all_ops(), {});
    int made = 0;
    for (const core::Node& node : graph.nodes) {
      if (node.op->name != "dequantize") continue;
      ++made;
      for (const core::Node& reader : graph.nodes)
        EXPECT_TRUE(std::ranges::count(reader.inputs, node.outputs[0]) == 0 ||
                    reader.backward == node.backward);
    }
    EXPECT_EQ(made, side == Side::weight ? 2 : 1);
  }
}

core::Model llama(const std::string& size, const Json& constants = Json::object()) {
  const core::Document document =
      core::read_document(std::string(ISORBIT_SOURCE_DIR) + "/experiments/models/llama.json");
  return core::read_model(document, testing_support::all_ops(), size, constants);
}

Realizations poet_on(const core::Model& model, const std::string& form,
                     const std::string& glob = "layers.*") {
  const Json update = Json::parse(R"([{ "kind": "adam" }, { "kind": "learning_rate", "value": 1e-3 }])");
  const Json method = {{"name", "poet"},
                       {"groups",
                        {{{"parameters", glob + ".{attn,mlp}.*.weight"},
                          {"parametrization", {{"kind", "poet"}, {"block_size", 64}, {"form", form}}},
                          {"update", update},
                          {"events", {{{"kind", "merge"}, {"every", 10}}}}},
                         {{"parameters", "*"}, {"update", update}}}}};
  return realizations(read_method(core::parse_document(method.dump(), "method.json")), model,
                      testing_support::all_ops(), core::DType::f32);
}

TEST(PoetForms, TheCheaperOneIsChosenPerLayerAndTheSameEveryTime) {
  const core::Model model = llama("small");
  const Realizations chosen = poet_on(model, "auto"), again = poet_on(model, "auto");
  ASSERT_EQ(chosen.forms.size(), 56U);
  for (std::size_t i = 0; i < chosen.forms.size(); ++i) {
    const FormChoice& c = chosen.forms[i];
    EXPECT_EQ(c.form, c.input_side < c.weight_side ? "input" : "weight") << c.weight;
    EXPECT_EQ(c.form, "input") << c.weight << ": b (1/m + 1/n) is far below what the forms have in common";
    EXPECT_EQ(c.input_side, again.forms[i].input_side);
    EXPECT_EQ(static_cast<bool>(chosen.rewrites.at(c.weight).linear), c.form == "input");
  }
}

/// At b (1/m + 1/n) = 1 the rotations of activations cost what the weight's gradient does.
TEST(PoetForms, BlocksAsLargeAsHalfTheWeightStayOnTheWeightSide) {
  for (const FormChoice& c : poet_on(llama("micro"), "auto").forms)
    EXPECT_EQ(c.form, c.weight.find(".attn.") == std::string::npos ? "input" : "weight") << c.weight;
}

TEST(PoetForms, TheDocumentOverridesTheChoice) {
  for (const std::string form : {"weight", "input"})
    for (const FormChoice& c : poet_on(llama("micro"), form).forms) EXPECT_EQ(c.form, form);
}

}  // namespace
}  // namespace isorbit::experiments
