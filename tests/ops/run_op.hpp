// Runs a single op on both engines, for tests.
#pragma once
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph/builder.hpp"
#include "core/passes/compile.hpp"
#include "core/random/philox.hpp"
#include "core/runtime/reference.hpp"
#include "ops/registry.hpp"

namespace isorbit::ops {

namespace testing {

inline const core::OpSet& all_ops() {
  static const core::OpSet set(registered());
  return set;
}

/// One tensor: numbers that a float holds exactly, or indices.
struct Operand {
  core::TensorType type;
  std::vector<double> values;
  std::vector<std::int32_t> indices;
};

/// Standard normal numbers; the same for the same name.
inline Operand normal(core::Shape shape, std::string_view name) {
  const core::Philox random(1, core::stream_of(name));
  Operand out{{std::move(shape), core::DType::f32}, {}, {}};
  for (std::int64_t i = 0; i < out.type.shape.elements(); ++i) {
    out.values.push_back(static_cast<float>(random.normal(static_cast<std::uint64_t>(i))));
  }
  return out;
}

inline Operand numbers(core::Shape shape, std::vector<double> values) {
  return {{std::move(shape), core::DType::f32}, std::move(values), {}};
}

inline Operand indices(core::Shape shape, std::vector<std::int32_t> values) {
  return {{std::move(shape), core::DType::s32}, {}, std::move(values)};
}

/// Indices in [0, below), without repeats if `distinct`; the same for the same name.
inline Operand indices(core::Shape shape, std::int64_t below, bool distinct, std::string_view name) {
  const core::Philox random(1, core::stream_of(name));
  const auto n = static_cast<std::size_t>(shape.elements());
  std::vector<std::int32_t> values;
  if (distinct) values = random.permutation(static_cast<std::size_t>(below));
  values.resize(n);
  for (std::size_t i = 0; i < n && !distinct; ++i) {
    values[i] = static_cast<std::int32_t>(random.below(i, static_cast<std::uint64_t>(below)));
  }
  return indices(std::move(shape), std::move(values));
}

inline std::string input_name(std::size_t i) { return "in" + std::to_string(i); }

/// A graph with the operands as inputs "in0", ... ; numbers are trainable parameters if `trainable`.
inline std::vector<core::ValueId> add_operands(core::Graph& graph, const std::vector<Operand>& operands,
                                               bool trainable) {
  std::vector<core::ValueId> ids;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const core::TensorType& type = operands[i].type;
    ids.push_back(trainable && type.dtype == core::DType::f32
                      ? graph.add_parameter(input_name(i), type, true, {{"kind", "zeros"}})
                      : graph.add_input(input_name(i), type));
  }
  return ids;
}

/// The op on the operands; outputs are called "y0", ...
inline core::Graph one_node(std::string_view op, const std::vector<Operand>& operands,
                            const core::Json& attributes = core::Json::object()) {
  core::Graph graph;
  const std::vector<core::ValueId> in = add_operands(graph, operands, false);
  const std::vector<core::ValueId> out = core::Builder(graph, all_ops()).all(op, in, attributes);
  for (std::size_t i = 0; i < out.size(); ++i) graph.outputs.push_back({"y" + std::to_string(i), out[i]});
  return graph;
}

inline core::ReferenceInputs reference_inputs(const std::vector<Operand>& operands) {
  core::ReferenceInputs inputs;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].type.dtype == core::DType::f32) {
      inputs.values[input_name(i)] = operands[i].values;
    } else {
      inputs.indices[input_name(i)] = operands[i].indices;
    }
  }
  return inputs;
}

struct Result {
  std::vector<std::vector<float>> outputs;
  std::vector<std::string> implementations;
};

/// The outputs of a graph over these operands, in the graph's order, run `times` times over the same program.
inline Result run(const core::Graph& graph, const std::vector<Operand>& operands, int threads = 1,
                  int times = 1) {
  core::Engine engine(threads);
  core::TensorStore store;
  core::CompileOptions options;
  options.differentiate = false;
  core::Program program = core::compile(graph, all_ops(), options, engine, store);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].type.dtype == core::DType::f32) {
      const std::span<float> to = graph.parameter(input_name(i)) != nullptr ? store.at(input_name(i)).values()
                                                                            : program.input(input_name(i));
      for (std::size_t j = 0; j < to.size(); ++j) to[j] = static_cast<float>(operands[i].values[j]);
    } else {
      const std::span<std::int32_t> to = program.input_indices(input_name(i));
      std::copy(operands[i].indices.begin(), operands[i].indices.end(), to.begin());
    }
  }
  for (int i = 0; i < times; ++i) program.run();
  Result result;
  for (const core::GraphOutput& o : graph.outputs) {
    const std::span<float> y = program.output(o.name);
    result.outputs.emplace_back(y.begin(), y.end());
  }
  for (const core::Step& step : program.steps()) result.implementations.push_back(step.implementation);
  return result;
}

inline Result run(std::string_view op, const std::vector<Operand>& operands,
                  const core::Json& attributes = core::Json::object(), int threads = 1) {
  return run(one_node(op, operands, attributes), operands, threads);
}

inline std::vector<double> reference(std::string_view op, const std::vector<Operand>& operands,
                                     const core::Json& attributes = core::Json::object()) {
  return core::evaluate(one_node(op, operands, attributes), reference_inputs(operands)).at("y0");
}

/// Largest difference relative to the expected values' root mean square.
template <class A, class B>
double relative_error(const A& found, const B& expected) {
  if (found.size() != expected.size()) return INFINITY;
  double square = 0, most = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    square += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
    const double off = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    most = off <= most ? most : off;  // NaN is kept
  }
  const double rms = std::sqrt(square / static_cast<double>(expected.size()));
  return most == 0 ? 0 : most / rms;
}

}  // namespace testing
}  // namespace isorbit::ops
