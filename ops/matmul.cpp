// y = alpha * op(a) op(b) + bias, and matmul_add with an addend of the shape of y (ops/matmul/geometry.hpp
// has the shapes). A node matmul_add stands for an `add` and a matmul that only it reads: a residual stream
// takes up what a layer makes, and the gradients by a value that several layers read are summed as they are
// made.
//
// With D = alpha * dy:  dop(a) = D op(b)^T,  dop(b) = op(a)^T D (summed over broadcast batches),  dbias = sum
// of dy,  daddend = dy.
#include "ops/common.hpp"
#include "ops/matmul/geometry.hpp"
#include "ops/matmul/lowering.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;
using product::Geometry;
using product::Terms;

core::ValueId multiply(core::Grad& x, core::ValueId a, core::ValueId b, bool transpose_a, bool transpose_b) {
  return x.build().op("matmul", {a, b},
                      {{"transpose_a", transpose_a},
                       {"transpose_b", transpose_b},
                       {"alpha", x.number("alpha")},
                       {"precision", x.text("precision")}});
}

void grad(core::Grad& x, const Terms& terms) {
  core::Builder& build = x.build();
  const bool ta = x.flag("transpose_a"), tb = x.flag("transpose_b");
  const Shape a_shape = x.shape(0), b_shape = x.shape(1);
  core::ValueId a = x.in(0), dy = x.dy();
  const core::ValueId b = x.in(1);
  const bool biased = x.has(terms.bias);
  const core::ValueId da = ta ? multiply(x, b, dy, tb, true) : multiply(x, dy, b, false, !tb);
  x.set(0, sum_to(build, da, a_shape));
  if (biased) x.set(terms.bias, sum_to(build, dy, Shape{build.shape(dy).back()}));
  if (terms.addend) x.set(*terms.addend, dy);
  if (b_shape.rank() == 2 && a_shape.rank() > 2) {
    a = reshape_to(build, a, Shape{a_shape.rows(), a_shape.back()});
    dy = reshape_to(build, dy, Shape{a_shape.rows(), build.shape(dy).back()});
  }
  const core::ValueId db = tb ? multiply(x, dy, a, true, ta) : multiply(x, a, dy, !ta, false);
  x.set(1, sum_to(build, db, b_shape));
}

void reference(const core::Ref& x, const Terms& terms) {
  const bool ta = x.flag("transpose_a"), tb = x.flag("transpose_b");
  const Geometry g = product::geometry(x.in_shape(0), x.in_shape(1), ta, tb);
  const std::int64_t batches = Shape(g.batch).elements();
  for (std::int64_t at = 0; at < batches; ++at) {
    std::int64_t rest = at, a_at = 0, b_at = 0, a_step = 1, b_step = 1;
    for (std::size_t i = g.batch.size(); i-- > 0;) {
      const std::int64_t index = rest % g.batch[i];
      rest /= g.batch[i];
      a_at += (g.a_batch[i] == 1 ? 0 : index) * a_step, a_step *= g.a_batch[i];
      b_at += (g.b_batch[i] == 1 ? 0 : index) * b_step, b_step *= g.b_batch[i];
    }
    const double* a = x.in(0).data() + a_at * g.m * g.k;
    const double* b = x.in(1).data() + b_at * g.k * g.n;
    for (std::int64_t m = 0; m < g.m; ++m) {
      for (std::int64_t n = 0; n < g.n; ++n) {
        double total = 0;
        for (std::int64_t k = 0; k < g.k; ++k)
          total += a[ta ? k * g.m + m : m * g.k + k] * b[tb ? n * g.k + k : k * g.n + n];
        const auto to = static_cast<std::size_t>((at * g.m + m) * g.n + n);
        x.out()[to] = x.number("alpha") * total +
                      (x.has(terms.bias) ? x.in(terms.bias)[static_cast<std::size_t>(n)] : 0.0) +
                      (terms.addend ? x.in(*terms.addend)[to] : 0.0);
      }
    }
  }
}

/// The value's product if nobody else reads it.
const core::Node* only_read_product(const core::Uses& uses, core::ValueId value) {
  return uses.is_output(value) || uses.users(value).size() != 1 ? nullptr : uses.made_by(value, "matmul");
}

/// add(product, addend) in either order; of two products the later one, which finds the other one made.
std::optional<core::Fusion> fuse(const core::Uses& uses, core::NodeId root) {
  const core::Node& sum = uses.node(root);
  core::ValueId made = sum.inputs[0], addend = sum.inputs[1];
  if (made == addend || uses.graph().shape(made) != uses.graph().shape(addend)) return std::nullopt;
  const core::Node *first = only_read_product(uses, made), *second = only_read_product(uses, addend);
  if (first == nullptr && second == nullptr) return std::nullopt;
  if (first == nullptr || (second != nullptr && uses.producer(addend) > uses.producer(made)))
    std::swap(made, addend), std::swap(first, second);
  core::Fusion fusion{first->attributes, {first->inputs[0], first->inputs[1], addend}, {sum.outputs[0]}, {}};
  if (first->inputs.size() > 2) fusion.inputs.push_back(first->inputs[2]);
  fusion.replaced = {uses.producer(made), root};
  return fusion;
}

std::vector<core::Sample> samples() {
  std::vector<core::Sample> out = {
      {{{{3, 4}}, {{4, 5}}}},
      {{{{33, 40}}, {{17, 40}}, {{17}}}, {{"transpose_b", true}}},
      {{{{2, 3, 4}}, {{4, 5}}, {{5}}}, {{"alpha", 0.5}}},
      {{{{2, 3, 4}}, {{5, 4}}}, {{"transpose_b", true}}},
      {{{{2, 3, 5, 4}}, {{2, 3, 4, 6}}}},
      {{{{2, 1, 5, 4}}, {{2, 3, 4, 6}}, {{6}}}, {{"alpha", -2.0}}},
      {{{{2, 2, 3, 5, 4}}, {{2, 2, 1, 6, 4}}}, {{"transpose_b", true}, {"alpha", 0.25}}},
      {{{{1, 1}}, {{1, 1}}, {{1}}}},
  };
  for (const bool batched : {false, true}) {
    for (const int which : {1, 2, 3}) {
      const bool ta = (which & 1) != 0, tb = (which & 2) != 0;
      std::vector<std::int64_t> a = {5, 4}, b = {4, 3};
      if (ta) std::swap(a[0], a[1]);
      if (tb) std::swap(b[0], b[1]);
      if (batched) a.insert(a.begin(), 2), b.insert(b.begin(), batched && ta ? 1 : 2);
      out.push_back({{{Shape(a)}, {Shape(b)}}, {{"transpose_a", ta}, {"transpose_b", tb}}});
    }
  }
  return out;
}

/// Those of matmul with an addend, and sums long enough for oneDNN to make them in several steps.
std::vector<core::Sample> samples_with_addend() {
  std::vector<core::Sample> out = samples();
  out.push_back({{{{9, 1500}}, {{1500, 70}}}});
  out.push_back({{{{1500, 9}}, {{1500, 70}}}, {{"transpose_a", true}}});
  for (core::Sample& sample : out) {
    const auto flag = [&](const char* name) { return sample.attributes.value(name, false); };
    const Geometry g = product::geometry(sample.inputs[0].shape, sample.inputs[1].shape, flag("transpose_a"),
                                         flag("transpose_b"));
    sample.inputs.insert(sample.inputs.begin() + 2, {g.result});
  }
  return out;
}

/// A factor of all that is summed over is one of the product; rows of the product take none of their own.
void scaling(core::Scaling& s) {
  const core::Channels a = s.in(0), b = s.in(1);
  s.tie(a);
  if (s.flag("transpose_b")) s.tie(b);
  s.product(s.out(), s.flag("transpose_b") ? b.part(0, 1) : b, a.part(0, 1));
  if (!s.has(2)) return;
  s.equal(s.out(), s.in(2));
  s.offset(2);
}

/// What the two cards share.
core::OpCard card(std::string name, std::string doc, std::vector<core::InputSlot> inputs,
                  const Terms& terms) {
  return {
      .name = std::move(name),
      .doc = std::move(doc),
      .inputs = std::move(inputs),
      .attributes = {flag_field("transpose_a", "swap the last two axes of a", false),
                     flag_field("transpose_b", "swap the last two axes of b", false),
                     number_field("alpha", "factor of the product (not of the bias)", 1.0),
                     precision_field()},
      .infer = [=](const core::Infer& x) { return product::infer(x, terms); },
      .grad = [=](core::Grad& x) { grad(x, terms); },
      .lower = [=](const core::Lower& x) { return product::lower(x, terms); },
      .ref = [=](const core::Ref& x) { reference(x, terms); },
      .flops = [=](const core::Infer& x) { return product::flops(x, terms); },
      .products = product::products,
      .narrow = {.operands = {0, 1}},
  };
}

}  // namespace

core::OpFamily matmul() {
  const core::InputSlot bias{"bias", core::DType::f32, true};
  core::OpCard plain =
      card("matmul", "alpha * a b + bias over the last two axes; a matrix b multiplies every row of a",
           {{"a"}, {"b"}, bias}, {std::nullopt, 2});
  plain.narrow.outputs = {0};
  plain.scaling = scaling;
  plain.samples = samples();

  core::OpCard added = card("matmul_add", "matmul with a tensor of the result's shape added to it",
                            {{"a"}, {"b"}, {"addend"}, bias}, {2, 3});
  added.in_place = {{2, 0}};
  added.fuse = fuse;
  added.fuse_root = "add";
  added.samples = samples_with_addend();
  return {std::move(plain), std::move(added)};
}

}  // namespace isorbit::ops
