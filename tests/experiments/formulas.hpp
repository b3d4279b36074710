// The update words in double, each by its formula: what the words, which compute in f32, are held to, and
// what laws are shown with that f32 would only show loosely. A registered word without one fails the tests
// that ask for it.
#pragma once
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "core/linalg/linalg.hpp"
#include "experiments/method.hpp"
#include "experiments/training/rates.hpp"
#include "experiments/updates/learning_rate.hpp"
#include "experiments/updates/word.hpp"

namespace isorbit::experiments::testing_support {

using Numbers = std::vector<double>;

/// A direction with what lies beside it, of a whole tensor.
struct Beside {
  Numbers& direction;
  const Numbers& tensor;
  std::span<Numbers> moments;  // as the word declares them
  const core::Shape& shape;
};
using Formula = std::function<void(const Beside&, const core::Json& fields, const Turn&)>;
const Formula& formula_of(const std::string& word);

namespace formula {

inline void adam(const Beside& x, const core::Json& f, const Turn& turn) {
  const double beta1 = f.at("beta1"), beta2 = f.at("beta2"), epsilon = f.at("epsilon");
  const auto age = static_cast<double>(turn.age);
  Numbers &m = x.moments[0], &v = x.moments[1];
  for (std::size_t i = 0; i < x.direction.size(); ++i) {
    const double g = x.direction[i];
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * g * g;
    const double root = std::sqrt(v[i] / (1 - std::pow(beta2, age))) + epsilon;
    x.direction[i] = root > 0 ? m[i] / (1 - std::pow(beta1, age)) / root : 0;
  }
}

inline void lion(const Beside& x, const core::Json& f, const Turn&) {
  const double beta1 = f.at("beta1"), beta2 = f.at("beta2");
  for (std::size_t i = 0; i < x.direction.size(); ++i) {
    const double g = x.direction[i], blend = beta1 * x.moments[0][i] + (1 - beta1) * g;
    x.moments[0][i] = beta2 * x.moments[0][i] + (1 - beta2) * g;
    x.direction[i] = blend > 0 ? 1 : blend < 0 ? -1 : 0;
  }
}

inline void momentum(const Beside& x, const core::Json& f, const Turn&) {
  const double beta = f.at("beta");
  const bool nesterov = f.at("nesterov");
  for (std::size_t i = 0; i < x.direction.size(); ++i) {
    double& u = x.moments[0][i];
    u = beta * u + x.direction[i];
    x.direction[i] = nesterov ? x.direction[i] + beta * u : u;
  }
}

inline void multiply(const Beside& x, double factor) {
  for (double& d : x.direction) d *= factor;
}

inline void weight_decay(const Beside& x, const core::Json& f, const Turn& turn) {
  if (f.at("matrices_only").get<bool>() && x.shape.rank() < 2) return;
  const double rate = number_at(f.at("rate"), turn.step, turn.steps);
  for (std::size_t i = 0; i < x.direction.size(); ++i) x.direction[i] += rate * x.tensor[i];
}

struct Sides {
  std::size_t rows, cols;
  explicit Sides(const core::Shape& shape)
      : rows(static_cast<std::size_t>(shape[0])), cols(static_cast<std::size_t>(shape[1])) {}
  [[nodiscard]] std::size_t shorter() const { return std::min(rows, cols); }
};

/// f on every singular value: u diag(f(s)) vt.
inline void orthogonalize(const Beside& x, const core::Json& f, const Turn&) {
  const Sides sides(x.shape);
  const core::Svd of = core::svd(std::span<const double>(x.direction), sides.rows, sides.cols);
  const double norm = std::sqrt(std::inner_product(of.s.begin(), of.s.end(), of.s.begin(), 0.0));
  if (norm == 0) return;
  const auto m = static_cast<double>(sides.rows), n = static_cast<double>(sides.cols);
  double scale = 1;
  if (f.at("scale") == "aspect_ratio") scale = std::sqrt(std::max(1.0, m / n));
  if (f.at("scale") == "adam_rms") scale = 0.2 * std::sqrt(std::max(m, n));
  std::ranges::fill(x.direction, 0.0);
  for (std::size_t k = 0; k < of.rank; ++k) {
    double s = of.s[k] / norm;
    for (int i = 0; i < f.at("steps").get<int>(); ++i)
      s = 3.4445 * s - 4.7750 * std::pow(s, 3) + 2.0315 * std::pow(s, 5);
    for (std::size_t i = 0; i < sides.rows; ++i)
      for (std::size_t j = 0; j < sides.cols; ++j)
        x.direction[i * sides.cols + j] += scale * s * of.u[i * of.rank + k] * of.vt[k * sides.cols + j];
  }
}

/// P g [rank, cols] where there are no more rows than columns, else g P^T [rows, rank]; P [rank, shorter].
inline Numbers into(const Numbers& p, const Numbers& full, const Sides& of, std::size_t rank) {
  const bool wide = of.rows <= of.cols;
  Numbers small(rank * (wide ? of.cols : of.rows));
  for (std::size_t k = 0; k < rank; ++k)
    for (std::size_t i = 0; i < of.rows; ++i)
      for (std::size_t j = 0; j < of.cols; ++j)
        small[wide ? k * of.cols + j : i * rank + k] +=
            p[k * of.shorter() + (wide ? i : j)] * full[i * of.cols + j];
  return small;
}

inline Numbers back(const Numbers& p, const Numbers& small, const Sides& of, std::size_t rank) {
  const bool wide = of.rows <= of.cols;
  Numbers full(of.rows * of.cols);
  for (std::size_t k = 0; k < rank; ++k)
    for (std::size_t i = 0; i < of.rows; ++i)
      for (std::size_t j = 0; j < of.cols; ++j)
        full[i * of.cols + j] +=
            p[k * of.shorter() + (wide ? i : j)] * small[wide ? k * of.cols + j : i * rank + k];
  return full;
}

/// The leading singular vectors of the shorter side as rows, each to the side of the row it replaces.
inline void refresh(Numbers& p, const Numbers& direction, const Sides& of, std::size_t rank) {
  const core::Svd svd = core::svd(std::span<const double>(direction), of.rows, of.cols);
  for (std::size_t k = 0; k < rank; ++k) {
    Numbers row;
    for (std::size_t i = 0; i < of.shorter(); ++i)
      row.push_back(of.rows <= of.cols ? svd.u[i * svd.rank + k] : svd.vt[k * of.cols + i]);
    const auto kept = p.begin() + static_cast<std::ptrdiff_t>(k * of.shorter());
    const double along = std::inner_product(row.begin(), row.end(), kept, 0.0);
    std::ranges::transform(row, kept, [&](double v) { return along < 0 ? -v : v; });
  }
}

inline void galore(const Beside& x, const core::Json& f, const Turn& turn) {
  const Sides sides(x.shape);
  const auto rank = f.at("rank").get<std::size_t>();
  const auto r = static_cast<std::int64_t>(rank);
  const core::Shape inner =
      sides.rows <= sides.cols ? core::Shape{r, x.shape[1]} : core::Shape{x.shape[0], r};
  Numbers& p = x.moments[0];
  if ((turn.age - 1) % f.at("refresh").get<std::int64_t>() == 0) refresh(p, x.direction, sides, rank);
  Numbers direction = into(p, x.direction, sides, rank);
  const Numbers tensor = into(p, x.tensor, sides, rank);
  std::span<Numbers> left = x.moments.subspan(1);
  for (const core::Json& part : f.at("update")) {
    const std::size_t own = moments_of(updates::word_of(part), part, inner).size();
    formula_of(part.at("kind"))({direction, tensor, left.first(own), inner}, part, turn);
    left = left.subspan(own);
  }
  x.direction = back(p, direction, sides, rank);
  multiply(x, f.at("scale"));
}

}  // namespace formula

/// Throws std::out_of_range where a word has none, which says where it belongs.
inline const Formula& formula_of(const std::string& word) {
  static const std::map<std::string, Formula> all = {
      {"adam", formula::adam},
      {"lion", formula::lion},
      {"momentum", formula::momentum},
      {"weight_decay", formula::weight_decay},
      {"orthogonalize", formula::orthogonalize},
      {"galore", formula::galore},
      {"scale", [](const Beside& x, const core::Json& f,
                   const Turn& t) { formula::multiply(x, number_at(f.at("factor"), t.step, t.steps)); }},
      {"learning_rate", [](const Beside& x, const core::Json& f, const Turn& t) {
         formula::multiply(x, updates::learning_rate_at(f, t));
       }}};
  const auto found = all.find(word);
  if (found == all.end())
    throw std::out_of_range("update \"" + word +
                            "\" has no formula in double: add it to formula_of in "
                            "tests/experiments/formulas.hpp");
  return found->second;
}

/// A chain of words on one tensor in double, with the moments, powers and rules of rates that the words
/// declare.
struct ExactChain {
  struct Link {
    Word<Update> word;
    std::vector<Moment> described;
    std::vector<Numbers> moments;
  };
  core::Shape shape;
  std::vector<Link> links = {};
  std::int64_t age = 0;
  RateRule rule = {};
  std::array<Numbers, 2> rated = {};  // factors of rows and of columns that the rates stand for; empty: none

  ExactChain(core::Shape of, std::span<const Word<Update>> words)
      : shape(std::move(of)), rule(rate_rule(words)) {
    for (const Word<Update>& word : words) {
      links.push_back({word, moments_of(*word.word, word.fields, shape), {}});
      for (const Moment& moment : links.back().described)
        links.back().moments.emplace_back(static_cast<std::size_t>(moment.shape.value_or(shape).elements()));
    }
  }
  /// What a gradient becomes: what is subtracted from the tensor.
  Numbers direction(Numbers d, const Numbers& tensor, std::int64_t step, std::int64_t steps) {
    ++age;
    for (std::size_t w = 0; w <= links.size(); ++w) {
      for (const std::size_t axis : {0, 1})
        if (w == rule.before && !rated[axis].empty()) scale(d, axis, rated[axis], rule.exponent);
      if (w == links.size()) break;
      Link& link = links[w];
      formula_of(link.word.word->name)({d, tensor, link.moments, shape}, link.word.fields,
                                       {age, step, steps});
    }
    return d;
  }
  /// Multiplies rows (axis 0) or columns of something of the tensor's shape by factor^power.
  void scale(Numbers& values, std::size_t axis, std::span<const double> factors, double power) const {
    const std::size_t columns = shape.rank() < 2 ? 1 : static_cast<std::size_t>(shape[1]);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] *= std::pow(factors[axis == 0 ? i / columns : i % columns], power);
  }
  /// Every moment times factor^power.
  void transport(std::size_t axis, std::span<const double> factors) {
    for (Link& link : links)
      for (std::size_t m = 0; m < link.moments.size(); ++m) {
        const Moment& moment = link.described[m];
        if (moment.power == 0) continue;
        if (!moment.shape || *moment.shape == shape) {
          scale(link.moments[m], axis, factors, moment.power);
        } else {
          for (double& x : link.moments[m]) x *= std::pow(factors.front(), moment.power);
        }
      }
  }
  void reset() {
    age = 0;
    for (Link& link : links)
      for (Numbers& moment : link.moments) std::ranges::fill(moment, 0.0);
  }
};

}  // namespace isorbit::experiments::testing_support
