// Products of drawn columns: d_j = A_j^T B_j with A_j, B_j the columns index(j b ... j b + b - 1) of a, b
// [..., n]: d [blocks, b, b], summed over all rows. With y = x W^T it gives what the gradient of a rotation
// of the rows of W needs (a = dy, b = y) and of its columns (a = dx, b = x), without the gradient of W.
//
// Columns are gathered a few hundred rows at a time into a cache-sized copy whose blocks are dense, and
// multiplied from there; threads share the blocks, or their rows, so that the order of the sum does not
// depend on them.
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/runtime/bf16.hpp"
#include "ops/common.hpp"
#include "ops/gemm.hpp"
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

/// Rows of n at a time that stay in the first cache while all their columns are taken.
constexpr std::int64_t kStrip = 8;

/// Asks for `rows` rows before they are taken in an order no prefetcher can guess.
template <class T>
void fetch(const T* from, std::int64_t n, std::int64_t rows) {
  const auto* line = reinterpret_cast<const char*>(from);
  const auto* const end = line + static_cast<std::size_t>(rows * n) * sizeof(T);
  for (; line < end; line += 64) _mm_prefetch(line, _MM_HINT_T0);
}

/// to[j][t][c] = from[t][index[j b + c]] for `blocks` blocks and `rows` rows of n.
template <class T>
void gather(const T* from, const Extents& e, std::int64_t rows, std::int64_t blocks,
            const std::int32_t* index, T* to) {
  for (std::int64_t t = 0; t < rows; ++t) {
    if (t + 2 < rows) fetch(from + (t + 2) * e.n, e.n, 1);
    for (std::int64_t j = 0; j < blocks; ++j)
      take(from + t * e.n, index + j * e.b, e.b, to + (j * rows + t) * e.b);
  }
}

/// to[c][t] = from[t][index[c]] for `columns` columns.
template <class T>
void gather_transposed(const T* from, std::int64_t n, std::int64_t rows, std::int64_t columns,
                       const std::int32_t* index, T* to) {
  for (std::int64_t t = 0; t < rows; t += kStrip) {
    if (t + kStrip < rows) fetch(from + (t + kStrip) * n, n, std::min(kStrip, rows - t - kStrip));
    for (std::int64_t c = 0; c < columns; ++c)
      take_column(from + t * n + index[c], n, std::min(kStrip, rows - t), to + c * rows + t);
  }
}

/// Rows row..row + height - 1 of blocks first..first + count - 1 of the result: whole blocks, or part of one.
struct Part {
  std::int64_t first, count, row, height;
};

/// Where the stack may be cut. A kernel for AVX-512 gives a row of a product the same digits whatever rows
/// are beside it; oneDNN's others do not: for them the cuts, if not who takes which part, are the same on any
/// number of threads.
enum class Cuts : std::uint8_t { anywhere, fixed };

Cuts cuts_here() { return core::effective_isa().rfind("avx512", 0) == 0 ? Cuts::anywhere : Cuts::fixed; }

/// Where thread i of `threads` begins, in units of half blocks.
std::int64_t first_unit(const Extents& e, Cuts cuts, std::int64_t i, std::int64_t threads) {
  const std::int64_t unit = 2 * e.blocks * i / threads;
  return cuts == Cuts::anywhere || unit == e.blocks ? unit : unit / 2 * 2;
}

/// The parts of units begin..end - 1 where every block is two units, its upper and its lower rows: blocks are
/// few, and threads should share the odd one. One of the fixed cuts is through the middle of an odd stack.
std::vector<Part> parts_of(const Extents& e, Cuts cuts, std::int64_t begin, std::int64_t end) {
  if (cuts == Cuts::fixed && e.blocks % 2 == 1 && begin < e.blocks && e.blocks < end) {
    std::vector<Part> parts = parts_of(e, cuts, begin, e.blocks);
    const std::vector<Part> second = parts_of(e, cuts, e.blocks, end);
    parts.insert(parts.end(), second.begin(), second.end());
    return parts;
  }
  const std::int64_t upper = e.b / 2;
  std::vector<Part> parts;
  if (begin % 2 == 1 && begin < end) parts.push_back({begin++ / 2, 1, upper, e.b - upper});
  if (end - begin >= 2) parts.push_back({begin / 2, (end - begin) / 2, 0, e.b});
  if ((end - begin) % 2 == 1) parts.push_back({end / 2, 1, 0, upper});
  std::erase_if(parts, [](const Part& part) { return part.height == 0; });
  return parts;
}

/// One part with its products.
class PartOfGram {
 public:
  PartOfGram(const core::Engine& engine, const Extents& e, const Part& part, core::DType dtype)
      : e_(e), part_(part), dtype_(dtype) {
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
  [[nodiscard]] std::size_t scratch_bytes() const {
    return product_bytes_ + copy_bytes(part_.height) + copy_bytes(e_.b);
  }

  /// Before the first run().
  void place(core::Engine& engine, std::size_t slice, std::byte* scratch) {
    scratch_ = scratch;
    placed_.clear();
    for (const Gemm& product : products_) placed_.push_back(product.bind(engine, slice, scratch));
  }

  void run(const core::Binding& t) {
    if (dtype_ == core::DType::bf16) {
      run<core::Bf16>(t);
    } else {
      run<float>(t);
    }
  }

 private:
  [[nodiscard]] std::size_t copy_bytes(std::int64_t columns) const {
    const std::int64_t elements = e_.chunk() * part_.count * columns;
    return (static_cast<std::size_t>(elements) * core::size_of(dtype_) + 63) / 64 * 64;
  }

  template <class T>
  void run(const core::Binding& t) {
    auto* a = reinterpret_cast<T*>(scratch_ + product_bytes_);
    auto* b = reinterpret_cast<T*>(scratch_ + product_bytes_ + copy_bytes(part_.height));
    const std::int32_t* columns = t.input<std::int32_t>(2) + part_.first * e_.b;
    float* d = t.output() + (part_.first * e_.b + part_.row) * e_.b;
    for (std::int64_t row = 0; row < e_.rows; row += e_.chunk()) {
      const std::int64_t rows = std::min(e_.chunk(), e_.rows - row);
      gather_transposed(t.input<T>(0) + row * e_.n, e_.n, rows, part_.count * part_.height,
                        columns + part_.row, a);
      gather(t.input<T>(1) + row * e_.n, e_, rows, part_.count, columns, b);
      placed_[rows < e_.chunk() ? 2 : (row == 0 ? 0 : 1)](a, b, d);
    }
  }

  Extents e_;
  Part part_;
  core::DType dtype_;
  std::vector<Gemm> products_;  // of the first chunk of rows, of another one added, of the rest added
  std::vector<Gemm::Call> placed_;
  std::size_t product_bytes_ = 0;
  std::byte* scratch_ = nullptr;
};

/// What one thread does, part after part in the same scratch.
struct Share {
  std::vector<PartOfGram> parts;
  std::size_t scratch_bytes = 0, offset = 0;
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
    Share share;
    share.offset = lowered.scratch_bytes;
    for (const Part& part :
         parts_of(e, cuts, first_unit(e, cuts, i, threads), first_unit(e, cuts, i + 1, threads))) {
      share.parts.emplace_back(x.engine(), e, part, x.type(0).dtype);
      share.scratch_bytes = std::max(share.scratch_bytes, share.parts.back().scratch_bytes());
    }
    lowered.scratch_bytes += share.scratch_bytes;
    shares.push_back(std::move(share));
  }
  lowered.implementation = "own:block_gram";
  lowered.bind = [shares = std::move(shares)](const core::Binding& binding) -> core::Kernel {
    const auto own = std::make_shared<std::vector<Share>>(shares);
    for (std::size_t slice = 0; slice < own->size(); ++slice)
      for (PartOfGram& part : (*own)[slice].parts)
        part.place(*binding.engine, slice, static_cast<std::byte*>(binding.scratch) + (*own)[slice].offset);
    return [own, binding] {
      binding.engine->parallel(static_cast<std::int64_t>(own->size()), 1,
                               [&](std::int64_t first, std::int64_t last) {
                                 for (std::int64_t i = first; i < last; ++i)
                                   for (PartOfGram& part : (*own)[static_cast<std::size_t>(i)].parts)
                                     part.run(binding);
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
