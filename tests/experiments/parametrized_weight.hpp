// One weight under a parametrization, with its tensors and its realization, for tests.
#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/linalg/linalg.hpp"
#include "core/passes/compile.hpp"
#include "core/random/philox.hpp"
#include "core/runtime/reference.hpp"
#include "experiments/method.hpp"
#include "ops/registry.hpp"

namespace isorbit::experiments {

namespace testing_support {

inline const core::OpSet& all_ops() {
  static const core::OpSet set(ops::registered());
  return set;
}

inline const Parametrization& parametrization(const std::string& name) {
  for (const Parametrization& word : Vocabulary::all().parametrizations)
    if (word.name == name) return word;
  throw std::out_of_range(name);
}

/// Fields of a word with its defaults.
inline core::Json fields_of(const Parametrization& word, const core::Json& given) {
  core::Problems problems;
  core::Json fields = core::resolve(given, core::Spec::object(word.fields), {}, problems);
  problems.throw_if_any();
  return fields;
}

inline core::Json poet_fields(const core::Json& given) {
  return fields_of(parametrization("poet"), given.is_null() ? core::Json::object() : given);
}

struct ParametrizedWeight {
  const Parametrization& word;
  core::Json fields;
  core::Shape shape;
  core::Tensor base;
  std::vector<Coordinate> described;
  std::vector<core::Tensor> coordinates;

  /// A Gaussian weight as base and the coordinates of interval 0.
  ParametrizedWeight(const std::string& name, core::Json word_fields, core::Shape weight)
      : word(parametrization(name)),
        fields(std::move(word_fields)),
        shape(std::move(weight)),
        base(word.base_type(fields, {shape, core::DType::f32})) {
    described = word.coordinates(fields, shape);
    for (const Coordinate& c : described) coordinates.emplace_back(c.type);
    start(7, 0);
    std::vector<float> drawn(static_cast<std::size_t>(shape.elements()));
    core::Philox(9, 1).fill_normal(drawn, 1.0);
    store(drawn);
  }

  /// Makes `values` the base of the present interval.
  void store(std::span<const float> values) {
    if (word.store) {
      word.store(fields, values, base, all());
    } else {
      std::ranges::copy(values, base.values().begin());
    }
  }

  /// The weight that the base stands for.
  [[nodiscard]] std::vector<float> load() const {
    if (!word.load) return {base.values().begin(), base.values().end()};
    std::vector<float> values(static_cast<std::size_t>(shape.elements()));
    word.load(fields, base, all(), values);
    return values;
  }

  [[nodiscard]] std::vector<core::Tensor*> all() {
    std::vector<core::Tensor*> tensors;
    for (core::Tensor& c : coordinates) tensors.push_back(&c);
    return tensors;
  }
  [[nodiscard]] std::vector<const core::Tensor*> all() const {
    std::vector<const core::Tensor*> tensors;
    for (const core::Tensor& c : coordinates) tensors.push_back(&c);
    return tensors;
  }

  void start(std::uint64_t seed, std::int64_t interval) { word.start(fields, "w", all(), seed, interval); }

  /// Trainable coordinates from a Gaussian such that a matrix Q of b rows has singular values up to about
  /// `size`.
  void randomize(double size) {
    for (std::size_t i = 0; i < coordinates.size(); ++i) {
      if (!described[i].trainable) continue;
      const auto b = std::sqrt(2.0 * static_cast<double>(described[i].type.shape.back()));
      core::Philox(11, i).fill_normal(coordinates[i].values(), size / (2 * std::sqrt(b)));
    }
  }

  /// Output "w"; with `weights` also "loss", the sum of w times a constant.
  [[nodiscard]] core::Graph graph(bool loss = false) const {
    core::Graph g;
    core::Builder b(g, all_ops(), "w");
    const core::ValueId base_id = g.add_parameter("w", base.type(), false, core::Json::object());
    std::vector<core::ValueId> ids;
    for (const Coordinate& c : described)
      ids.push_back(g.add_parameter("w/" + c.name, c.type, c.trainable, core::Json::object()));
    const core::ValueId w = word.realize(b, fields, base_id, ids);
    g.outputs.push_back({"w", w});
    if (loss) {
      const core::ValueId constant = g.add_input("constant", {shape, core::DType::f32});
      g.outputs.push_back({"loss", b.op("sum", {b.op("mul", {w, constant})}, {{"axes", {0, 1}}})});
    }
    return g;
  }

  [[nodiscard]] core::ReferenceInputs inputs() const {
    core::ReferenceInputs in;
    if (base.type().dtype == core::DType::s32) {
      in.indices["w"] = {base.indices().begin(), base.indices().end()};
    } else {
      in.values["w"] = {base.values().begin(), base.values().end()};
    }
    for (std::size_t i = 0; i < coordinates.size(); ++i) {
      const std::string name = "w/" + described[i].name;
      if (described[i].type.dtype == core::DType::s32) {
        in.indices[name] = {coordinates[i].indices().begin(), coordinates[i].indices().end()};
      } else {
        in.values[name] = {coordinates[i].values().begin(), coordinates[i].values().end()};
      }
    }
    return in;
  }

  /// The realized weight in double.
  [[nodiscard]] std::vector<double> reference() const { return core::evaluate(graph(), inputs()).at("w"); }

  /// The realized weight by its kernels.
  [[nodiscard]] std::vector<float> compiled() const {
    core::Engine engine(2);
    core::TensorStore store;
    core::Program program = core::compile(graph(), all_ops(), {.differentiate = false}, engine, store);
    std::ranges::copy(base.bytes(), store.at("w").bytes().begin());
    for (std::size_t i = 0; i < coordinates.size(); ++i)
      if (store.contains("w/" + described[i].name))
        std::ranges::copy(coordinates[i].bytes(), store.at("w/" + described[i].name).bytes().begin());
    program.run();
    const auto w = program.output("w");
    return {w.begin(), w.end()};
  }

  [[nodiscard]] double bound() const { return word.bound(fields, all()); }

  /// Largest move of a singular value from the base's, relative to the largest.
  template <class Number>
  [[nodiscard]] double defect(const std::vector<Number>& realized) const {
    const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape[1]);
    const std::vector<float> start = load();
    const auto before = core::singular_values(std::span<const float>(start), rows, columns);
    const auto now = core::singular_values(std::span<const Number>(realized), rows, columns);
    double most = 0;
    for (std::size_t i = 0; i < now.size(); ++i) most = std::max(most, std::abs(now[i] - before[i]));
    return most / before.front();
  }
};

}  // namespace testing_support
}  // namespace isorbit::experiments
