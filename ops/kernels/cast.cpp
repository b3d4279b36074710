#include "ops/kernels/cast.hpp"

#include "ops/kernels/instruction_sets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/cast.cpp"
#include <hwy/foreach_target.h>

#include "ops/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace isorbit::ops::HWY_NAMESPACE {

HWY_FLATTEN void cast_range(Input from, Output to, std::int64_t begin, std::int64_t end) {
  with_stored(from, [&](const auto* a) HWY_ATTR {
    with_stored(to, [&](auto* b) HWY_ATTR {
      each(begin, end, [=](std::int64_t i, auto count) HWY_ATTR { store(b + i, load(a + i, count), count); });
    });
  });
}

}  // namespace isorbit::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace isorbit::ops {

HWY_EXPORT(cast_range);

void kernels::cast(Input from, Output to, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(cast_range)(from, to, begin, end);
}

}  // namespace isorbit::ops
#endif
