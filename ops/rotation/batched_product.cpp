#include "ops/rotation/batched_product.hpp"

namespace isorbit::ops {

BatchedProduct::BatchedProduct(const core::Engine& engine, const Form& f) {
  using core::onednn::strided;
  const auto a =
      strided({f.count, f.m, f.k}, {f.m * f.k, f.transpose_a ? 1 : f.k, f.transpose_a ? f.m : 1}, f.operands);
  const auto b =
      strided({f.count, f.k, f.n}, {f.k * f.n, f.transpose_b ? 1 : f.n, f.transpose_b ? f.k : 1}, f.operands);
  const auto c = core::onednn::dense({f.count, f.m, f.n});
  dnnl::primitive_attr attr = core::user_scratchpad();
  if (f.add) {
    dnnl::post_ops post;
    post.append_sum(1.F);
    attr.set_post_ops(post);
  }
  const auto description = core::onednn::describe<dnnl::matmul>(engine.onednn(), attr, a, b, c);
  primitive_ = dnnl::matmul(description);
  const auto scratch = description.scratchpad_desc();
  scratch_ = (scratch.get_size() + 63) / 64 * 64;
  const auto memory = [&](int id, const core::onednn::Layout& layout) {
    memories_.emplace(id, dnnl::memory(layout, engine.onednn(), DNNL_MEMORY_NONE));
  };
  memory(DNNL_ARG_SRC, a), memory(DNNL_ARG_WEIGHTS, b), memory(DNNL_ARG_DST, c);
  if (scratch_ > 0) memory(DNNL_ARG_SCRATCHPAD, scratch);
}

void BatchedProduct::run(dnnl::stream& stream, const void* a, const void* b, float* c, void* scratch) {
  memories_.at(DNNL_ARG_SRC).set_data_handle(const_cast<void*>(a));
  memories_.at(DNNL_ARG_WEIGHTS).set_data_handle(const_cast<void*>(b));
  memories_.at(DNNL_ARG_DST).set_data_handle(c);
  if (scratch_ > 0) memories_.at(DNNL_ARG_SCRATCHPAD).set_data_handle(scratch);
  primitive_.execute(stream, memories_);
}

}  // namespace isorbit::ops
