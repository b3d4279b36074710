// The vectors of every instruction set at hand: exp, sums and tails against double, and that every one runs.
#include "ops/kernels/instruction_sets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/ops/vectors_test.cpp"
#include <gtest/gtest.h>
#include <hwy/foreach_target.h>

#include <cmath>
#include <vector>

#include "ops/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace isorbit::ops::HWY_NAMESPACE {

HWY_FLATTEN std::int64_t lanes() { return kLanes; }

HWY_FLATTEN void exp_of(const float* x, float* y, std::int64_t n) {
  each(0, n, [=](std::int64_t i, auto count) HWY_ATTR { store(y + i, exp(load(x + i, count)), count); });
}

HWY_FLATTEN float sum_of(Input x, std::int64_t n) {
  return sum(n, [=](std::int64_t i, auto count) HWY_ATTR { return load(x, i, count); });
}

HWY_FLATTEN float maximum_of(Input x, std::int64_t n) {
  return with_stored(x, [=](const auto* p) HWY_ATTR { return maximum(p, n); });
}

HWY_FLATTEN void copy_of(Input x, Output y, std::int64_t n) {
  each(0, n, [=](std::int64_t i, auto count) HWY_ATTR { store(y, i, load(x, i, count), count); });
}

}  // namespace isorbit::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace isorbit::ops {

HWY_EXPORT(lanes);
HWY_EXPORT(exp_of);
HWY_EXPORT(sum_of);
HWY_EXPORT(maximum_of);
HWY_EXPORT(copy_of);

namespace testing {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Runs every test with every instruction set that this processor has.
class Vectors : public ::testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

std::vector<float> exp_of_all(const std::vector<float>& x) {
  std::vector<float> y(x.size());
  HWY_DYNAMIC_DISPATCH(exp_of)(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  return y;
}

TEST_P(Vectors, AreAsWideAsTheInstructionSet) {
  EXPECT_EQ(HWY_DYNAMIC_DISPATCH(lanes)(), GetParam() == HWY_AVX2 ? 8 : 16);
}

TEST_P(Vectors, ExpIsWithinTwoUnitsInTheLastPlace) {
  std::vector<float> x;
  for (float at = -87.2F; at < 88.2F; at += 0.000937F) x.push_back(at);
  const std::vector<float> y = exp_of_all(x);
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(static_cast<double>(x[i]));
    const auto rounded = static_cast<float>(exact);
    const double unit =
        static_cast<double>(std::nextafter(rounded, kInfinity)) - static_cast<double>(rounded);
    most = std::max(most, std::abs(static_cast<double>(y[i]) - exact) / unit);
  }
  EXPECT_LE(most, 2);
}

TEST_P(Vectors, ExpIsExactWhereItMustBe) {
  const std::vector<float> y = exp_of_all({0, -kInfinity, -100, kInfinity, 100, NAN});
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 5),
            (std::vector<float>{1, 0, 0, kInfinity, kInfinity}));
  EXPECT_TRUE(std::isnan(y[5]));
}

TEST_P(Vectors, SumsAndMaximaTakeEveryElementOnceAtEveryLength) {
  for (std::int64_t n = 0; n <= 150; ++n) {
    std::vector<float> x(static_cast<std::size_t>(n));
    std::vector<core::Bf16> narrow(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      narrow[i] = core::round_to_bf16(x[i] = static_cast<float>(i + 1));
    const auto most = n == 0 ? -kInfinity : static_cast<float>(n);
    EXPECT_EQ(HWY_DYNAMIC_DISPATCH(sum_of)(x.data(), n), static_cast<float>(n * (n + 1) / 2));
    EXPECT_EQ(HWY_DYNAMIC_DISPATCH(sum_of)(narrow.data(), n), static_cast<float>(n * (n + 1) / 2));
    EXPECT_EQ(HWY_DYNAMIC_DISPATCH(maximum_of)(x.data(), n), most);
    EXPECT_EQ(HWY_DYNAMIC_DISPATCH(maximum_of)(narrow.data(), n), most);
  }
}

TEST_P(Vectors, RoundToNearestEvenAndWriteNothingPastTheEnd) {
  const std::vector<float> kinds = {1.0F,   1.00390625F, 1.01171875F, -3.14159F, kInfinity,
                                    1e-40F, NAN,         3.4e38F,     -0.0F,     0.1F};
  for (std::int64_t n = 1; n <= 40; ++n) {
    std::vector<float> x, wide(static_cast<std::size_t>(n) + 1, 7);
    for (std::int64_t i = 0; i < n; ++i) x.push_back(kinds[static_cast<std::size_t>(i) % kinds.size()]);
    std::vector<core::Bf16> narrow(x.size() + 1, core::round_to_bf16(7));
    HWY_DYNAMIC_DISPATCH(copy_of)(x.data(), narrow.data(), n);
    HWY_DYNAMIC_DISPATCH(copy_of)(narrow.data(), wide.data(), n);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(narrow[i].bits, core::round_to_bf16(x[i]).bits) << x[i];
      EXPECT_EQ(std::bit_cast<std::uint32_t>(wide[i]), std::uint32_t{narrow[i].bits} << 16U);
    }
    EXPECT_EQ(core::widen(narrow.back()), 7);
    EXPECT_EQ(wide.back(), 7);
  }
}

INSTANTIATE_TEST_SUITE_P(OfEveryInstructionSet, Vectors,
                         ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

}  // namespace

}  // namespace testing

}  // namespace isorbit::ops
#endif
