// Mean cross entropy in nats of a linear layer without bias, in chunks of rows, so that only a chunk of the
// logits exists at a time. x [rows..., K], weight W [V, K], targets [rows...]:
//   l = x W^T,   loss = mean over rows of (log sum_j exp(l_j) - l_t).
// With p = softmax(l) and d = (p - onehot(t)) dloss / rows:
//   dx = d W,   dW = d^T x,
// found in the same pass. A row's loss and the mean over rows are summed in double, in the order of the rows;
// dW is summed chunk by chunk. Rows and classes are cut in pieces of fixed sizes, which threads share: they
// change no digit. In bf16 programs x, W and d are bf16; logits, sums and losses are not.
#include <map>
#include <memory>
#include <numeric>

#include "ops/common.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/gemm.hpp"
#include "ops/kernels/cross_entropy.hpp"

namespace isorbit::ops {

namespace {

using namespace core;

constexpr std::int64_t kChunkElements = 4 << 20;  // gradients of logits that exist at a time
constexpr std::int64_t kLeastChunk = 512;         // rows: the weight is read anew for every chunk
constexpr std::int64_t kClassesAtOnce = 1024;     // of the weight's gradient

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

/// Sizes, and the products of some rows and of some classes.
class Head {
 public:
  Head(const Lower& x, bool gradients)
      : rows_(x.in(0).rows()),
        width_(x.in(0).back()),
        classes_(x.in(1)[0]),
        gradients_(gradients),
        of_weight_(gradients && x.flag("weight")),
        operand_(x.type(0).dtype),
        of_dx_(gradients ? x.out_type(1).dtype : DType::f32) {
    for (std::int64_t first = 0; first < rows_; first += chunk()) prepare(first, x.engine());
  }

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t classes() const { return classes_; }

  [[nodiscard]] std::size_t scratch_bytes(int threads) const {
    return losses_bytes() + gradients_bytes() +
           static_cast<std::size_t>(threads) * (logits_bytes() + product_bytes_);
  }

  /// Fills the losses of all rows, dx and dW; hit is dloss / rows.
  void run(const Binding& binding, const std::int32_t* targets, float hit) const {
    for (std::int64_t first = 0; first < rows_; first += chunk()) {
      const std::int64_t count = std::min(chunk(), rows_ - first);
      share(*binding.engine, (count + piece() - 1) / piece(), [&](std::int64_t i, std::size_t slice) {
        const std::int64_t at = i * piece();
        run_rows(binding, first, at, std::min(piece(), count - at), targets, hit, slice);
      });
      if (!of_weight_) continue;
      share(*binding.engine, (classes_ + band() - 1) / band(), [&](std::int64_t i, std::size_t slice) {
        const std::int64_t at = i * band(), some = std::min(band(), classes_ - at);
        dweights_.at({some, count, first > 0})(
            *binding.engine, binding.engine->stream(slice), gradients(binding) + at * operand_size(),
            in(binding, 0) + first * width_ * operand_size(), binding.output(2) + at * width_,
            product_scratch(binding, slice));
      });
    }
  }

  [[nodiscard]] double* losses(const Binding& binding) const { return static_cast<double*>(binding.scratch); }

 private:
  /// Rows whose gradients exist together.
  [[nodiscard]] std::int64_t chunk() const {
    return gradients_ ? std::min(rows_, std::max(kLeastChunk, kChunkElements / classes_)) : rows_;
  }
  /// Rows a thread takes at a time.
  [[nodiscard]] std::int64_t piece() const {
    return std::clamp<std::int64_t>(chunk() / 64 * 16, 64, kLeastChunk / 2);
  }
  /// Classes a thread takes at a time.
  [[nodiscard]] std::int64_t band() const { return std::min(kClassesAtOnce, classes_ / 128 * 16 + 16); }

  /// In f32 the gradients take the place of the logits, else a thread keeps those it has just made.
  [[nodiscard]] bool in_place() const { return gradients_ && operand_ == DType::f32; }
  [[nodiscard]] std::int64_t operand_size() const { return static_cast<std::int64_t>(size_of(operand_)); }
  [[nodiscard]] static std::size_t lines(std::int64_t bytes) {
    return static_cast<std::size_t>((bytes + 63) / 64 * 64);
  }
  [[nodiscard]] std::size_t losses_bytes() const { return lines(rows_ * 8); }
  [[nodiscard]] std::size_t gradients_bytes() const {
    return gradients_ ? lines(chunk() * classes_ * operand_size()) : 0;
  }
  [[nodiscard]] std::size_t logits_bytes() const { return in_place() ? 0 : lines(piece() * classes_ * 4); }

  [[nodiscard]] static const std::byte* in(const Binding& binding, std::size_t i) {
    return binding.input<std::byte>(i);
  }
  [[nodiscard]] std::byte* gradients(const Binding& binding) const {
    return static_cast<std::byte*>(binding.scratch) + losses_bytes();
  }
  [[nodiscard]] std::byte* logits(const Binding& binding, std::size_t slice) const {
    return gradients(binding) + gradients_bytes() + slice * (logits_bytes() + product_bytes_);
  }
  [[nodiscard]] std::byte* product_scratch(const Binding& binding, std::size_t slice) const {
    return logits(binding, slice) + logits_bytes();
  }

  /// Makes the products a chunk needs.
  void prepare(std::int64_t first, const Engine& engine) {
    const std::int64_t count = std::min(chunk(), rows_ - first);
    const Matrix x{count, width_, width_, false, operand_}, weight{classes_, width_, width_, false, operand_},
        weight_t{width_, classes_, width_, true, operand_};
    for (std::int64_t at = 0; at < count; at += piece()) {
      const std::int64_t some = std::min(piece(), count - at);
      make(logits_, {some}, engine, {some, width_, width_, false, operand_}, weight_t,
           {some, classes_, classes_}, false);
      if (!gradients_) continue;
      make(dx_, {some}, engine, {some, classes_, classes_, false, operand_}, weight,
           {some, width_, width_, false, of_dx_}, false);
    }
    for (std::int64_t at = 0; of_weight_ && at < classes_; at += band()) {
      const std::int64_t some = std::min(band(), classes_ - at);
      make(dweights_, {some, count, first > 0}, engine, {some, count, classes_, true, operand_}, x,
           {some, width_, width_}, first > 0);
    }
  }

  using Key = std::vector<std::int64_t>;
  void make(std::map<Key, Gemm>& gemms, Key key, const Engine& engine, const Matrix& a, const Matrix& b,
            const Matrix& y, bool accumulate) {
    if (gemms.contains(key)) return;
    const Gemm& made = gemms.emplace(std::move(key), Gemm(engine, a, b, y, accumulate)).first->second;
    product_bytes_ = std::max(product_bytes_, made.scratch_bytes());
  }

  /// Calls body(i, slice) for i < n, split over the threads; slices that run at once have different numbers.
  template <class Body>
  static void share(Engine& engine, std::int64_t n, const Body& body) {
    const std::int64_t slices = std::min<std::int64_t>(engine.threads(), n);
    engine.parallel(slices, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t s = begin; s < end; ++s)
        for (std::int64_t i = n * s / slices; i < n * (s + 1) / slices; ++i)
          body(i, static_cast<std::size_t>(s));
    });
  }

  /// `some` rows from row `at` of the chunk that begins at row `first`.
  void run_rows(const Binding& binding, std::int64_t first, std::int64_t at, std::int64_t some,
                const std::int32_t* targets, float hit, std::size_t slice) const {
    Engine& engine = *binding.engine;
    std::byte* d = gradients(binding) + at * classes_ * operand_size();
    auto* l = reinterpret_cast<float*>(in_place() ? d : logits(binding, slice));
    void* scratch = product_scratch(binding, slice);
    const std::int64_t row = first + at;
    logits_.at({some})(engine, engine.stream(slice), in(binding, 0) + row * width_ * operand_size(),
                       in(binding, 1), l, scratch);
    for (std::int64_t r = 0; r < some; ++r, l += classes_) {
      double& loss = losses(binding)[row + r];
      float lse = 0;
      if (!gradients_) {
        loss = kernels::loss_row(l, targets[row + r], classes_, lse);
      } else if (operand_ == DType::bf16) {
        loss = kernels::loss_and_gradient_row(l, targets[row + r], hit, classes_,
                                              reinterpret_cast<Bf16*>(d) + r * classes_);
      } else {
        loss = kernels::loss_and_gradient_row(l, targets[row + r], hit, classes_, l);
      }
    }
    if (!gradients_) return;
    std::byte* dx = binding.output<std::byte>(1) + row * width_ * static_cast<std::int64_t>(size_of(of_dx_));
    dx_.at({some})(engine, engine.stream(slice), d, in(binding, 1), dx, scratch);
  }

  std::int64_t rows_, width_, classes_;
  bool gradients_, of_weight_;
  DType operand_, of_dx_;
  std::map<Key, Gemm> logits_, dx_, dweights_;
  std::size_t product_bytes_ = 0;
};

Lowered lower_head(const Lower& x, bool gradients) {
  const auto head = std::make_shared<const Head>(x, gradients);
  return Lowered::own(
      "linear_cross_entropy",
      [head, gradients](const Binding& binding) {
        const std::int64_t rows = head->rows();
        const auto* targets = binding.input<std::int32_t>(2);
        check_targets({targets, static_cast<std::size_t>(rows)}, head->classes());
        head->run(binding, targets, gradients ? *binding.input(3) / static_cast<float>(rows) : 0);
        const double* losses = head->losses(binding);
        *binding.output(0) =
            static_cast<float>(std::accumulate(losses, losses + rows, 0.0) / static_cast<double>(rows));
      },
      head->scratch_bytes(x.engine().threads()));
}

void ref(const Ref& x, bool gradients) {
  const auto targets = x.index(2);
  const auto classes = static_cast<std::size_t>(x.in_shape(1)[0]), width = x.in(1).size() / classes;
  check_targets(targets, x.in_shape(1)[0]);
  const auto rows = static_cast<double>(targets.size());
  double sum = 0;
  std::vector<double> row(classes);
  for (std::size_t r = 0; r < targets.size(); ++r) {
    for (std::size_t c = 0; c < classes; ++c) {
      row[c] = 0;
      for (std::size_t k = 0; k < width; ++k) row[c] += x.in(0)[r * width + k] * x.in(1)[c * width + k];
    }
    const double most = *std::max_element(row.begin(), row.end());
    double total = 0;
    for (const double l : row) total += std::exp(l - most);
    const auto target = static_cast<std::size_t>(targets[r]);
    sum += most + std::log(total) - row[target];
    for (std::size_t c = 0; gradients && c < classes; ++c) {
      const double d = x.in(3)[0] / rows * (std::exp(row[c] - most) / total - (c == target ? 1 : 0));
      for (std::size_t k = 0; k < width; ++k) {
        x.out(1)[r * width + k] += d * x.in(1)[c * width + k];
        if (x.flag("weight")) x.out(2)[c * width + k] += d * x.in(0)[r * width + k];
      }
    }
  }
  x.out(0)[0] = sum / rows;
}

double flops_of_products(const Infer& x, double products) {
  return products * 2.0 * static_cast<double>(x.in(0).elements()) * static_cast<double>(x.in(1)[0]);
}

/// The logits' product if it is x W^T of a matrix W and nothing else.
const Node* linear_of(const Uses& uses, ValueId logits) {
  const Node* product = uses.made_by(logits, "matmul");
  if (product == nullptr || (product->inputs.size() > 2 && product->inputs[2] != kNone)) return nullptr;
  const Attributes of(product->attributes);
  const bool fits = !of.flag("transpose_a") && of.flag("transpose_b") && of.number("alpha") == 1 &&
                    uses.graph().shape(product->inputs[1]).rank() == 2;
  return fits ? product : nullptr;
}

std::optional<Fusion> fuse_loss(const Uses& uses, NodeId root) {
  const Node& loss = uses.node(root);
  const ValueId logits = loss.inputs[0];
  const Node* product = linear_of(uses, logits);
  if (product == nullptr || uses.users(logits).size() != 1) return std::nullopt;
  return Fusion{{{"precision", product->attributes.at("precision")}},
                {product->inputs[0], product->inputs[1], loss.inputs[1]},
                {loss.outputs[0]},
                {uses.producer(logits), root}};
}

/// What reads the gradient of the logits: dx, and dW with views before it.
struct GradientProducts {
  ValueId dx = kNone, dweight = kNone;
  std::vector<NodeId> nodes;
};

/// True if `value` is `source` or a view of it.
bool is_view_of(const Uses& uses, ValueId value, ValueId source) {
  while (value != source) {
    if (uses.producer(value) == kNone || !uses.node(uses.producer(value)).op->view) return false;
    value = uses.node(uses.producer(value)).inputs[0];
  }
  return true;
}

void collect(const Uses& uses, ValueId dlogits, const Node& product, GradientProducts& found) {
  for (const NodeId user : uses.users(dlogits)) {
    const Node& node = uses.node(user);
    found.nodes.push_back(user);
    if (node.op->view) {
      collect(uses, node.outputs[0], product, found);
    } else if (node.op->name == "matmul") {
      const Attributes of(node.attributes);
      if (of.flag("transpose_b") || of.number("alpha") != 1 || node.inputs[0] != dlogits) continue;
      if (!of.flag("transpose_a") && node.inputs[1] == product.inputs[1]) found.dx = node.outputs[0];
      if (of.flag("transpose_a") && is_view_of(uses, node.inputs[1], product.inputs[0])) {
        found.dweight = node.outputs[0];
        const NodeId view = uses.producer(node.inputs[1]);  // of x: goes where nobody else reads it
        if (node.inputs[1] != product.inputs[0] && uses.users(node.inputs[1]).size() == 1)
          found.nodes.push_back(view);
      }
    }
  }
}

std::optional<Fusion> fuse_gradients(const Uses& uses, NodeId root) {
  const Node& gradient = uses.node(root);
  const ValueId logits = gradient.inputs[0];
  const Node* product = linear_of(uses, logits);
  const Node* loss = uses.made_by(gradient.inputs[2], "cross_entropy");
  const auto given = [&](std::size_t i) { return i < gradient.inputs.size() && gradient.inputs[i] != kNone; };
  if (product == nullptr || loss == nullptr || !given(3) || given(4)) return std::nullopt;
  if (loss->inputs[0] != logits || loss->inputs[1] != gradient.inputs[1]) return std::nullopt;
  GradientProducts found;
  collect(uses, gradient.outputs[0], *product, found);
  if (found.dx == kNone) return std::nullopt;
  Fusion fusion{{{"precision", product->attributes.at("precision")}, {"weight", found.dweight != kNone}},
                {product->inputs[0], product->inputs[1], loss->inputs[1], gradient.inputs[3]},
                {loss->outputs[0], found.dx},
                {uses.producer(logits), uses.producer(loss->outputs[0]), root}};
  if (found.dweight != kNone) fusion.outputs.push_back(found.dweight);
  fusion.replaced.insert(fusion.replaced.end(), found.nodes.begin(), found.nodes.end());
  return fusion;
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
  forward.lower = [](const Lower& x) { return lower_head(x, false); };
  forward.ref = [](const Ref& x) { ref(x, false); };
  forward.flops = [](const Infer& x) { return flops_of_products(x, 1); };
  forward.narrow = {.operands = {0, 1}};
  forward.fuse = fuse_loss;
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
  backward.lower = [](const Lower& x) { return lower_head(x, true); };
  backward.ref = [](const Ref& x) { ref(x, true); };
  backward.flops = [](const Infer& x) { return flops_of_products(x, x.flag("weight") ? 3 : 2); };
  backward.narrow = {.operands = {0, 1}, .outputs = {1}};
  backward.fuse = fuse_gradients;
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
