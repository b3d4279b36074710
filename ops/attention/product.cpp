#include "ops/attention/product.hpp"

#include "core/runtime/lowered.hpp"

namespace isorbit::ops::flash {

namespace {

core::onednn::Layout layout_of(const Matrix& m) {
  return core::onednn::strided(
      {m.rows, m.columns}, m.transposed ? dnnl::memory::dims{1, m.rows} : dnnl::memory::dims{m.columns, 1},
      m.dtype);
}

}  // namespace

Product::Product(const dnnl::engine& engine, const Matrix& a, const Matrix& b, const Matrix& y, Into into)
    : arguments_{{DNNL_ARG_SRC, layout_of(a), a.offset},
                 {DNNL_ARG_WEIGHTS, layout_of(b), b.offset},
                 {DNNL_ARG_DST, layout_of(y), y.offset}} {
  dnnl::primitive_attr attr = core::user_scratchpad();
  if (into == Into::accumulate) {
    dnnl::post_ops post;
    post.append_sum(1.F);
    attr.set_post_ops(post);
  }
  const auto description = core::onednn::describe<dnnl::matmul>(engine, attr, arguments_[0].layout,
                                                                arguments_[1].layout, arguments_[2].layout);
  primitive_ = dnnl::primitive(description.get());
  implementation_ = description.impl_info_str();
  scratchpad_ = description.scratchpad_desc();
}

Product::Call Product::bind(const dnnl::engine& engine, std::byte* scratch, std::byte* scratchpad) const {
  Call call{primitive_, {}, {}};
  const auto add = [&](int id, const core::onednn::Layout& layout, std::byte* address) {
    call.memories.emplace_back(layout, engine, address);
    call.arguments.push_back({id, call.memories.back().get()});
  };
  for (const Argument& a : arguments_) add(a.id, a.layout, scratch + a.offset);
  if (scratchpad_.get_size() > 0) add(DNNL_ARG_SCRATCHPAD, scratchpad_, scratchpad);
  return call;
}

}  // namespace isorbit::ops::flash
