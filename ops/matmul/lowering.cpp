#include "ops/matmul/lowering.hpp"

#include <algorithm>
#include <cstdint>

#include "ops/vector_math.hpp"

namespace isorbit::ops::product {

namespace {

using core::onednn::Layout;

/// A stack of matrices in dense memory, or of their first rows only: `span` rows of each.
struct Stack {
  std::vector<std::int64_t> batch;
  std::int64_t rows = 0, columns = 0;
  bool transposed = false;
  core::DType dtype = core::DType::f32;

  [[nodiscard]] std::int64_t stride(std::size_t axis) const {
    std::int64_t step = rows * columns;
    for (std::size_t i = batch.size(); i-- > axis + 1;) step *= batch[i];
    return step;
  }
  [[nodiscard]] Layout layout(const Stack& part) const {
    std::vector<std::int64_t> dims = part.batch, strides;
    for (std::size_t i = 0; i < batch.size(); ++i) strides.push_back(stride(i));
    dims.insert(dims.end(), {part.rows, part.columns});
    strides.insert(strides.end(), {transposed ? 1 : columns, transposed ? rows : 1});
    return core::onednn::strided(dims, strides, dtype);
  }
};

/// Where a product is cut for threads: along the first batch axis that is long enough, else along the rows of
/// the result. Cuts never go through a sum, so that they change no bit.
struct Cut {
  std::optional<std::size_t> axis;  // of the batch; none: rows
  std::int64_t extent = 0;
};

Cut cut_of(const Geometry& g) {
  std::int64_t leading = 1;
  for (std::size_t i = 0; i < g.batch.size() && leading == 1; ++i) {
    leading *= g.batch[i];
    if (g.batch[i] > 1) return {i, g.batch[i]};
  }
  return {std::nullopt, g.m};
}

/// Where the addend is: nowhere, in memory of its own, or where the result goes.
enum class Addend : std::uint8_t { none, beside, in_place };

class Product {
 public:
  Product(const core::Lower& x, const Geometry& g, const Terms& terms)
      : x_(x),
        g_(g),
        terms_(terms),
        a_{g.a_batch, g.m, g.k, x.flag("transpose_a"), x.type(0).dtype},
        b_{g.b_batch, g.k, g.n, x.flag("transpose_b"), x.type(1).dtype},
        y_{g.batch, g.m, g.n, false, x.out_type().dtype} {}

  core::Lowered lower() const {
    const std::optional<Layout> packed = packed_layout();
    const Layout b = packed.value_or(b_layout());
    core::Lowered lowered = terms_.addend ? either_place(b) : core::Lowered::slices(slices(b, Addend::none));
    if (packed) lowered.in_formats = {std::nullopt, core::Lowered::Format{b_layout(), *packed}};
    return lowered;
  }

 private:
  static constexpr double kLeastFlops = 2e5;      // some microseconds of one thread
  static constexpr std::int64_t kManyRows = 512;  // that make packing b worth its copy

  Layout b_layout() const { return b_.layout(b_); }

  /// The format oneDNN likes b in, where packing pays: a matrix of bf16 that many rows are multiplied by.
  std::optional<Layout> packed_layout() const {
    if (b_.dtype != core::DType::bf16 || !g_.batch.empty() || a_.transposed || g_.m < kManyRows) return {};
    const Layout any({g_.k, g_.n}, core::onednn::type_of(b_.dtype), dnnl::memory::format_tag::any);
    const auto description = core::onednn::describe<dnnl::matmul>(
        x_.engine().onednn(), core::user_scratchpad(), a_.layout(a_), any, y_.layout(y_));
    const Layout packed = description.weights_desc();
    return packed == b_layout() ? std::nullopt : std::optional(packed);
  }

  /// A binary post-op must not read the addend where the result goes, because oneDNN keeps there what it has
  /// summed so far; a sum post-op reads it nowhere else. Both give the same bits in oneDNN's brgemm; its
  /// other products start their sums from what is there, and get a copy of the addend beside.
  core::Lowered either_place(const Layout& b) const {
    core::Lowered beside = core::Lowered::slices(slices(b, Addend::beside));
    core::Lowered in_place = core::Lowered::slices(slices(b, Addend::in_place));
    if (!in_place.implementation.starts_with("brg")) return copied_beside(std::move(beside));
    beside.scratch_bytes = std::max(beside.scratch_bytes, in_place.scratch_bytes);
    beside.bind = [apart = std::move(beside.bind), together = std::move(in_place.bind),
                   addend = *terms_.addend](const core::Binding& binding) {
      return binding.in[addend] == binding.out[0] ? together(binding) : apart(binding);
    };
    return beside;
  }

  core::Lowered copied_beside(core::Lowered lowered) const {
    const std::size_t copy_at = (lowered.scratch_bytes + 63) / 64 * 64;
    const std::int64_t elements = g_.result.elements();
    lowered.scratch_bytes = copy_at + static_cast<std::size_t>(elements) * sizeof(float);
    lowered.bind = [sum = std::move(lowered.bind), addend = *terms_.addend, copy_at,
                    elements](const core::Binding& binding) -> core::Kernel {
      if (binding.in[addend] != binding.out[0]) return sum(binding);
      const auto* from = binding.input(addend);
      auto* copy = reinterpret_cast<float*>(static_cast<std::byte*>(binding.scratch) + copy_at);
      core::Binding apart = binding;
      apart.in[addend] = copy;
      return [sum = sum(apart), engine = binding.engine, from, copy, elements] {
        engine->parallel(elements, kGrain, [=](std::int64_t begin, std::int64_t end) {
          std::copy(from + begin, from + end, copy + begin);
        });
        sum();
      };
    };
    return lowered;
  }

  std::vector<core::Lowered::Slice> slices(const Layout& b, Addend addend) const {
    const Cut cut = cut_of(g_);
    const std::int64_t grain = cut.axis ? 1 : 16;
    const double flops = 2.0 * static_cast<double>(g_.k) * static_cast<double>(g_.result.elements());
    std::int64_t parts = std::min<std::int64_t>(x_.engine().threads(), cut.extent / grain);
    if (flops < kLeastFlops) parts = 1;
    std::vector<core::Lowered::Slice> slices;
    for (std::int64_t i = 0; i < std::max<std::int64_t>(parts, 1); ++i) {
      const std::int64_t units = cut.extent / grain;
      const std::int64_t first = parts <= 1 ? 0 : units * i / parts * grain;
      const std::int64_t last = parts <= 1 || i + 1 == parts ? cut.extent : units * (i + 1) / parts * grain;
      slices.push_back(slice(cut, first, last, b, addend));
    }
    return slices;
  }

  /// The part of a stack that [first, last) of the cut takes, and where it begins in bytes.
  std::pair<Stack, std::size_t> part(const Stack& whole, const Cut& cut, std::int64_t first,
                                     std::int64_t last, bool has_rows) const {
    Stack part = whole;
    std::int64_t offset = 0;
    if (cut.axis) {
      if (whole.batch[*cut.axis] > 1) {
        part.batch[*cut.axis] = last - first;
        offset = first * whole.stride(*cut.axis);
      }
    } else if (has_rows) {
      part.rows = last - first;
      offset = first * (whole.transposed ? 1 : whole.columns);
    }
    return {part, static_cast<std::size_t>(offset) * core::size_of(whole.dtype)};
  }

  /// `whole_b` is how b lies in memory; with batches it is cut like the others.
  core::Lowered::Slice slice(const Cut& cut, std::int64_t first, std::int64_t last, const Layout& whole_b,
                             Addend addend) const {
    const auto [a_part, a_offset] = part(a_, cut, first, last, true);
    const auto [b_part, b_offset] = part(b_, cut, first, last, false);
    const auto [y_part, y_offset] = part(y_, cut, first, last, true);
    const Layout a = a_.layout(a_part), b = cut.axis ? b_.layout(b_part) : whole_b, y = y_.layout(y_part);
    std::vector<core::Lowered::Argument> arguments = {{DNNL_ARG_SRC, false, 0, a, a_offset},
                                                      {DNNL_ARG_WEIGHTS, false, 1, b, b_offset},
                                                      {DNNL_ARG_DST, true, 0, y, y_offset}};
    dnnl::post_ops post;
    const auto add = [&](std::size_t input, const Layout& layout, std::size_t offset) {
      const int at = DNNL_ARG_ATTR_MULTIPLE_POST_OP(post.len()) | DNNL_ARG_SRC_1;
      post.append_binary(dnnl::algorithm::binary_add, layout);
      arguments.push_back({at, false, input, layout, offset});
    };
    const auto alpha = static_cast<float>(x_.number("alpha"));
    const bool biased = x_.has(terms_.bias), scaled = alpha != 1.F;
    if (scaled) core::onednn::post_linear(post, alpha);
    if (scaled && biased) add(terms_.bias, bias(), 0);  // oneDNN adds its own before the post-ops
    if (addend == Addend::beside) add(*terms_.addend, y, y_offset);
    if (addend == Addend::in_place) post.append_sum();
    dnnl::primitive_attr attr = core::user_scratchpad();
    attr.set_post_ops(post);
    const dnnl::engine& engine = x_.engine().onednn();
    if (biased && !scaled) {
      arguments.push_back({DNNL_ARG_BIAS, false, terms_.bias, bias()});
      return {core::onednn::describe<dnnl::matmul>(engine, attr, a, b, bias(), y), std::move(arguments)};
    }
    return {core::onednn::describe<dnnl::matmul>(engine, attr, a, b, y), std::move(arguments)};
  }

  Layout bias() const {
    std::vector<std::int64_t> dims(g_.batch.size() + 2, 1);
    dims.back() = g_.n;
    return core::onednn::dense(dims);
  }

  const core::Lower& x_;
  const Geometry& g_;
  Terms terms_;
  Stack a_, b_, y_;
};

}  // namespace

core::Lowered lower(const core::Lower& x, const Terms& terms) {
  const Geometry g = geometry(x);
  return Product(x, g, terms).lower();
}

}  // namespace isorbit::ops::product
