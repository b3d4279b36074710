// POET (Qiu et al., arXiv 2506.08001): W = R W0 P with W0 [m, n] fixed, R on the rows and P on the columns
// orthogonal, so that W keeps the singular values of W0.
//   block sampling:  R = Psi^T diag(G_1 ... G_(m/b)) Psi, Psi a drawn permutation; b divides m and n
//   full sampling:   R = I + D (G - I) D^T, D picks b = round(budget m) drawn rows
//   G = (I + Q)(I + Q + ... + Q^k), k = neumann_terms, or the Cayley map (I + Q)(I - Q)^-1; Q skew, 0 at the
//   start of an interval, so that R = P = I and W = W0
// W0 is stored in the drawn order of its rows and columns (poet/base.cpp), so that no step gathers it.
// Coordinates, in order: left [m/b, b(b-1)/2] and right [n/b, b(b-1)/2], trained; left_index, right_index,
// the permutations [m] and [n], or the drawn sets [b], ascending, and then left_order, right_order [m], [n],
// the whole drawn orders whose first b are the sets.
//
// A layer y = x W^T with block sampling has two forms of the same numbers. Weight side: W is made once a step
// and the rotations get their gradients from W's. Input side (ops/rotated_linear.cpp): from what the layer
// reads and writes, without a gradient of W. What is cheaper depends on shapes; "form" may say which.
#include "experiments/parametrizations/poet/poet.hpp"

#include <algorithm>

#include "core/random/philox.hpp"

namespace isorbit::experiments::parametrizations {

namespace {

using poet_parts::Side;

std::vector<core::Field> fields() {
  const core::Spec whole = core::Spec::integer();
  return {
      {"sampling", core::Spec::text().one_of({"block", "full"}),
       "block: a permutation cut into blocks; full: one block over a drawn set", core::Json("block")},
      {.name = "block_size", .spec = whole.at_least(2), .help = "b of block sampling", .optional = true},
      {"budget", core::Spec::number().above(0).at_most(1), "b of full sampling, as a share of each side",
       core::Json(0.5)},
      {"neumann_terms", whole.at_least(1).at_most(64), "k of the truncated map", core::Json(3)},
      {"cayley", core::Spec::text().one_of({"neumann", "exact"}), "the map from Q to a rotation",
       core::Json("neumann")},
      {"init",
       core::Spec::text().one_of({"normalized_gaussian", "standard", "xavier", "uniform_spectrum", "model"}),
       "how the base is drawn; model: as the model document says", core::Json("normalized_gaussian")},
      {"gain", core::Spec::number().above(0), "factor of the drawn base", core::Json(1.0)},
      {"form", core::Spec::text().one_of({"auto", "weight", "input"}),
       "how a linear layer is computed; auto: what costs less, per layer", core::Json("auto")},
      {"memory", core::Spec::text().one_of({"fast", "mem"}),
       "input side: keep the layer's output for the backward pass, or nothing, which costs more",
       core::Json("fast")},
  };
}

std::vector<Coordinate> coordinates(const core::Json& fields, const core::Shape& weight) {
  const Side left = poet_parts::side_of(fields, weight[0]), right = poet_parts::side_of(fields, weight[1]);
  const core::TensorType left_index{{left.indices()}, core::DType::s32};
  const core::TensorType right_index{{right.indices()}, core::DType::s32};
  std::vector<Coordinate> all = {{"left", {{left.blocks, left.triangle()}}},
                                 {"right", {{right.blocks, right.triangle()}}},
                                 {"left_index", left_index, false},
                                 {"right_index", right_index, false}};
  if (!poet_parts::samples_blocks(fields)) {
    all.push_back({"left_order", {{weight[0]}, core::DType::s32}, false});
    all.push_back({"right_order", {{weight[1]}, core::DType::s32}, false});
  }
  return all;
}

/// Draws an axis into `order`, which has its extent.
std::span<std::int32_t> draw(const core::Philox& random, core::Tensor& order) {
  const std::vector<std::int32_t> drawn = random.permutation(order.indices().size());
  std::ranges::copy(drawn, order.indices().begin());
  return order.indices();
}

void start(const core::Json& fields, const std::string& weight, std::span<core::Tensor* const> coordinates,
           std::uint64_t seed, std::int64_t interval) {
  const bool blocks = poet_parts::samples_blocks(fields);
  const auto step = static_cast<std::uint64_t>(interval);
  std::size_t side = 0;
  for (const char* const name : {"/left_index", "/right_index"}) {
    std::ranges::fill(coordinates[side]->values(), 0.0F);
    const core::Philox random(seed, core::stream_of(weight + name), step);
    const auto order = draw(random, *coordinates[(blocks ? 2 : 4) + side]);
    if (!blocks) {
      const auto set = coordinates[2 + side]->indices();
      std::copy_n(order.begin(), set.size(), set.begin());
      std::ranges::sort(set);
    }
    ++side;
  }
}

}  // namespace

Parametrization poet() {
  return {.name = "poet",
          .doc = "a fixed matrix between two trained rotations",
          .fields = fields(),
          .misfits = poet_parts::misfits,
          .coordinates = coordinates,
          .realize = poet_parts::realize,
          .apply = poet_parts::apply,
          .applies = poet_parts::samples_blocks,
          .start = start,
          .initialize = poet_parts::initialize,
          .redraws = poet_parts::redraws,
          .store = poet_parts::store,
          .load = poet_parts::load,
          .bound = poet_parts::bound,
          .base_is_fixed = true};
}

}  // namespace isorbit::experiments::parametrizations
