// The seam to oneDNN 2.6 and 3.x: outside this header nobody names X::desc, a _v2 type, md.data or
// append_eltwise.
#pragma once
#include <oneapi/dnnl/dnnl.hpp>

#include "core/graph/types.hpp"

namespace isorbit::core::onednn {

using Layout = dnnl::memory::desc;

#if DNNL_VERSION_MAJOR >= 3
using SoftmaxForward = dnnl::softmax_forward;
using SoftmaxBackward = dnnl::softmax_backward;

/// Descriptor of matmul, binary or reduction.
template <class P, class... Arguments>
typename P::primitive_desc describe(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                    const Arguments&... a) {
  return typename P::primitive_desc(engine, a..., attr);
}
inline auto describe_eltwise(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                             dnnl::algorithm algorithm, const Layout& layout, float alpha, float beta) {
  return dnnl::eltwise_forward::primitive_desc(engine, dnnl::prop_kind::forward_training, algorithm, layout,
                                               layout, alpha, beta, attr);
}
inline auto describe_eltwise_backward(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                      const dnnl::eltwise_forward::primitive_desc& forward,
                                      dnnl::algorithm algorithm, const Layout& layout, float alpha,
                                      float beta) {
  return dnnl::eltwise_backward::primitive_desc(engine, algorithm, layout, layout, layout, alpha, beta,
                                                forward, attr);
}
inline auto describe_softmax(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                             const Layout& layout, int axis) {
  return SoftmaxForward::primitive_desc(engine, dnnl::prop_kind::forward_training,
                                        dnnl::algorithm::softmax_accurate, layout, layout, axis, attr);
}
inline auto describe_softmax_backward(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                      const SoftmaxForward::primitive_desc& forward, const Layout& layout,
                                      int axis) {
  return SoftmaxBackward::primitive_desc(engine, dnnl::algorithm::softmax_accurate, layout, layout, layout,
                                         axis, forward, attr);
}
inline auto describe_layer_norm(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                const Layout& layout, const Layout& statistics, float epsilon,
                                dnnl::normalization_flags flags) {
  return dnnl::layer_normalization_forward::primitive_desc(engine, dnnl::prop_kind::forward_training, layout,
                                                           layout, statistics, epsilon, flags, attr);
}
inline auto describe_layer_norm_backward(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                         const dnnl::layer_normalization_forward::primitive_desc& forward,
                                         const Layout& layout, const Layout& statistics, float epsilon,
                                         dnnl::normalization_flags flags) {
  return dnnl::layer_normalization_backward::primitive_desc(
      engine, dnnl::prop_kind::backward, layout, layout, layout, statistics, epsilon, flags, forward, attr);
}
#else
using SoftmaxForward = dnnl::softmax_v2_forward;
using SoftmaxBackward = dnnl::softmax_v2_backward;

template <class P, class... Arguments>
typename P::primitive_desc describe(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                    const Arguments&... a) {
  return typename P::primitive_desc(typename P::desc(a...), attr, engine);
}
inline auto describe_eltwise(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                             dnnl::algorithm algorithm, const Layout& layout, float alpha, float beta) {
  return dnnl::eltwise_forward::primitive_desc(
      {dnnl::prop_kind::forward_training, algorithm, layout, alpha, beta}, attr, engine);
}
inline auto describe_eltwise_backward(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                      const dnnl::eltwise_forward::primitive_desc& forward,
                                      dnnl::algorithm algorithm, const Layout& layout, float alpha,
                                      float beta) {
  return dnnl::eltwise_backward::primitive_desc({algorithm, layout, layout, alpha, beta}, attr, engine,
                                                forward);
}
inline auto describe_softmax(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                             const Layout& layout, int axis) {
  return SoftmaxForward::primitive_desc(
      {dnnl::prop_kind::forward_training, dnnl::algorithm::softmax_accurate, layout, layout, axis}, attr,
      engine);
}
inline auto describe_softmax_backward(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                      const SoftmaxForward::primitive_desc& forward, const Layout& layout,
                                      int axis) {
  return SoftmaxBackward::primitive_desc({dnnl::algorithm::softmax_accurate, layout, layout, layout, axis},
                                         attr, engine, forward);
}
inline auto describe_layer_norm(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                const Layout& layout, const Layout& statistics, float epsilon,
                                dnnl::normalization_flags flags) {
  return dnnl::layer_normalization_forward::primitive_desc(
      {dnnl::prop_kind::forward_training, layout, statistics, epsilon, flags}, attr, engine);
}
inline auto describe_layer_norm_backward(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                         const dnnl::layer_normalization_forward::primitive_desc& forward,
                                         const Layout& layout, const Layout& statistics, float epsilon,
                                         dnnl::normalization_flags flags) {
  return dnnl::layer_normalization_backward::primitive_desc(
      {dnnl::prop_kind::backward, layout, layout, statistics, epsilon, flags}, attr, engine, forward);
}
#endif

/// Appends "times alpha" to what a primitive does with its result.
inline void post_linear(dnnl::post_ops& ops, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(dnnl::algorithm::eltwise_linear, alpha, 0.F);
#else
  ops.append_eltwise(1.F, dnnl::algorithm::eltwise_linear, alpha, 0.F);
#endif
}

[[nodiscard]] inline dnnl::memory::data_type type_of(DType dtype) {
  return dtype == DType::f32   ? dnnl::memory::data_type::f32
         : dtype == DType::s32 ? dnnl::memory::data_type::s32
                               : dnnl::memory::data_type::bf16;
}

/// Row-major layout of these extents; rank 0 is seen as [1].
[[nodiscard]] inline Layout dense(const dnnl::memory::dims& dims, DType dtype = DType::f32) {
  dnnl::memory::dims extents = dims.empty() ? dnnl::memory::dims{1} : dims;
  dnnl::memory::dims strides(extents.size(), 1);
  for (std::size_t i = extents.size(); i-- > 1;) strides[i - 1] = strides[i] * extents[i];
  return {extents, type_of(dtype), strides};
}
[[nodiscard]] inline Layout strided(const dnnl::memory::dims& dims, const dnnl::memory::dims& strides,
                                    DType dtype = DType::f32) {
  return {dims, type_of(dtype), strides};
}

}  // namespace isorbit::core::onednn
