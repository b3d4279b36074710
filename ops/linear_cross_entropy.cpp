// Mean cross entropy in nats of a linear layer without bias, in chunks of rows, so that only a chunk of the
// logits exists at a time. x [rows..., K], weight W [V, K], targets [rows...]:
//   l = x W^T,   loss = mean over rows of (log sum_j exp(l_j) - l_t).
// With p = softmax(l) and d = (p - onehot(t)) dloss / rows:
//   dx = d W,   dW = d^T x,
// found in the same pass. A row's loss and the mean over rows are summed in double, in the order of the rows;
// dW is summed chunk by chunk. Rows and classes are cut in pieces of fixed sizes, which threads share: they
// change no digit. In bf16 programs x, W and d are bf16; logits, sums and losses are not.
#include "ops/common.hpp"
#include "ops/linear_cross_entropy/cut.hpp"
#include "ops/linear_cross_entropy/kernels.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

void check(const Infer& x) {
  least_rank(x, 0, 1, "every row is multiplied by the weight");
  least_rank(x, 1, 1, "it has a row per class");
  const Shape wanted{x.in(1)[0], x.in(0).back()};
  if (x.in(1) != wanted) x.refuse(1, wanted.text(), "the input is " + x.in(0).text());
  const Shape rows(std::vector<std::int64_t>(x.in(0).dims().begin(), x.in(0).dims().end() - 1));
  if (x.in(2) != rows) x.refuse(2, rows.text(), "there is one target per row of the input");
}

std::vector<TensorType> infer(const Infer& x) {
  check(x);
  return {f32(Shape{})};
}

std::vector<TensorType> infer_grad(const Infer& x) {
  check(x);
  if (x.in(3).elements() != 1) x.refuse(3, "one element", "the loss is a scalar");
  if (x.flag("weight")) return {f32(Shape{}), f32(x.in(0)), f32(x.in(1))};
  return {f32(Shape{}), f32(x.in(0))};
}

double flops_of_products(const Infer& x, double products) {
  return products * 2.0 * static_cast<double>(x.in(0).elements()) * static_cast<double>(x.in(1)[0]);
}

std::vector<MatrixProduct> products(const Infer& x, std::span<const TensorType> /*out*/) {
  return {{1, x.in(0).rows(), x.in(0).back(), x.in(1)[0], false, true, x.type(0).dtype, DType::f32}};
}

std::vector<MatrixProduct> products_grad(const Infer& x, std::span<const TensorType> out) {
  const std::int64_t rows = x.in(0).rows(), width = x.in(0).back(), classes = x.in(1)[0];
  const DType operand = x.type(0).dtype;
  std::vector<MatrixProduct> products;
  for (std::int64_t first = 0; first < rows; first += head::rows_of_chunk(rows, classes)) {
    const std::int64_t count = std::min(head::rows_of_chunk(rows, classes), rows - first);
    products.push_back({1, count, width, classes, false, true, operand, DType::f32});
    products.push_back({1, count, classes, width, false, false, operand, out[1].dtype});
    if (x.flag("weight")) products.push_back({1, classes, count, width, true, false, operand, DType::f32});
  }
  return products;
}

void grad(Grad& g) {
  const Json attributes = {{"precision", g.text("precision")}, {"weight", true}};
  const std::vector<ValueId> made =
      g.build().all("linear_cross_entropy_grad", {g.in(0), g.in(1), g.in(2), g.dy()}, attributes);
  g.set(0, made[1]);
  g.set(1, made[2]);
}

}  // namespace

OpFamily linear_cross_entropy() {
  OpCard forward;
  forward.name = "linear_cross_entropy";
  forward.doc = "cross_entropy of x W^T without keeping the logits";
  forward.inputs = {{"x"}, {"weight"}, {"targets", DType::s32}};
  forward.attributes = {precision_field()};
  forward.infer = infer;
  forward.grad = grad;
  forward.lower = [](const Lower& x) { return head::lower(x, false); };
  forward.ref = [](const Ref& x) { head::reference(x, false); };
  forward.flops = [](const Infer& x) { return flops_of_products(x, 1); };
  forward.products = products;
  forward.narrow = {.operands = {0, 1}};
  forward.fuse = head::fuse_loss;
  forward.fuse_root = "cross_entropy";
  forward.samples = {{{{{3, 4}}, {{5, 4}}, {{3}, DType::s32, 5}}},
                     {{{{2, 3, 8}}, {{37, 8}}, {{2, 3}, DType::s32, 37}}},
                     {{{{300, 16}}, {{33, 16}}, {{300}, DType::s32, 33}}}};

  OpCard backward;
  backward.name = "linear_cross_entropy_grad";
  backward.doc = "linear_cross_entropy with its gradients by x and, if `weight`, by the weight";
  backward.inputs = {{"x"}, {"weight"}, {"targets", DType::s32}, {"dloss"}};
  backward.attributes = {precision_field(), flag_field("weight", "the weight's gradient too", true)};
  backward.infer = infer_grad;
  backward.lower = [](const Lower& x) { return head::lower(x, true); };
  backward.ref = [](const Ref& x) { head::reference(x, true); };
  backward.flops = [](const Infer& x) { return flops_of_products(x, x.flag("weight") ? 3 : 2); };
  backward.products = products_grad;
  backward.narrow = {.operands = {0, 1}, .outputs = {1}};
  backward.fuse = head::fuse_gradients;
  backward.fuse_root = "cross_entropy_grad";
  for (Sample sample : forward.samples) {
    sample.inputs.push_back({Shape{}});
    backward.samples.push_back(sample);
    sample.attributes["weight"] = false;
    backward.samples.push_back(sample);
  }
  return {forward, backward};
}

}  // namespace isorbit::ops
