// Products of drawn columns: d_j = A_j^T B_j with A_j, B_j the columns index(j b ... j b + b - 1) of a, b
// [..., n]: d [blocks, b, b], summed over all rows. With y = x W^T it gives what the gradient of a rotation
// of the rows of W needs (a = dy, b = y) and of its columns (a = dx, b = x), without the gradient of W.
//
// Columns are gathered a few hundred rows at a time into a cache-sized copy whose blocks are dense, and
// multiplied from there; threads share the blocks, or their rows, so that the order of the sum does not
// depend on them.
#include <algorithm>
#include <memory>
#include <vector>

#include "core/runtime/bf16.hpp"
#include "ops/common.hpp"
#include "ops/gemm.hpp"
#include "ops/rotation/gram_parts.hpp"
#include "ops/rotation/take.hpp"

namespace isorbit::ops {

namespace {

using core::Shape;

constexpr std::int64_t kRows = 128;  // gathered at a time

struct Extents {
  std::int64_t rows, n, b, blocks;
  [[nodiscard]] std::int64_t chunk() const { return std::min(rows, kRows); }
  [[nodiscard]] std::int64_t rest() const { return rows % chunk(); }
};

/// What one thread does: parts that follow one another, whose columns are gathered together.
class Share {
 public:
  Share(const core::Engine& engine, const Extents& e, std::vector<Part> parts, core::DType dtype)
      : e_(e), parts_(std::move(parts)), dtype_(dtype) {
    for (const Part& part : parts_) {
      const auto add = [&](std::int64_t rows, Gemm::Into into) {
        products_.emplace_back(engine, matrices(part.count, part.height, rows, dtype),
                               matrices(part.count, rows, e.b, dtype), matrices(part.count, part.height, e.b),
                               into);
        product_bytes_ = std::max(product_bytes_, products_.back().scratch_bytes());
      };
      add(e.chunk(), Gemm::Into::overwrite);
      add(e.chunk(), Gemm::Into::accumulate);
      if (e.rest() > 0) add(e.rest(), Gemm::Into::accumulate);
    }
  }
  [[nodiscard]] std::size_t scratch_bytes() const {
    return product_bytes_ + copy_bytes(left_end() - left()) + copy_bytes(blocks() * e_.b);
  }

  /// Before the first run().
  void place(core::Engine& engine, std::size_t slice, std::byte* scratch) {
    scratch_ = scratch;
    calls_.clear();
    for (const Gemm& product : products_) calls_.push_back(product.bind(engine, slice, scratch));
  }

  void run(const core::Binding& t) {
    if (parts_.empty()) return;
    if (dtype_ == core::DType::bf16) {
      run<core::Bf16>(t);
    } else {
      run<float>(t);
    }
  }

 private:
  // Columns of a, and blocks of columns of b, in the order of the index.
  [[nodiscard]] std::int64_t left() const {
    return parts_.empty() ? 0 : parts_.front().first * e_.b + parts_.front().row;
  }
  [[nodiscard]] std::int64_t left_end() const {
    if (parts_.empty()) return 0;
    const Part& last = parts_.back();
    return (last.first + last.count - 1) * e_.b + last.row + last.height;
  }
  [[nodiscard]] std::int64_t first_block() const { return left() / e_.b; }
  [[nodiscard]] std::int64_t blocks() const {
    return parts_.empty() ? 0 : parts_.back().first + parts_.back().count - first_block();
  }
  [[nodiscard]] std::size_t copy_bytes(std::int64_t columns) const {
    const std::int64_t elements = e_.chunk() * columns;
    return (static_cast<std::size_t>(elements) * core::size_of(dtype_) + 63) / 64 * 64;
  }

  template <class T>
  void run(const core::Binding& t) {
    auto* a = reinterpret_cast<T*>(scratch_ + product_bytes_);
    auto* b = reinterpret_cast<T*>(scratch_ + product_bytes_ + copy_bytes(left_end() - left()));
    const auto* index = t.input<std::int32_t>(2);
    for (std::int64_t row = 0; row < e_.rows; row += e_.chunk()) {
      const std::int64_t rows = std::min(e_.chunk(), e_.rows - row);
      gather_transposed(t.input<T>(0) + row * e_.n, e_.n, rows, left_end() - left(), index + left(), a);
      gather_blocks(t.input<T>(1) + row * e_.n, e_.n, rows, blocks(), e_.b, index + first_block() * e_.b, b);
      const std::size_t kind = rows < e_.chunk() ? 2 : (row == 0 ? 0 : 1);
      const std::size_t kinds = calls_.size() / parts_.size();
      for (std::size_t i = 0; i < parts_.size(); ++i) {
        const std::int64_t column = parts_[i].first * e_.b + parts_[i].row;
        calls_[i * kinds + kind](a + (column - left()) * rows,
                                 b + (parts_[i].first - first_block()) * e_.b * rows,
                                 t.output() + column * e_.b);
      }
    }
  }

  Extents e_;
  std::vector<Part> parts_;
  core::DType dtype_;
  std::vector<Gemm> products_;  // per part: of the first chunk of rows, of another one, of the rest
  std::vector<Gemm::Call> calls_;
  std::size_t product_bytes_ = 0;
  std::byte* scratch_ = nullptr;
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
  const std::int64_t threads = std::min<std::int64_t>(x.engine().threads(), 2 * e.blocks);
  const Cuts cuts = cuts_here();
  std::vector<Share> shares;
  core::Lowered lowered;
  for (std::int64_t i = 0; i < threads; ++i) {
    const std::int64_t begin = first_unit(e.blocks, cuts, i, threads);
    const std::int64_t end = first_unit(e.blocks, cuts, i + 1, threads);
    shares.emplace_back(x.engine(), e, parts_of(e.blocks, e.b, cuts, begin, end), x.type(0).dtype);
    lowered.scratch_bytes += shares.back().scratch_bytes();
  }
  lowered.implementation = "own:block_gram";
  lowered.bind = [shares = std::move(shares)](const core::Binding& binding) -> core::Kernel {
    const auto own = std::make_shared<std::vector<Share>>(shares);
    auto* scratch = static_cast<std::byte*>(binding.scratch);
    for (std::size_t slice = 0; slice < own->size(); ++slice) {
      (*own)[slice].place(*binding.engine, slice, scratch);
      scratch += (*own)[slice].scratch_bytes();
    }
    return [own, binding] {
      binding.engine->parallel(static_cast<std::int64_t>(own->size()), 1,
                               [&](std::int64_t first, std::int64_t last) {
                                 for (std::int64_t i = first; i < last; ++i)
                                   (*own)[static_cast<std::size_t>(i)].run(binding);
                               });
    };
  };
  return lowered;
}

/// Of columns that were drawn already, over all rows at once.
std::vector<core::MatrixProduct> products(const core::Infer& x, std::span<const core::TensorType> out) {
  const std::int64_t b = x.integer("size");
  return {{out[0].shape[0], b, x.in(0).rows(), b, true, false, x.type(0).dtype, out[0].dtype}};
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
      .products = products,
      .narrow = {.operands = {0, 1}},
      .samples = {{{{{9, 12}}, {{9, 12}}, {{12}, DType::s32, 12, true}}, {{"size", 4}}},
                  {{{{2, 300, 6}}, {{2, 300, 6}}, {{4}, DType::s32, 6, true}}, {{"size", 2}}},
                  {{{{5, 3}}, {{5, 3}}, {{3}, DType::s32, 3, true}}, {{"size", 3}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
