// What activations have in common: y = f(x) elementwise and dx = f'(x) dy.
#pragma once
#include <string>
#include <utility>

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
  double degree = 0;  // f(c x) = c^degree f(x) for c > 0; 0: not homogeneous
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

/// Calls f with a pointer of the stored type.
template <class F>
void with_type(const Input& x, const F& f) {
  x.narrow ? f(static_cast<const core::Bf16*>(x.data)) : f(static_cast<const float*>(x.data));
}
template <class F>
void with_type(const Output& y, const F& f) {
  y.narrow ? f(static_cast<core::Bf16*>(y.data)) : f(static_cast<float*>(y.data));
}
inline float widened(float x) { return x; }
inline float widened(core::Bf16 x) { return core::widen(x); }
inline void put(float& y, float x) { y = x; }
inline void put(core::Bf16& y, float x) { y = core::round_to_bf16(x); }

/// An activation of plain arithmetic, in one file: `value` and `slope` take and give a float, for the
/// kernels, or a double, for the reference; the compiler makes the loops. One that waits for exponentials is
/// faster as a curve of ops/kernels/.
template <class Value, class Slope>
Activation plain_activation(std::string name, std::string doc, Value value, Slope slope) {
  Activation a;
  a.name = name;
  a.doc = std::move(doc);
  a.derivative_doc = "dx = dy times the slope of " + name + " at x";
  a.value = [value](double x, const core::Attributes&) { return value(x); };
  a.slope = [slope](double x, const core::Attributes&) { return slope(x); };
  a.lower = [name, value](const core::Lower& of) {
    return core::Lowered::own(name, [value, x_type = of.type(0),
                                     y_type = of.out_type()](const core::Binding& bound) {
      with_type(Input(bound.in[0], x_type), [&](const auto* x) {
        with_type(Output(bound.out[0], y_type), [&](auto* y) {
          bound.engine->parallel(x_type.shape.elements(), kGrain, [=](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) put(y[i], value(widened(x[i])));
          });
        });
      });
    });
  };
  a.lower_slope = [name, slope](const core::Lower& of) {
    return core::Lowered::own(name + "_grad", [slope, x_type = of.type(0), dy_type = of.type(1),
                                               dx_type = of.out_type()](const core::Binding& bound) {
      with_type(Input(bound.in[0], x_type), [&](const auto* x) {
        with_type(Input(bound.in[1], dy_type), [&](const auto* dy) {
          with_type(Output(bound.out[0], dx_type), [&](auto* dx) {
            bound.engine->parallel(x_type.shape.elements(), kGrain,
                                   [=](std::int64_t begin, std::int64_t end) {
                                     for (std::int64_t i = begin; i < end; ++i)
                                       put(dx[i], slope(widened(x[i])) * widened(dy[i]));
                                   });
          });
        });
      });
    });
  };
  return a;
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
  forward.scaling = not_homogeneous;
  if (a.degree != 0) forward.scaling = [degree = a.degree](Scaling& s) { s.power(s.out(), degree, s.in(0)); };
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
