// What activations have in common: y = f(x) elementwise and dx = f'(x) dy, by oneDNN's eltwise primitive.
#pragma once
#include <string>

#include "ops/common.hpp"

namespace isorbit::ops {

struct Activation {
  std::string name, doc, derivative_doc;
  std::vector<core::Field> attributes = {};
  std::vector<core::Json> sample_attributes = {core::Json::object()};
  /// oneDNN's algorithm with its alpha; beta is 0.
  std::function<dnnl::algorithm(const core::Attributes&)> algorithm;
  float alpha = 0;
  std::function<double(double, const core::Attributes&)> value, slope;
};

/// slice(elements, byte offset) for every thread's share of the elements.
template <class Slice>
core::Lowered over_elements(const core::Lower& x, const Slice& slice) {
  constexpr std::int64_t kLine = 64;  // elements
  const std::int64_t n = x.in(0).elements();
  const std::int64_t parts = std::clamp<std::int64_t>(n / 16384, 1, x.engine().threads());
  std::vector<core::Lowered::Slice> slices;
  for (std::int64_t i = 0; i < parts; ++i) {
    const std::int64_t first = n * i / parts / kLine * kLine;
    const std::int64_t last = i + 1 == parts ? n : n * (i + 1) / parts / kLine * kLine;
    slices.push_back(slice(last - first, static_cast<std::size_t>(first) * sizeof(float)));
  }
  return core::Lowered::slices(std::move(slices));
}

inline core::Lowered lower_activation(const core::Lower& x, dnnl::algorithm algorithm, float alpha) {
  return over_elements(x, [&](std::int64_t count, std::size_t offset) {
    const auto layout = core::onednn::dense({count});
    return core::Lowered::Slice(
        core::onednn::describe_eltwise(x.engine().onednn(), core::user_scratchpad(), algorithm, layout, alpha,
                                       0),
        {{DNNL_ARG_SRC, false, 0, layout, offset}, {DNNL_ARG_DST, true, 0, layout, offset}});
  });
}

inline core::Lowered lower_slope(const core::Lower& x, dnnl::algorithm algorithm, float alpha) {
  return over_elements(x, [&](std::int64_t count, std::size_t offset) {
    const auto layout = core::onednn::dense({count});
    const dnnl::primitive_attr attr = core::user_scratchpad();
    const auto& engine = x.engine().onednn();
    const auto forward = core::onednn::describe_eltwise(engine, attr, algorithm, layout, alpha, 0);
    return core::Lowered::Slice(
        core::onednn::describe_eltwise_backward(engine, attr, forward, algorithm, layout, alpha, 0),
        {{DNNL_ARG_SRC, false, 0, layout, offset},
         {DNNL_ARG_DIFF_DST, false, 1, layout, offset},
         {DNNL_ARG_DIFF_SRC, true, 0, layout, offset}});
  });
}

/// The cards <name>(x) and <name>_grad(x, dy).
inline core::OpFamily activation_family(const Activation& a) {
  using namespace core;
  OpCard forward, backward;
  forward.name = a.name;
  forward.doc = a.doc;
  forward.inputs = {{"x"}};
  forward.infer = like_first;
  forward.grad = [name = a.name + "_grad"](Grad& g) {
    const Json attributes = g.node().attributes;
    g.set(0, g.build().op(name, {g.in(0), g.dy()}, attributes));
  };
  forward.lower = [a](const Lower& x) { return lower_activation(x, a.algorithm(x), a.alpha); };
  forward.ref = [a](const Ref& x) {
    for (std::size_t i = 0; i < x.in(0).size(); ++i) x.out()[i] = a.value(x.in(0)[i], x);
  };
  forward.in_place = {{0, 0}};

  backward.name = a.name + "_grad";
  backward.doc = a.derivative_doc;
  backward.inputs = {{"x"}, {"dy"}};
  backward.infer = [](const Infer& x) {
    same_shape(x, 1, 0);
    return like_first(x);
  };
  backward.lower = [a](const Lower& x) { return lower_slope(x, a.algorithm(x), a.alpha); };
  backward.ref = [a](const Ref& x) {
    for (std::size_t i = 0; i < x.in(0).size(); ++i) x.out()[i] = a.slope(x.in(0)[i], x) * x.in(1)[i];
  };
  backward.in_place = {{1, 0}};

  forward.attributes = backward.attributes = a.attributes;
  for (const Json& attributes : a.sample_attributes) {
    for (const Shape& shape : {Shape{3, 5}, Shape{2, 7, 33}, Shape{1}}) {
      forward.samples.push_back({{{shape}}, attributes});
      backward.samples.push_back({{{shape}, {shape}}, attributes});
    }
  }
  return {forward, backward};
}

}  // namespace isorbit::ops
