// LoRA (Hu et al., arXiv 2106.09685): W = W0 + (alpha / r) B A with W0 [m, n] fixed, B [m, r] and A [r, n]
// trained. At the start of an interval B = 0, so that W = W0, and A is drawn:
//   kaiming_uniform  uniform in +-1 / sqrt(n), the authors' code (Kaiming's bound for a leaky slope sqrt(5))
//   gaussian         of deviation 1 / r, the paper
// An event "merge" takes B A into W0 and draws again, which is ReLoRA (Lialin et al., arXiv 2307.05695).
//
// A layer y = x W^T has two forms of the same numbers. Weight side: W is made once a step, and A and B get
// their gradients from W's. Input side: y = x W0^T + (alpha / r) (x A^T) B^T, without a gradient of W.
#include <algorithm>
#include <cmath>

#include "core/random/philox.hpp"
#include "experiments/parametrization.hpp"

namespace isorbit::experiments::parametrizations {

namespace {

using core::Json;
using core::Shape;
using core::ValueId;

std::int64_t rank_of(const Json& fields) { return fields.at("rank").get<std::int64_t>(); }

/// alpha / r.
double factor_of(const Json& fields) {
  if (!fields.contains("alpha")) return 1;
  return fields.at("alpha").get<double>() / static_cast<double>(rank_of(fields));
}

std::vector<core::Field> fields() {
  return {{"rank", core::Spec::integer().at_least(1).at_most(1e9), "r, columns of B and rows of A", {}},
          {.name = "alpha",
           .spec = core::Spec::number().above(0),
           .help = "B A is multiplied by alpha / rank; absent: by 1",
           .optional = true},
          {"init", core::Spec::text().one_of({"kaiming_uniform", "gaussian"}),
           "how A is drawn; B starts at 0", Json("kaiming_uniform")},
          {"form", core::Spec::text().one_of({"auto", "weight", "input"}),
           "how a linear layer is computed; auto: what costs less, per layer", Json("auto")}};
}

std::vector<Misfit> misfits(const Json& fields, const Shape& weight) {
  if (weight.rank() != 2)
    return {{"kind", "\"lora\"",
             "a parametrization of tensors with " + std::to_string(weight.rank()) +
                 (weight.rank() == 1 ? " axis" : " axes"),
             "is " + weight.text() + " and lora adds to matrices", "\"dense\""}};
  const std::int64_t side = std::min(weight[0], weight[1]);
  if (rank_of(fields) <= side) return {};
  return {{"rank", std::to_string(rank_of(fields)), "at most " + std::to_string(side), "is " + weight.text(),
           std::to_string(side)}};
}

std::vector<Coordinate> coordinates(const Json& fields, const Shape& weight) {
  return {{"b", {{weight[0], rank_of(fields)}}}, {"a", {{rank_of(fields), weight[1]}}}};
}

ValueId realize(core::Builder& build, const Json& fields, ValueId base,
                std::span<const ValueId> coordinates) {
  const ValueId product =
      build.op("matmul", {coordinates[0], coordinates[1]}, {{"alpha", factor_of(fields)}});
  return build.op("add", {base, product});
}

ValueId apply(core::Builder& build, const Json& fields, ValueId base, std::span<const ValueId> coordinates,
              ValueId x) {
  const ValueId inner =
      build.op("matmul", {x, coordinates[1]}, {{"transpose_b", true}, {"alpha", factor_of(fields)}});
  const ValueId outer = build.op("matmul", {inner, coordinates[0]}, {{"transpose_b", true}});
  return build.op("add", {build.op("matmul", {x, base}, {{"transpose_b", true}}), outer});
}

void start(const Json& fields, const std::string& weight, std::span<core::Tensor* const> coordinates,
           std::uint64_t seed, std::int64_t interval) {
  std::ranges::fill(coordinates[0]->values(), 0.0F);
  core::Tensor& a = *coordinates[1];
  const core::Philox random(seed, core::stream_of(weight + "/a"), static_cast<std::uint64_t>(interval));
  if (fields.at("init") == "gaussian") {
    random.fill_normal(a.values(), 1.0 / static_cast<double>(rank_of(fields)));
  } else {
    const double bound = 1.0 / std::sqrt(static_cast<double>(a.shape()[1]));
    random.fill_uniform(a.values(), -bound, bound);
  }
}

}  // namespace

Parametrization lora() {
  return {.name = "lora",
          .doc = "a fixed matrix and a trained product of low rank beside it",
          .fields = fields(),
          .misfits = misfits,
          .coordinates = coordinates,
          .realize = realize,
          .apply = apply,
          .start = start,
          .adapters = std::pair("b", "a"),
          .base_is_fixed = true};
}

}  // namespace isorbit::experiments::parametrizations
