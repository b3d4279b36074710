// What every parametrization promises, for every registered word that has coordinates.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <set>

#include "parametrized_weight.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::Shape;
using testing_support::ParametrizedWeight;

struct Case {
  std::string word;
  Json fields;
  Shape shape;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.word << " " << c.fields << " on " << c.shape.text();
}

/// The forms of a word worth telling apart.
std::vector<Json> forms(const std::string& word) {
  if (word == "lora") return {{{"rank", 4}, {"alpha", 8}}, {{"rank", 1}, {"init", "gaussian"}}};
  if (word != "poet") return {Json::object()};
  std::vector<Json> all;
  for (const char* cayley : {"neumann", "exact"}) {
    for (const int terms : {1, 3, 4}) {
      if (terms != 3 && std::string(cayley) == "exact") continue;
      all.push_back({{"cayley", cayley}, {"neumann_terms", terms}, {"block_size", 8}});
      all.push_back({{"cayley", cayley}, {"neumann_terms", terms}, {"sampling", "full"}, {"budget", 0.5}});
      all.push_back({{"cayley", cayley}, {"neumann_terms", terms}, {"sampling", "full"}, {"budget", 1.0}});
    }
    all.push_back({{"cayley", cayley}, {"block_size", 4}, {"balance", 4}});
    all.push_back({{"cayley", cayley}, {"sampling", "full"}, {"balance", 1.5}});
    all.push_back({{"cayley", cayley}, {"block_size", 8}, {"base", "int8"}});
    all.push_back({{"cayley", cayley}, {"sampling", "full"}, {"base", "int8"}});
  }
  return all;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Parametrization& word : Vocabulary::all().parametrizations) {
    if (!word.coordinates) continue;
    for (const Json& form : forms(word.name))
      for (const Shape& shape : {Shape{40, 16}, Shape{16, 40}, Shape{24, 24}})
        all.push_back({word.name, testing_support::fields_of(word, form), shape});
  }
  return all;
}

template <class A, class B>
bool same_bits(const std::vector<A>& a, const std::vector<B>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

TEST(ParametrizationLaws, AtTheStartTheRealizedWeightIsTheWeightBitForBit) {
  ASSERT_FALSE(cases().empty());
  for (const Case& c : cases()) {
    ParametrizedWeight w(c.word, c.fields, c.shape);
    const std::vector<float> weight = w.load();
    for (const int interval : {0, 1, 5}) {
      w.start(3, interval);
      w.store(weight);
      EXPECT_EQ(w.load(), weight) << c;
      EXPECT_TRUE(same_bits(w.reference(), weight)) << c;
      const std::vector<float> realized = w.compiled();
      EXPECT_EQ(std::memcmp(realized.data(), weight.data(), weight.size() * sizeof(float)), 0) << c;
    }
  }
}

/// What a step would otherwise gather again and again is moved once an interval.
TEST(ParametrizationLaws, ABaseIsStoredInTheOrderItsIntervalHasDrawn) {
  ParametrizedWeight w("poet", testing_support::poet_fields({{"block_size", 8}}), Shape{24, 16});
  const std::vector<float> weight = w.load();
  const auto rows = w.coordinates[2].indices(), columns = w.coordinates[3].indices();
  EXPECT_FALSE(std::ranges::is_sorted(rows));
  for (std::size_t i = 0; i < 24; ++i)
    for (std::size_t j = 0; j < 16; ++j)
      EXPECT_EQ(w.base.values()[i * 16 + j],
                weight[static_cast<std::size_t>(rows[i]) * 16 + static_cast<std::size_t>(columns[j])]);
  const core::Graph graph = w.graph();
  EXPECT_EQ(std::ranges::count_if(graph.nodes, [](const auto& n) { return n.op->name == "permute_matrix"; }),
            1);
}

TEST(ParametrizationLaws, AwayFromTheStartItIsAnotherWeight) {
  for (const Case& c : cases()) {
    ParametrizedWeight w(c.word, c.fields, c.shape);
    w.randomize(0.3);
    EXPECT_FALSE(same_bits(w.compiled(), w.load())) << c;
  }
}

TEST(ParametrizationLaws, AMergeKeepsTheRealizedWeightAndASecondOneChangesNothing) {
  for (const Case& c : cases()) {
    ParametrizedWeight w(c.word, c.fields, c.shape);
    w.randomize(0.3);
    const std::vector<float> realized = w.compiled();
    w.start(7, 1);
    w.store(realized);
    const std::vector<float> merged = w.load();
    const bool rounds = c.fields.value("base", "") == "int8";
    EXPECT_TRUE(rounds || same_bits(merged, realized)) << c;
    for (const int interval : {1, 2}) {
      if (interval > 1) {
        w.start(7, interval);
        w.store(merged);
      }
      EXPECT_TRUE(same_bits(w.compiled(), merged)) << c << ", merge " << interval;
    }
  }
}

/// The same in double, of bases that are not rounded.
TEST(ParametrizationLaws, AMergeInDoubleKeepsEveryBitOfTheRealizedWeight) {
  for (const Case& c : cases()) {
    ParametrizedWeight w(c.word, c.fields, c.shape);
    if (w.base.type().dtype != core::DType::f32) continue;
    w.randomize(0.3);
    const std::vector<double> realized = w.reference();
    for (const int interval : {1, 2}) {
      w.start(7, interval);
      std::vector<float> indices(realized.size());
      std::iota(indices.begin(), indices.end(), 0.0F);
      w.store(indices);  // which element of the weight each of the base is
      core::ReferenceInputs in = w.inputs();
      for (double& x : in.values.at("w")) x = realized[static_cast<std::size_t>(x)];
      EXPECT_EQ(core::evaluate(w.graph(), in).at("w"), realized) << c << ", merge " << interval;
    }
  }
}

/// Law 7.
TEST(ParametrizationLaws, AdaptersMoveAWeightByNoMoreThanTheirRankInDouble) {
  int adapted = 0;
  for (const Case& c : cases()) {
    const auto& pair = testing_support::parametrization(c.word).adapters;
    if (!pair) continue;
    ParametrizedWeight w(c.word, c.fields, c.shape);
    w.randomize(0.3);
    std::vector<double> moved = w.reference();
    const std::vector<float> base = w.load();
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] -= base[i];
    const auto at = std::ranges::find(w.described, pair->second, &Coordinate::name);
    const auto rank = static_cast<std::size_t>(at->type.shape[0]);
    const auto values =
        core::singular_values(std::span<const double>(moved), static_cast<std::size_t>(c.shape[0]),
                              static_cast<std::size_t>(c.shape[1]));
    EXPECT_GT(values[rank - 1], 1e-3 * values[0]) << c;
    EXPECT_LE(values[rank], 1e-13 * values[0]) << c;
    ++adapted;
  }
  EXPECT_GT(adapted, 0);
}

/// loss = sum (x W^T - target)^2 with x [6, in] trained.
core::Graph layer(const ParametrizedWeight& weight, bool input_side) {
  core::Graph graph;
  const core::OpSet& ops = testing_support::all_ops();
  core::Builder b(graph, ops);
  const core::ValueId x = graph.add_parameter("x", {{6, weight.shape[1]}}, true, Json::object());
  const core::ValueId target = graph.add_input("target", {{6, weight.shape[0]}});
  const core::ValueId base = graph.add_parameter("w", weight.base.type(), false, Json::object());
  std::vector<core::ValueId> coordinates;
  for (const Coordinate& c : weight.described)
    coordinates.push_back(graph.add_parameter("w/" + c.name, c.type, c.trainable, Json::object()));
  const core::ValueId y = input_side
                              ? weight.word.apply(b, weight.fields, base, coordinates, x)
                              : b.op("matmul", {x, weight.word.realize(b, weight.fields, base, coordinates)},
                                     {{"transpose_b", true}});
  const core::ValueId d = b.op("subtract", {y, target});
  graph.outputs.push_back({"loss", b.op("sum", {b.op("mul", {d, d})}, {{"axes", {0, 1}}})});
  return core::expand_all(core::differentiate(graph, ops), ops);
}

/// Law 3.
TEST(ParametrizationLaws, BothFormsAgreeInLossAndEveryGradientInDouble) {
  std::set<std::string> words;
  for (const Case& c : cases()) {
    const Parametrization& word = testing_support::parametrization(c.word);
    if (!word.apply || (word.applies && !word.applies(c.fields))) continue;
    words.insert(c.word);
    ParametrizedWeight w(c.word, c.fields, c.shape);
    w.randomize(0.5);
    core::ReferenceInputs in = w.inputs();
    for (std::int64_t i = 0; i < 6 * c.shape[1]; ++i)
      in.values["x"].push_back(core::Philox(1, 1).normal(static_cast<std::uint64_t>(i)));
    for (std::int64_t i = 0; i < 6 * c.shape[0]; ++i)
      in.values["target"].push_back(core::Philox(1, 2).normal(static_cast<std::uint64_t>(i)));
    const auto one = core::evaluate(layer(w, false), in), other = core::evaluate(layer(w, true), in);
    ASSERT_EQ(one.size(), other.size()) << c;
    for (const auto& [name, values] : one) {
      double most = 0, off = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        most = std::max(most, std::abs(values[i]));
        off = std::max(off, std::abs(values[i] - other.at(name)[i]));
      }
      EXPECT_GT(most, 1e-3) << c << " " << name;
      EXPECT_LE(off, 1e-12 * most) << c << " " << name;
    }
  }
  for (const Parametrization& word : Vocabulary::all().parametrizations)
    EXPECT_EQ(static_cast<bool>(word.apply), words.contains(word.name)) << word.name;
}

TEST(ParametrizationLaws, KernelsRealizeWhatTheReferenceDoes) {
  for (const Case& c : cases()) {
    ParametrizedWeight w(c.word, c.fields, c.shape);
    w.randomize(0.3);
    const std::vector<double> expected = w.reference();
    const std::vector<float> found = w.compiled();
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-5) << c;
  }
}

TEST(ParametrizationLaws, SingularValuesStayWithinTheBound) {
  for (const Case& c : cases()) {
    if (!testing_support::parametrization(c.word).bound) continue;
    for (const double size : {0.05, 0.3, 0.9}) {
      ParametrizedWeight w(c.word, c.fields, c.shape);
      w.randomize(size);
      const double in_double = w.defect(w.reference()), in_float = w.defect(w.compiled());
      EXPECT_LE(in_double, w.bound()) << c << " at " << size;
      EXPECT_LE(in_float, w.bound()) << c << " at " << size;
      const bool exact = c.fields.value("cayley", "") == "exact";
      if (exact) {
        EXPECT_LE(in_double, 1e-12) << c;
        EXPECT_LE(in_float, 1e-6) << c;
      } else if (size > 0.5) {
        EXPECT_GT(in_double, 0.02 * w.bound()) << "the bound says nothing: " << c;
      }
    }
  }
}

TEST(ParametrizationLaws, GradientsAgreeWithFiniteDifferencesInDouble) {
  constexpr double kStep = 1e-5;
  for (const Case& c : cases()) {
    ParametrizedWeight w(c.word, c.fields, c.shape);
    w.randomize(0.5);
    core::ReferenceInputs in = w.inputs();
    const core::Philox random(4, 2);
    for (std::int64_t i = 0; i < c.shape.elements(); ++i)
      in.values["constant"].push_back(random.normal(static_cast<std::uint64_t>(i)));
    const core::Graph graph = w.graph(true);
    const auto gradients = core::evaluate(core::differentiate(graph, testing_support::all_ops()), in);
    for (const Coordinate& coordinate : w.described) {
      if (!coordinate.trainable) continue;
      const std::vector<double>& gradient = gradients.at("gradient/w/" + coordinate.name);
      std::vector<double>& x = in.values.at("w/" + coordinate.name);
      std::vector<double> direction;
      double expected = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        direction.push_back(core::Philox(5, 3).normal(i));
        expected += gradient[i] * direction[i];
      }
      const auto loss_at = [&](double t) {
        const std::vector<double> kept = x;
        for (std::size_t i = 0; i < x.size(); ++i) x[i] += t * direction[i];
        const double loss = core::evaluate(graph, in).at("loss")[0];
        x = kept;
        return loss;
      };
      const double found = (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep);
      EXPECT_NEAR(found, expected, 1e-6 * std::max(1.0, std::abs(expected))) << c << " " << coordinate.name;
      EXPECT_GT(std::abs(expected), 1e-3) << c << " " << coordinate.name;
    }
  }
}

}  // namespace
}  // namespace isorbit::experiments
