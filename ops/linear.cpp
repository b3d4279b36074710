// y = x W^T + b: x [..., in], weight [units, in], bias [units], y [..., units]. Written with matmul.
#include "ops/common.hpp"

namespace isorbit::ops {

namespace {

core::Shape weight_shape(const core::Infer& x) {
  least_rank(x, 0, 2, "every row of the input is multiplied by the weight");
  return {x.integer("units"), x.in(0).back()};
}

std::vector<core::ParameterSlot> parameters(const core::Infer& x) {
  std::vector<core::ParameterSlot> slots = {
      {"weight", f32(weight_shape(x)), {{"kind", "normal"}, {"std", 0.02}}}};
  if (x.flag("bias")) slots.push_back({"bias", f32(core::Shape{x.integer("units")}), {{"kind", "zeros"}}});
  return slots;
}

std::vector<core::TensorType> infer(const core::Infer& x) {
  const core::Shape weight = weight_shape(x), bias{x.integer("units")};
  if (x.in(1) != weight) x.refuse(1, weight.text(), "the input is " + x.in(0).text());
  if (x.has(2) && x.in(2) != bias) x.refuse(2, bias.text());
  std::vector<std::int64_t> dims = x.in(0).dims();
  dims.back() = x.integer("units");
  return {f32(std::move(dims))};
}

std::vector<core::ValueId> expand(core::Builder& build, const core::Node& node) {
  return {build.op("matmul", node.inputs, {{"transpose_b", true}})};
}

/// Rows follow y, columns undo x, the bias is added to what carries y's factor.
void scaling(core::Scaling& s) {
  s.equal(s.out(), s.rows(1));
  s.opposite(s.columns(1), s.in(0));
  if (!s.has(2)) return;
  s.equal(s.out(), s.in(2));
  s.offset(2);
}

}  // namespace

core::OpFamily linear() {
  core::OpCard card{
      .name = "linear",
      .doc = "a dense layer: every row of the input times the transposed weight",
      .inputs = {{"x"}, {"weight"}, {"bias", core::DType::f32, true}},
      .attributes = {integer_field("units", "features of the output", {}, 1),
                     flag_field("bias", "add a trained vector to every row", false)},
      .parameters = parameters,
      .infer = infer,
      .expand = expand,
      .scaling = scaling,
      .duty = core::Duty::linear,
      .samples = {{{{{3, 4}}, {{5, 4}}}, {{"units", 5}}},
                  {{{{2, 3, 4}}, {{5, 4}}, {{5}}}, {{"units", 5}, {"bias", true}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
