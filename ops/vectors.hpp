// Arithmetic on as many floats at a time as the processor's vectors hold, for kernels that wait for
// arithmetic (exp, sums) and are compiled once per instruction set: ops/kernels/*.cpp, which include this
// header under Highway's foreach_target.h. Kernels that wait for memory use ops/vector_math.hpp, on the AVX2
// of the build.
//
// exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln 2 / 2, where exp(r) = 1 + r + r^2 q(r) and q is
// the polynomial of degree 4 through (exp(r) - 1 - r) / r^2 at five Chebyshev nodes (relative error 2^-26).
// Its result is within 2 units in the last place; 0 below -87.3, infinity above 88.3, NaN for NaN.
// A sum depends on its length and the instruction set only, not on the address or the threads. Numbers are
// stored as float or bf16; arithmetic is in float.
#if defined(ISORBIT_OPS_VECTORS_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ISORBIT_OPS_VECTORS_HPP
#undef ISORBIT_OPS_VECTORS_HPP
#else
#define ISORBIT_OPS_VECTORS_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "ops/kernels/stored.hpp"

HWY_BEFORE_NAMESPACE();
namespace isorbit::ops::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Ints = hn::ScalableTag<std::int32_t>;
using Words = hn::ScalableTag<std::uint32_t>;
using Halves = hn::Rebind<std::uint16_t, Floats>;
using Vec = hn::Vec<Floats>;

constexpr std::int64_t kLanes = HWY_LANES(float);
/// The count of a whole vector, known to the compiler.
using Whole = std::integral_constant<std::int64_t, kLanes>;
constexpr float kInfinite = std::numeric_limits<float>::infinity();

HWY_API Vec splat(float x) { return hn::Set(Floats(), x); }
HWY_API auto first_lanes(std::int64_t count) { return hn::FirstN(Floats(), static_cast<std::size_t>(count)); }

/// Elements past `count` are `fill`, and are not read.
HWY_API Vec load(const float* p, Whole = {}, float = 0) { return hn::LoadU(Floats(), p); }
HWY_API Vec load(const float* p, std::int64_t count, float fill = 0) {
  const auto lanes = first_lanes(count);
  return hn::IfThenElse(lanes, hn::MaskedLoad(lanes, Floats(), p), splat(fill));
}
HWY_API void store(float* p, Vec v, Whole = {}) { hn::StoreU(v, Floats(), p); }
HWY_API void store(float* p, Vec v, std::int64_t count) {
  hn::BlendedStore(v, first_lanes(count), Floats(), p);
}

/// bf16 in memory, f32 in registers; rounded to nearest, ties to even, when stored.
HWY_API Vec load(const core::Bf16* p, Whole = {}, float = 0) {
  const auto half = hn::LoadU(Halves(), reinterpret_cast<const std::uint16_t*>(p));
  return hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::PromoteTo(Words(), half)));
}
HWY_API Vec load(const core::Bf16* p, std::int64_t count, float fill = 0) {
  HWY_ALIGN float row[kLanes];
  for (std::int64_t i = 0; i < kLanes; ++i) row[i] = i < count ? core::widen(p[i]) : fill;
  return hn::Load(Floats(), row);
}
/// Stores the upper halves of words.
HWY_API void store_upper(core::Bf16* p, hn::Vec<Words> words) {
  using All = hn::ScalableTag<std::uint16_t>;
  const auto halves = hn::BitCast(All(), words);
  hn::StoreU(hn::LowerHalf(hn::ConcatOdd(All(), halves, halves)), Halves(),
             reinterpret_cast<std::uint16_t*>(p));
}
HWY_API void store(core::Bf16* p, Vec v, Whole = {}) {
  const auto bits = hn::BitCast(Words(), v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(Words(), 1));
  const auto rounded = bits + (odd + hn::Set(Words(), 0x7fff));
  const auto quiet = hn::Or(bits, hn::Set(Words(), 0x400000));
  store_upper(p, hn::IfThenElse(hn::RebindMask(Words(), hn::IsNaN(v)), quiet, rounded));
}
HWY_API void store(core::Bf16* p, Vec v, std::int64_t count) {
  HWY_ALIGN float row[kLanes];
  hn::Store(v, Floats(), row);
  for (std::int64_t i = 0; i < count; ++i) p[i] = core::round_to_bf16(row[i]);
}

template <class Count>
HWY_API Vec load(const Input& x, std::int64_t i, Count count) {
  return x.narrow ? load(static_cast<const core::Bf16*>(x.data) + i, count)
                  : load(static_cast<const float*>(x.data) + i, count);
}
template <class Count>
HWY_API void store(const Output& y, std::int64_t i, Vec v, Count count) {
  if (y.narrow) {
    store(static_cast<core::Bf16*>(y.data) + i, v, count);
  } else {
    store(static_cast<float*>(y.data) + i, v, count);
  }
}

/// Calls body with a pointer of the stored type.
template <class Body>
HWY_API auto with_stored(const Input& x, const Body& body) {
  return x.narrow ? body(static_cast<const core::Bf16*>(x.data)) : body(static_cast<const float*>(x.data));
}
template <class Body>
HWY_API auto with_stored(const Output& y, const Body& body) {
  return y.narrow ? body(static_cast<core::Bf16*>(y.data)) : body(static_cast<float*>(y.data));
}

/// Stores one number.
HWY_API void put(float* p, float x) { *p = x; }
HWY_API void put(core::Bf16* p, float x) { *p = core::round_to_bf16(x); }

/// Calls body(i, count) for i = begin, begin + kLanes, ...: count is Whole, or for the tail the number left.
template <class Body>
HWY_API void each(std::int64_t begin, std::int64_t end, const Body& body) {
  std::int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) body(i, Whole());
  if (i < end) body(i, end - i);
}

/// Sum over i of term(i, count), whose lanes past `count` must be 0.
template <class Term>
HWY_API float sum(std::int64_t n, const Term& term) {
  Vec a = splat(0), b = a, c = a, d = a;
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    a = a + term(i, Whole());
    b = b + term(i + kLanes, Whole());
    c = c + term(i + 2 * kLanes, Whole());
    d = d + term(i + 3 * kLanes, Whole());
  }
  for (; i + kLanes <= n; i += kLanes) a = a + term(i, Whole());
  if (i < n) b = b + term(i, n - i);
  return hn::GetLane(hn::SumOfLanes(Floats(), (a + b) + (c + d)));
}

template <class T>
HWY_API float maximum(const T* x, std::int64_t n) {
  Vec a = splat(-kInfinite), b = a, c = a, d = a;
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    a = hn::Max(load(x + i), a);
    b = hn::Max(load(x + i + kLanes), b);
    c = hn::Max(load(x + i + 2 * kLanes), c);
    d = hn::Max(load(x + i + 3 * kLanes), d);
  }
  for (; i + kLanes <= n; i += kLanes) a = hn::Max(load(x + i), a);
  if (i < n) b = hn::Max(load(x + i, n - i, -kInfinite), b);
  return hn::GetLane(hn::MaxOfLanes(Floats(), hn::Max(hn::Max(a, b), hn::Max(c, d))));
}

/// 2^n of the integer n that was rounded by adding 1.5 * 2^23, which leaves it in the low bits.
HWY_API Vec power_of_integer(Vec shifted, Vec magic) {
  const auto n = hn::BitCast(Ints(), shifted) - hn::BitCast(Ints(), magic);
  return hn::BitCast(Floats(), hn::ShiftLeft<23>(n + hn::Set(Ints(), 127)));
}

HWY_API Vec exp(Vec x) {
  const Vec low = splat(-87.3F), high = splat(88.3F), magic = splat(12582912.0F);
  const Vec clamped = hn::Min(high, hn::Max(low, x));  // keeps NaN
  const Vec shifted = hn::MulAdd(clamped, splat(1.44269504F), magic);
  const Vec n = shifted - magic;
  const Vec most = hn::NegMulAdd(n, splat(0.693359375F), clamped);
  const Vec r = hn::MulAdd(n, splat(2.12194440e-4F), most);  // ln 2 in two parts, the first one short
  Vec q = splat(1.39262504e-3F);
  q = hn::MulAdd(q, r, splat(8.36323295e-3F));
  q = hn::MulAdd(q, r, splat(4.16665524e-2F));
  q = hn::MulAdd(q, r, splat(0.166665763F));
  q = hn::MulAdd(q, r, splat(0.5F));
  const Vec p = hn::MulAdd(r * r, q, r) + splat(1);
  const Vec y = p * power_of_integer(shifted, magic);
  return hn::IfThenZeroElse(x < low, hn::IfThenElse(x > high, splat(kInfinite), y));
}

/// 1 / (1 + exp(-x)).
HWY_API Vec logistic(Vec x) { return splat(1) / (splat(1) + exp(hn::Neg(x))); }

}  // namespace isorbit::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
