// Products of drawn columns: d_j = A_j^T B_j with A_j, B_j the columns index(j b ... j b + b - 1) of a, b
// [..., n]: d [blocks, b, b], summed over all rows. With y = x W^T it gives what the gradient of a rotation
// of the rows of W needs (a = dy, b = y) and of its columns (a = dx, b = x), without the gradient of W.
//
// Columns are gathered a few hundred rows at a time into a cache-sized copy whose blocks are dense, and
// multiplied from there; threads share the blocks, so that the order of the sum does not depend on them.
#include <algorithm>
#include <memory>
#include <optional>

#include "core/runtime/bf16.hpp"
#include "ops/common.hpp"
#include "ops/rotation/batched_product.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

constexpr std::int64_t kRows = 256;  // gathered at a time

struct Extents {
  std::int64_t rows, n, b, blocks;
  [[nodiscard]] std::int64_t chunk() const { return std::min(rows, kRows); }
  [[nodiscard]] std::int64_t rest() const { return rows % chunk(); }
};

/// to[j][t][c] = from[t][index[j b + c]] for blocks first..last - 1 and `rows` rows of n.
template <class T>
void gather(const T* from, const Extents& e, std::int64_t rows, std::int64_t first, std::int64_t last,
            const std::int32_t* index, T* to) {
  for (std::int64_t j = first; j < last; ++j) {
    const std::int32_t* columns = index + j * e.b;
    T* block = to + (j - first) * rows * e.b;
    std::int64_t t = 0;
    for (; t + 4 <= rows; t += 4) {
      const T *r0 = from + t * e.n, *r1 = r0 + e.n, *r2 = r1 + e.n, *r3 = r2 + e.n;
      T *w0 = block + t * e.b, *w1 = w0 + e.b, *w2 = w1 + e.b, *w3 = w2 + e.b;
      for (std::int64_t c = 0; c < e.b; ++c) {
        const std::int32_t at = columns[c];
        w0[c] = r0[at], w1[c] = r1[at], w2[c] = r2[at], w3[c] = r3[at];
      }
    }
    for (; t < rows; ++t)
      for (std::int64_t c = 0; c < e.b; ++c) block[t * e.b + c] = from[t * e.n + columns[c]];
  }
}

/// One thread's blocks.
class Share {
 public:
  Share(const core::Engine& engine, const Extents& e, std::int64_t first, std::int64_t last,
        core::DType dtype)
      : e_(e), first_(first), last_(last), dtype_(dtype) {
    const auto form = [&](std::int64_t rows, bool add) {
      return BatchedProduct::Form{last - first, e.b, e.b, rows, true, false, add, dtype};
    };
    whole_.emplace(engine, form(e.chunk(), false));
    whole_added_.emplace(engine, form(e.chunk(), true));
    if (e.rest() > 0) rest_added_.emplace(engine, form(e.rest(), true));
    for (const auto* p : {&whole_, &whole_added_, &rest_added_})
      if (*p) product_bytes_ = std::max(product_bytes_, (*p)->scratch_bytes());
  }
  [[nodiscard]] std::size_t scratch_bytes() const { return product_bytes_ + 2 * copy_bytes(); }
  void place(std::byte* scratch, dnnl::stream& stream) { scratch_ = scratch, stream_ = &stream; }

  void run(const core::Binding& t) {
    float* d = t.output() + first_ * e_.b * e_.b;
    for (std::int64_t row = 0; row < e_.rows; row += e_.chunk()) {
      const std::int64_t rows = std::min(e_.chunk(), e_.rows - row);
      std::byte *a = scratch_ + product_bytes_, *b = a + copy_bytes();
      copy(t, 0, row, rows, a), copy(t, 1, row, rows, b);
      BatchedProduct& product = rows < e_.chunk() ? *rest_added_ : (row == 0 ? *whole_ : *whole_added_);
      product.run(*stream_, a, b, d, scratch_);
    }
  }

 private:
  [[nodiscard]] std::size_t copy_bytes() const {
    return (static_cast<std::size_t>(e_.chunk() * (last_ - first_) * e_.b) * core::size_of(dtype_) + 63) /
           64 * 64;
  }
  void copy(const core::Binding& t, std::size_t which, std::int64_t row, std::int64_t rows,
            std::byte* to) const {
    const auto* index = t.input<std::int32_t>(2);
    if (dtype_ == core::DType::bf16) {
      gather(t.input<core::Bf16>(which) + row * e_.n, e_, rows, first_, last_, index,
             reinterpret_cast<core::Bf16*>(to));
    } else {
      gather(t.input(which) + row * e_.n, e_, rows, first_, last_, index, reinterpret_cast<float*>(to));
    }
  }

  Extents e_;
  std::int64_t first_, last_;
  core::DType dtype_;
  std::optional<BatchedProduct> whole_, whole_added_, rest_added_;
  std::size_t product_bytes_ = 0;
  std::byte* scratch_ = nullptr;
  dnnl::stream* stream_ = nullptr;
};

std::vector<core::TensorType> infer(const core::Infer& x) {
  least_rank(x, 0, 2);
  same_shape(x, 1, 0);
  const std::int64_t b = x.integer("size");
  if (x.in(2).rank() != 1 || x.in(2)[0] % b != 0)
    x.refuse(2, "one dimension, a multiple of " + std::to_string(b), "it lists the columns of each block");
  return {f32(Shape{x.in(2)[0] / b, b, b})};
}

core::Lowered lower(const core::Lower& x) {
  const Extents e{x.in(0).rows(), x.in(0).back(), x.out()[1], x.out()[0]};
  const std::int64_t parts = std::min<std::int64_t>(x.engine().threads(), e.blocks);
  std::vector<Share> shares;
  core::Lowered lowered;
  for (std::int64_t i = 0; i < parts; ++i) {
    shares.emplace_back(x.engine(), e, e.blocks * i / parts, e.blocks * (i + 1) / parts, x.type(0).dtype);
    lowered.scratch_bytes += shares.back().scratch_bytes();
  }
  lowered.implementation = "own:block_gram";
  lowered.bind = [shares = std::move(shares)](const core::Binding& binding) -> core::Kernel {
    auto placed = std::make_shared<std::vector<Share>>(shares);
    auto* scratch = static_cast<std::byte*>(binding.scratch);
    for (std::size_t i = 0; i < placed->size(); ++i) {
      (*placed)[i].place(scratch, binding.engine->stream(i));
      scratch += (*placed)[i].scratch_bytes();
    }
    return [placed, binding] {
      binding.engine->parallel(static_cast<std::int64_t>(placed->size()), 1,
                               [&](std::int64_t first, std::int64_t last) {
                                 for (std::int64_t i = first; i < last; ++i)
                                   (*placed)[static_cast<std::size_t>(i)].run(binding);
                               });
    };
  };
  return lowered;
}

void reference(const core::Ref& x) {
  const std::int64_t n = x.in_shape(0).back(), rows = x.in_shape(0).rows(), b = x.integer("size");
  for (std::int64_t at = 0; at < x.out_shape().elements(); ++at) {
    const std::int64_t j = at / (b * b), r = at / b % b, c = at % b;
    const std::int64_t left = x.index(2)[static_cast<std::size_t>(j * b + r)];
    const std::int64_t right = x.index(2)[static_cast<std::size_t>(j * b + c)];
    for (std::int64_t t = 0; t < rows; ++t)
      x.out()[static_cast<std::size_t>(at)] +=
          x.in(0)[static_cast<std::size_t>(t * n + left)] * x.in(1)[static_cast<std::size_t>(t * n + right)];
  }
}

}  // namespace

core::OpFamily block_gram() {
  using core::DType;
  core::OpCard card{
      .name = "block_gram",
      .doc = "products a^T b of blocks of drawn columns, over all rows",
      .inputs = {{"a"}, {"b"}, {"index", DType::s32}},
      .attributes = {integer_field("size", "columns of a block", {}, 1), precision_field()},
      .infer = infer,
      .lower = lower,
      .ref = reference,
      .flops =
          [](const core::Infer& x) {
            return 2.0 * static_cast<double>(x.in(0).rows() * x.in(2)[0] * x.integer("size"));
          },
      .narrow = {.operands = {0, 1}},
      .samples = {{{{{9, 12}}, {{9, 12}}, {{12}, DType::s32, 12, true}}, {{"size", 4}}},
                  {{{{2, 300, 6}}, {{2, 300, 6}}, {{4}, DType::s32, 6, true}}, {{"size", 2}}},
                  {{{{5, 3}}, {{5, 3}}, {{3}, DType::s32, 3, true}}, {{"size", 3}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
