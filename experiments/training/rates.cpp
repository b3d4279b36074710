#include "experiments/training/rates.hpp"

#include <algorithm>
#include <cmath>

#include "experiments/updates/word.hpp"

namespace isorbit::experiments {

namespace {

std::size_t rows_of(const core::Shape& shape) {
  return static_cast<std::size_t>(shape.rank() == 0 ? 1 : shape[0]);
}
std::size_t columns_of(const core::Shape& shape) {
  return static_cast<std::size_t>(shape.elements()) / rows_of(shape);
}

/// A word with those that run within it.
struct Degree {
  double degree = 1;
  bool adds_tensor = false;
};

Degree degree_of(const Update& word, const core::Json& fields) {
  Degree all{word.degree, word.adds_tensor};
  if (!word.holds_words) return all;
  for (const core::Json& part : fields.at(updates::held_field(word).name)) {
    const Degree inner = degree_of(updates::word_of(part), part);
    all = {all.degree * inner.degree, all.adds_tensor || inner.adds_tensor};
  }
  return all;
}

bool keeps_moments(const Update& word) { return word.moments_on || !word.moments.empty(); }

}  // namespace

RateRule rate_rule(std::span<const Word<Update>> chain) {
  RateRule rule{-1, chain.size(), true, {}};
  double degree = 1;
  const std::string* adder = nullptr;
  for (std::size_t w = 0; w < chain.size(); ++w) {
    const Update& word = *chain[w].word;
    const Degree of_word = degree_of(word, chain[w].fields);
    rule.elementwise = rule.elementwise && !word.whole_tensor;
    if (adder != nullptr && (of_word.degree != 1 || keeps_moments(word)) && rule.obstacle.empty())
      rule.obstacle =
          "\"" + *adder + "\" stands before \"" + word.name + "\", which mixes the tensor with its gradient";
    if (of_word.adds_tensor && word.holds_words)
      rule.obstacle = "\"" + word.name + "\" holds a word that adds the tensor";
    if (of_word.adds_tensor && adder == nullptr) {
      adder = &word.name;
      rule.before = w;
    }
    if (adder == nullptr) degree *= of_word.degree;
  }
  rule.exponent = -(1 + degree);
  return rule;
}

void Rates::scale(const core::Shape& shape, std::size_t axis, std::span<const double> factors,
                  double exponent) {
  std::vector<float>& own = axis == 0 ? rows : columns;
  if (own.empty()) own.assign(axis == 0 ? rows_of(shape) : columns_of(shape), 1.0F);
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<float>(own[i] * factors[i]);
  refresh(exponent);
}

void Rates::refresh(double exponent) {
  const auto powers = [&](const std::vector<float>& factors) {
    std::vector<float> out;
    for (const float s : factors)
      out.push_back(static_cast<float>(std::pow(static_cast<double>(s), exponent)));
    return out;
  };
  row_multipliers = powers(rows);
  column_multipliers = powers(columns);
}

void Rates::multiply(const core::Shape& shape, std::int64_t first, std::span<float> direction) const {
  const std::size_t width = columns_of(shape);
  std::size_t row = static_cast<std::size_t>(first) / width, column = static_cast<std::size_t>(first) % width;
  for (std::size_t at = 0; at < direction.size(); ++row, column = 0) {
    const std::size_t end = std::min(direction.size(), at + width - column);
    const float of_row = rows.empty() ? 1.0F : row_multipliers[row];
    for (; at < end; ++at, ++column)
      direction[at] *= columns.empty() ? of_row : of_row * column_multipliers[column];
  }
}

void scale_along(std::span<float> values, const core::Shape& shape, std::size_t axis,
                 std::span<const double> factors) {
  const std::size_t width = columns_of(shape);
  for (std::size_t row = 0, at = 0; at < values.size(); ++row)
    for (std::size_t column = 0; column < width; ++column, ++at)
      values[at] = static_cast<float>(values[at] * factors[axis == 0 ? row : column]);
}

}  // namespace isorbit::experiments
