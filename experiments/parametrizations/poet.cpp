// POET (Qiu et al., arXiv 2506.08001): W = R W0 P with W0 [m, n] fixed, R on the rows and P on the columns
// orthogonal, so that W keeps the singular values of W0.
//   block sampling:  R = Psi^T diag(G_1 ... G_(m/b)) Psi, Psi a drawn permutation; b divides m and n
//   full sampling:   R = I + D (G - I) D^T, D picks b = round(budget m) drawn rows
//   G = (I + Q)(I + Q + ... + Q^k), k = neumann_terms, or the Cayley map (I + Q)(I - Q)^-1; Q skew, 0 at the
//   start of an interval, so that R = P = I and W = W0
// W0 is stored in the drawn order of its rows and columns, or in bytes (poet/base.cpp).
// b may differ between R and P ("balance"). Full sampling draws shares s_l and s_r of rows and columns with
//   s_l / s_r = balance,  m^2 s_l^2 + n^2 s_r^2 = budget^2 (m^2 + n^2)
// so that about as many numbers are trained as with the share `budget` of both.
//
// Coordinates, in order: left [m/b, b(b-1)/2] and right [n/b, b(b-1)/2], trained; left_index, right_index,
// the permutations [m] and [n], or the drawn sets [b], ascending, of the first b of such a permutation; what
// is summed up over a run, left_probe, right_probe, left_count, right_count (poet/accumulate.cpp); and of
// bytes scale and zero (poet/quantize.cpp).
//
// A layer y = x W^T with block sampling has two forms of the same numbers. Weight side: W is made once a step
// and the rotations get their gradients from W's. Input side (ops/rotated_linear.cpp): from what the layer
// reads and writes, without a gradient of W. What is cheaper depends on shapes; "form" may say which.
#include "experiments/parametrizations/poet/poet.hpp"

#include <algorithm>

#include "core/random/philox.hpp"

namespace isorbit::experiments::parametrizations {

namespace {

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
      {"balance", core::Spec::number().above(0),
       "block: the ratio of R's block size to P's, whose geometric mean is block_size; full: the ratio of "
       "the share of rows drawn to that of columns, at the same total",
       core::Json(1.0)},
      {"base", core::Spec::text().one_of({"f32", "int8"}),
       "how the fixed matrix is stored; int8: in bytes, with a scale and a zero point for 256 elements, "
       "rounded again at every merge",
       core::Json("f32")},
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
  const auto [left, right] = poet_parts::sides_of(fields, weight);
  const auto integers = [](std::int64_t n) { return core::TensorType{{n}, core::DType::s32}; };
  std::vector<Coordinate> all = {
      {"left", {{left.blocks, left.triangle()}}},      {"right", {{right.blocks, right.triangle()}}},
      {"left_index", integers(left.indices()), false}, {"right_index", integers(right.indices()), false},
      {"left_probe", {{2, left.extent}}, false},       {"right_probe", {{2, right.extent}}, false},
      {"left_count", integers(left.extent), false},    {"right_count", integers(right.extent), false}};
  if (poet_parts::is_quantized(fields)) {
    const std::int64_t groups = poet_parts::groups_of(weight);
    all.push_back({"scale", {{groups}}, false});
    all.push_back({"zero", integers(groups), false});
  }
  return all;
}

void start(const core::Json& fields, const std::string& weight, std::span<core::Tensor* const> coordinates,
           std::uint64_t seed, std::int64_t interval) {
  using namespace poet_parts;
  const auto step = static_cast<std::uint64_t>(interval);
  const struct {
    Place coordinate, index, count;
    const char* name;
  } sides[] = {{kLeft, kLeftIndex, kLeftCount, "/left_index"},
               {kRight, kRightIndex, kRightCount, "/right_index"}};
  for (const auto& side : sides) {
    std::ranges::fill(coordinates[side.coordinate]->values(), 0.0F);
    const core::Philox random(seed, core::stream_of(weight + side.name), step);
    const std::vector<std::int32_t> order = random.permutation(coordinates[side.count]->indices().size());
    const auto drawn = coordinates[side.index]->indices();
    std::copy_n(order.begin(), drawn.size(), drawn.begin());
    if (!samples_blocks(fields)) std::ranges::sort(drawn);
  }
  if (interval == 0) begin_sums(weight, coordinates, seed);
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
          .finish = poet_parts::finish,
          .start = start,
          .initialize = poet_parts::initialize,
          .redraws = poet_parts::redraws,
          .keeps_zeros = poet_parts::keeps_zeros,
          .stored = poet_parts::stored,
          .store = poet_parts::store,
          .load = poet_parts::load,
          .multiply = poet_parts::multiply,
          .bound = poet_parts::bound,
          .measures = poet_parts::measures,
          .base_is_fixed = true};
}

}  // namespace isorbit::experiments::parametrizations
