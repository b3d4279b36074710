// Every registered update word against its formula in double, and the laws that hold of the formulas: the
// powers of moments and the degrees that the words declare, what Galore is at full rank, Muon's band.
#include <gtest/gtest.h>

#include <cmath>

#include "formulas.hpp"
#include "update_chain.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::Shape;
using testing_support::Chain;
using testing_support::ExactChain;
using testing_support::Numbers;

const Shape kWide{12, 20}, kTall{20, 12}, kSquare{16, 16};

/// A word that fits any matrix, at its defaults but for these; Adam without epsilon.
Json given(const Update& word, const Json& more = Json::object()) {
  Json fields = testing_support::required(word);
  for (const core::Field& field : word.fields)
    if (field.name == "epsilon") fields["epsilon"] = 0;
  fields.update(more);
  fields["kind"] = word.name;
  return fields;
}

/// Every word alone, but words that hold words around every other that may stand in them.
std::vector<Json> all_words() {
  std::vector<Json> all;
  for (const Update& word : Vocabulary::all().updates) {
    if (!word.holds_words) {
      all.push_back(Json::array({given(word)}));
      continue;
    }
    for (const Update& inner : Vocabulary::all().updates)
      if (!inner.expand && !inner.holds_words && inner.name != "learning_rate")
        all.push_back(Json::array(
            {given(word, {{updates::held_field(word).name, Json::array({given(inner)})}, {"refresh", 3}})}));
  }
  return all;
}

Chain chain_of(const Json& words, const Shape& shape) {
  Chain chain{testing_support::normal(static_cast<std::size_t>(shape.elements()), 1), shape};
  for (const Json& word : words) chain.add(word);
  return chain;
}

ExactChain exact(const Chain& chain) {
  std::vector<Word<Update>> words;
  for (const Chain::Link& link : chain.links) words.push_back({link.update, link.fields});
  return {chain.shape, words};
}

ExactChain exact(const Json& words, const Shape& shape) { return exact(chain_of(words, shape)); }

Numbers normal(const Shape& shape, std::uint64_t stream, double scale = 1) {
  Numbers out;
  for (std::int64_t i = 0; i < shape.elements(); ++i)
    out.push_back(scale * core::Philox(5, stream).normal(static_cast<std::uint64_t>(i)));
  return out;
}

void subtract(Numbers& from, const Numbers& what) {
  for (std::size_t i = 0; i < from.size(); ++i) from[i] -= what[i];
}

double largest(const Numbers& values) {
  double most = 0;
  for (const double x : values) most = std::max(most, std::abs(x));
  return most;
}

/// The largest difference of a from factor b, relative to the largest of b times the factor.
double off(const Numbers& a, const Numbers& b, double factor = 1) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double by = std::abs(a[i] - factor * b[i]);
    if (!(by <= most)) most = by;
  }
  const double size = factor * largest(b);
  return size > 0 ? most / size : most;
}

TEST(UpdatesInDouble, EveryWordHasAFormulaOrTheTestSaysWhereItBelongs) {
  for (const Update& word : Vocabulary::all().updates) {
    if (word.expand) continue;
    EXPECT_NO_THROW((void)testing_support::formula_of(word.name)) << word.name;
  }
  try {
    (void)testing_support::formula_of("sine");
    FAIL() << "a formula of no word";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(),
                 "update \"sine\" has no formula in double: add it to formula_of in "
                 "tests/experiments/formulas.hpp");
  }
}

TEST(UpdatesInDouble, AWordThatHoldsWordsDeclaresItsOwnListOfThem) {
  Update two{.name = "two", .doc = "", .fields = {{"rank", core::Spec::integer(), ""}}, .holds_words = true};
  EXPECT_THROW((void)updates::held_field(two), std::logic_error);
  two.fields.push_back({"first", updates::held_words(), "words", Json::array()});
  EXPECT_EQ(updates::held_field(two).name, "first");
  for (const Update& word : Vocabulary::all().updates) {
    if (!word.holds_words) continue;
    EXPECT_FALSE(updates::held_field(word).help.empty()) << word.name;
  }
}

/// With u = 2^-24: a word that looks at one element rounds its direction and its moments some twenty times a
/// step, and the tensor once more. A product of matrices of sides to 20 rounds by less than 20 u of the
/// largest entry, and Newton and Schulz's steps, of slope to 3.4445^5 = 485, multiply that: 20 * 485 u.
TEST(UpdatesInDouble, EveryWordFollowsItsFormula) {
  constexpr double kUnit = 0x1p-24;
  constexpr int kUpdates = 8;
  for (const Json& words : all_words()) {
    for (const Shape& shape : {kWide, kTall, kSquare}) {
      Chain found = chain_of(words, shape);
      ExactChain expected = exact(found);
      Numbers tensor(found.tensor.begin(), found.tensor.end());
      double size = largest(tensor);
      bool whole = false;
      for (const Chain::Link& link : found.links) whole = whole || link.update->whole_tensor;
      for (std::uint64_t t = 0; t < kUpdates; ++t) {
        const std::vector<float> g = testing_support::normal(tensor.size(), 10 + t);
        found.update(g);
        const Numbers d = expected.direction({g.begin(), g.end()}, tensor, static_cast<std::int64_t>(t), 100);
        subtract(tensor, d);
        size = std::max({size, largest(d), largest(tensor)});
      }
      const double allowed = kUpdates * (whole ? 20 * 485 : 20) * kUnit * size;
      for (std::size_t i = 0; i < tensor.size(); ++i)
        ASSERT_NEAR(found.tensor[i], tensor[i], allowed) << words << " on " << shape.text();
      for (std::size_t l = 0; l < found.links.size() && !whole; ++l)
        for (std::size_t m = 0; m < found.links[l].moments.size(); ++m)
          EXPECT_LE(off({found.links[l].moments[m].begin(), found.links[l].moments[m].end()},
                        expected.links[l].moments[m]),
                    kUpdates * 20 * kUnit)
              << words;
    }
  }
}

/// Law 8: a tensor s times as large has a gradient 1 / s times as large and moments s^power times as large,
/// with the powers that the words declare. Three is no power of two.
TEST(UpdatesInDouble, EveryMomentScalesByItsDeclaredPower) {
  constexpr double kScale = 3;
  int moments = 0;
  for (const Json& words : all_words()) {
    for (const Shape& shape : {kWide, kTall}) {
      ExactChain plain = exact(words, shape), scaled = plain;
      const Numbers tensor = normal(shape, 1), large = normal(shape, 1, kScale);
      for (std::int64_t t = 0; t < 5; ++t) {
        const auto stream = 20 + static_cast<std::uint64_t>(t);
        (void)plain.direction(normal(shape, stream), tensor, t, 100);
        (void)scaled.direction(normal(shape, stream, 1 / kScale), large, t, 100);
      }
      for (std::size_t l = 0; l < plain.links.size(); ++l) {
        for (std::size_t m = 0; m < plain.links[l].moments.size(); ++m, ++moments) {
          const Moment& moment = plain.links[l].described[m];
          EXPECT_LE(
              off(scaled.links[l].moments[m], plain.links[l].moments[m], std::pow(kScale, moment.power)),
              1e-12)
              << words << " " << moment.name;
          EXPECT_GT(largest(plain.links[l].moments[m]), 0) << words << " " << moment.name;
        }
      }
    }
  }
  EXPECT_GE(moments, 30);
}

/// The rule by which rates stand for factors: gradients 1 / s times as large, a direction multiplied by the
/// rule's power of s, and a tensor that moves by 1 / s of what it would have moved by.
TEST(UpdatesInDouble, TheRuleOfRatesIsTheChainRule) {
  constexpr double kScale = 3;
  for (const Json& words : all_words()) {
    ExactChain large = exact(words, kWide), rated = large;
    if (!large.rule.obstacle.empty()) continue;
    rated.rated[0].assign(12, kScale);
    Numbers moved = normal(kWide, 1, kScale), kept = normal(kWide, 1);
    for (std::int64_t t = 0; t < 5; ++t) {
      const auto stream = 20 + static_cast<std::uint64_t>(t);
      subtract(moved, large.direction(normal(kWide, stream, 1 / kScale), moved, t, 100));
      subtract(kept, rated.direction(normal(kWide, stream), kept, t, 100));
    }
    EXPECT_LE(off(moved, kept, kScale), 1e-12) << words;
  }
}

/// Law 7.
TEST(UpdatesInDouble, GaloreAtFullRankIsMomentumAroundItAndAdamInItsBasis) {
  for (const Shape& shape : {kWide, kTall, kSquare}) {
    const std::int64_t rank = std::min(shape[0], shape[1]);
    const auto around = [&](const Json& inner) {
      return exact(
          Json::array(
              {{{"kind", "galore"}, {"rank", rank}, {"scale", 1.0}, {"refresh", 1000}, {"update", inner}}}),
          shape);
    };
    for (const bool nesterov : {false, true}) {
      const Json momentum = Json::array({{{"kind", "momentum"}, {"nesterov", nesterov}}});
      ExactChain inside = around(momentum), alone = exact(momentum, shape);
      for (std::int64_t t = 0; t < 10; ++t) {
        const Numbers g = normal(shape, 30 + static_cast<std::uint64_t>(t)), at_zero(g.size());
        EXPECT_LE(off(inside.direction(g, at_zero, t, 100), alone.direction(g, at_zero, t, 100)), 1e-12);
      }
    }
    const Json adam = Json::array({{{"kind", "adam"}, {"epsilon", 0}}});
    ExactChain inside = around(adam), alone = exact(adam, shape);
    const testing_support::formula::Sides sides(shape);
    for (std::int64_t t = 0; t < 10; ++t) {
      const Numbers g = normal(shape, 40 + static_cast<std::uint64_t>(t)), at_zero(g.size());
      const Numbers found = inside.direction(g, at_zero, t, 100);
      const Numbers& p = inside.links[0].moments[0];
      const auto r = static_cast<std::size_t>(rank);
      const Numbers reduced =
          alone.direction(testing_support::formula::into(p, g, sides, r), at_zero, t, 100);
      EXPECT_LE(off(found, testing_support::formula::back(p, reduced, sides, r)), 1e-12);
    }
  }
}

/// Law 7: whatever singular value above 0.002 of the norm a direction has comes into the band, and none
/// leaves it above; under every scale of the shape.
TEST(UpdatesInDouble, MuonsSingularValuesAreInTheirBand) {
  for (double s = 0.002; s <= 1; s *= 1.001) {
    double x = s;
    for (int i = 0; i < 5; ++i) x = 3.4445 * x - 4.7750 * std::pow(x, 3) + 2.0315 * std::pow(x, 5);
    EXPECT_GE(x, 0.68) << s;
    EXPECT_LE(x, 1.21) << s;
  }
  for (const Shape& shape : {kWide, kTall, kSquare}) {
    const testing_support::formula::Sides sides(shape);
    const auto m = static_cast<double>(shape[0]), n = static_cast<double>(shape[1]);
    const std::map<std::string, double> scales = {{"none", 1.0},
                                                  {"aspect_ratio", std::sqrt(std::max(1.0, m / n))},
                                                  {"adam_rms", 0.2 * std::sqrt(std::max(m, n))}};
    const auto values = [&](const Numbers& of) {
      return core::singular_values(std::span<const double>(of), sides.rows, sides.cols);
    };
    for (const auto& [scale, factor] : scales) {
      ExactChain word = exact(Json::array({{{"kind", "orthogonalize"}, {"scale", scale}}}), shape);
      for (std::int64_t t = 0; t < 3; ++t) {
        const Numbers g = normal(shape, 50 + static_cast<std::uint64_t>(t), 1e-3), before = values(g);
        const Numbers after = values(word.direction(g, Numbers(g.size()), t, 100));
        const double norm = std::sqrt(std::inner_product(g.begin(), g.end(), g.begin(), 0.0));
        const auto large = std::ranges::count_if(before, [&](double s) { return s >= 0.002 * norm; });
        EXPECT_GE(large, 11);
        EXPECT_LE(after.front(), 1.21 * factor) << shape.text() << " " << scale;
        EXPECT_GE(std::ranges::count_if(after, [&](double s) { return s >= 0.68 * factor; }), large);
      }
    }
  }
}

}  // namespace
}  // namespace isorbit::experiments
