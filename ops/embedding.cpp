// embedding:          y[..., :] = weight[tokens[...], :]   tokens of any shape, weight [rows, units]
// position_embedding: y = x + weight                       x [..., S, W], weight [S, W]
#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

core::Json normal() { return {{"kind", "normal"}, {"std", 0.02}}; }

Shape table(const core::Infer& x) { return {x.integer("rows"), x.integer("units")}; }

std::vector<core::TensorType> infer_embedding(const core::Infer& x) {
  if (x.in(1) != table(x)) x.refuse(1, table(x).text(), "the table has \"rows\" rows of \"units\" columns");
  std::vector<std::int64_t> dims = x.in(0).dims();
  dims.push_back(x.integer("units"));
  return {f32(std::move(dims))};
}

core::OpCard embedding_card() {
  return {
      .name = "embedding",
      .doc = "a trained vector for every token",
      .inputs = {{"tokens", core::DType::s32}, {"weight"}},
      .attributes = {integer_field("rows", "number of different tokens", {}, 1),
                     integer_field("units", "length of a vector", {}, 1)},
      .parameters = [](const core::Infer& x) -> std::vector<core::ParameterSlot> {
        return {{"weight", f32(table(x)), normal()}};
      },
      .infer = infer_embedding,
      .expand = [](core::Builder& build, const core::Node& node) -> std::vector<core::ValueId> {
        return {build.op("gather", {node.inputs[1], node.inputs[0]}, {{"axis", 0}})};
      },
      .scaling =
          [](core::Scaling& s) {
            s.pin(s.rows(1), "a channel of the result holds all rows");
            s.equal(s.out(), s.columns(1));
          },
      .samples = {{{{{2, 5}, core::DType::s32, 7}, {{7, 3}}}, {{"rows", 7}, {"units", 3}}}},
  };
}

Shape positions(const core::Infer& x) {
  least_rank(x, 0, 2, "the last two axes are positions and features");
  return {x.in(0).back(1), x.in(0).back()};
}

std::vector<core::TensorType> infer_position(const core::Infer& x) {
  if (x.in(1) != positions(x)) x.refuse(1, positions(x).text(), "the input is " + x.in(0).text());
  return like_first(x);
}

core::OpCard position_card() {
  return {
      .name = "position_embedding",
      .doc = "adds a trained vector for every position",
      .inputs = {{"x"}, {"weight"}},
      .parameters = [](const core::Infer& x) -> std::vector<core::ParameterSlot> {
        return {{"weight", f32(positions(x)), normal()}};
      },
      .infer = infer_position,
      .expand = [](core::Builder& build, const core::Node& node) -> std::vector<core::ValueId> {
        return {build.op("add", node.inputs)};
      },
      .scaling =
          [](core::Scaling& s) {
            s.equal(s.out(), s.in(0));
            s.equal(s.out(), s.in(1));
          },
      .samples = {{{{{2, 3, 4}}, {{3, 4}}}}},
  };
}

}  // namespace

core::OpFamily embedding() { return {embedding_card(), position_card()}; }

}  // namespace isorbit::ops
