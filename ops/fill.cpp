// y[...] = value, of the given shape.
#include <algorithm>

#include "ops/common.hpp"

namespace isorbit::ops {

core::OpFamily fill() {
  core::OpCard card{
      .name = "fill",
      .doc = "a tensor of one value",
      .inputs = {},
      .attributes = {integers_field("shape", "extents", 1), number_field("value", "every element")},
      .infer = [](const core::Infer& x) -> std::vector<core::TensorType> {
        return {f32(shape_attribute(x, "shape"))};
      },
      .grad = [](core::Grad&) {},
      .lower =
          [](const core::Lower& x) {
            return core::Lowered::own(
                "fill", [n = x.out().elements(),
                         value = static_cast<float>(x.number("value"))](const core::Binding& b) {
                  b.engine->parallel(n, 65536, [&](std::int64_t first, std::int64_t last) {
                    std::fill(b.output() + first, b.output() + last, value);
                  });
                });
          },
      .ref = [](const core::Ref& x) { std::fill(x.out().begin(), x.out().end(), x.number("value")); },
      .flops = [](const core::Infer&) { return 0.0; },
      .duty = core::Duty::fill,
      .samples = {{{}, {{"shape", {3, 4}}, {"value", 1.5}}},
                  {{}, {{"shape", core::Json::array()}, {"value", 0}}}},
  };
  return {std::move(card)};
}

}  // namespace isorbit::ops
