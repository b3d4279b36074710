// What activations have in common: y = f(x) elementwise and dx = f'(x) dy.
#pragma once
#include <string>

#include "ops/common.hpp"
#include "ops/kernels/activations.hpp"
#include "ops/vector_math.hpp"

namespace isorbit::ops {

/// Value and slope are in double, for the reference.
struct Activation {
  std::string name, doc, derivative_doc;
  std::vector<core::Field> attributes = {};
  std::vector<core::Json> sample_attributes = {core::Json::object()};
  std::function<core::Lowered(const core::Lower&)> lower, lower_slope;
  std::function<double(double, const core::Attributes&)> value, slope;
  bool homogeneous = false;  // f(c x) = c f(x) for c > 0
};

/// A kernel y_i = f(x_i).
inline core::Lowered lower_value(const core::Lower& x, std::string name, kernels::Curve curve) {
  return core::Lowered::own(
      std::move(name), [curve, of_x = x.type(0), of_y = x.out_type()](const core::Binding& binding) {
        const Input in(binding.in[0], of_x);
        const Output y(binding.out[0], of_y);
        binding.engine->parallel(of_x.shape.elements(), kGrain, [=](std::int64_t begin, std::int64_t end) {
          kernels::activation(curve, in, y, begin, end);
        });
      });
}

/// A kernel dx_i = f'(x_i) dy_i.
inline core::Lowered lower_slope(const core::Lower& x, std::string name, kernels::Curve curve) {
  return core::Lowered::own(std::move(name), [curve, of_x = x.type(0), of_dy = x.type(1),
                                              of_dx = x.out_type()](const core::Binding& binding) {
    const Input in(binding.in[0], of_x), dy(binding.in[1], of_dy);
    const Output dx(binding.out[0], of_dx);
    binding.engine->parallel(of_x.shape.elements(), kGrain, [=](std::int64_t begin, std::int64_t end) {
      kernels::activation_grad(curve, in, dy, dx, begin, end);
    });
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
  forward.lower = a.lower;
  forward.ref = [a](const Ref& x) {
    for (std::size_t i = 0; i < x.in(0).size(); ++i) x.out()[i] = a.value(x.in(0)[i], x);
  };
  forward.scaling = a.homogeneous ? follows_first : not_homogeneous;
  forward.in_place = {{0, 0}};
  forward.narrow = {.inputs = {0}, .outputs = {0}};

  backward.name = a.name + "_grad";
  backward.doc = a.derivative_doc;
  backward.inputs = {{"x"}, {"dy"}};
  backward.infer = [](const Infer& x) {
    same_shape(x, 1, 0);
    return like_first(x);
  };
  backward.lower = a.lower_slope;
  backward.ref = [a](const Ref& x) {
    for (std::size_t i = 0; i < x.in(0).size(); ++i) x.out()[i] = a.slope(x.in(0)[i], x) * x.in(1)[i];
  };
  backward.in_place = {{1, 0}};
  backward.narrow = {.inputs = {0, 1}, .outputs = {0}};

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
