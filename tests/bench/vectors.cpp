// Our own kernels on AVX2 and on AVX-512, on one thread: nanoseconds per element, and their ratio, for
// tensors that stay in the second cache and for tensors that come from memory.
//   bench_vectors
#include <hwy/targets.h>
#include <tbb/cache_aligned_allocator.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "ops/kernels/activations.hpp"
#include "ops/kernels/attention_columns.hpp"
#include "ops/kernels/cast.hpp"
#include "ops/kernels/cross_entropy.hpp"
#include "ops/kernels/rms_norm.hpp"
#include "ops/kernels/softmax.hpp"
#include "ops/kernels/swiglu.hpp"

namespace {

using namespace isorbit;
using namespace isorbit::ops;
using core::Bf16;

void use(std::int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

double seconds(const std::function<void()>& work, int times) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / times;
}

/// Alternates the two, and keeps the best of each.
void compare(const std::string& name, std::int64_t elements, const std::function<void()>& work) {
  const int times = static_cast<int>(std::max<std::int64_t>(1, (1 << 21) / elements));
  double narrow = 1, wide = 1;
  for (int i = 0; i < 15; ++i) {
    use(HWY_AVX2);
    narrow = std::min(narrow, seconds(work, times));
    use(0);
    wide = std::min(wide, seconds(work, times));
  }
  const double scale = 1e9 / static_cast<double>(elements);
  std::printf("  %-32s %8.3f %8.3f %6.2f\n", name.c_str(), narrow * scale, wide * scale, narrow / wide);
}

template <class T>
using Aligned = std::vector<T, tbb::cache_aligned_allocator<T>>;

struct Buffers {
  explicit Buffers(std::int64_t n)
      : a(static_cast<std::size_t>(n), 0.5F), b(a), c(a), d(a), e(a), h(a.size()), g(a.size()), k(a.size()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] = static_cast<float>(i % 97) * 0.05F - 2;
      h[i] = g[i] = core::round_to_bf16(a[i]);
    }
  }
  Aligned<float> a, b, c, d, e;
  Aligned<Bf16> h, g, k;
};

void rows(const std::string& storage, std::int64_t n, std::int64_t columns, Buffers& x, bool narrow) {
  const auto out = [&] { return narrow ? Output(x.k.data()) : Output(x.c.data()); };
  const auto each_row = [=](auto body) {
    for (std::int64_t at = 0; at + columns <= n; at += columns) body(at);
  };
  Aligned<float> weight(static_cast<std::size_t>(columns), 1), r(static_cast<std::size_t>(n / columns)),
      dweight(weight);
  const kernels::RmsNormGrad in{x.a.data(), weight.data(), r.data(),
                                narrow ? Input(x.h.data()) : Input(x.b.data()), nullptr};
  compare("rms_norm " + storage, n, [&] {
    kernels::rms_norm(x.a.data(), weight.data(), 1e-6F, columns, 0, n / columns, out(), r.data());
  });
  compare("rms_norm_grad " + storage, n,
          [&] { kernels::rms_norm_grad(in, columns, 0, n / columns, x.d.data(), dweight.data()); });
  if (narrow) return;
  compare("softmax " + storage, n, [&] {
    each_row([&](std::int64_t i) { kernels::softmax_row(x.a.data() + i, columns, columns, x.c.data() + i); });
  });
  compare("cross_entropy loss " + storage, n, [&] {
    float lse = 0;
    each_row([&](std::int64_t i) { (void)kernels::loss_row(x.a.data() + i, 1, columns, lse); });
  });
  compare("cross_entropy loss, grad " + storage, n, [&] {
    each_row([&](std::int64_t i) {
      (void)kernels::loss_and_gradient_row(x.d.data() + i, 1, 1e-3F, columns, x.d.data() + i);
    });
  });
}

void elements(const std::string& storage, std::int64_t n, Buffers& x, bool narrow) {
  const Input a = narrow ? Input(x.h.data()) : Input(x.a.data()),
              b = narrow ? Input(x.g.data()) : Input(x.b.data());
  const Output c = narrow ? Output(x.k.data()) : Output(x.c.data());
  compare("swiglu " + storage, n, [&] { kernels::swiglu(a, b, c, 0, n); });
  compare("swiglu_grad " + storage, n,
          [&] { kernels::swiglu_grad(a, b, b, c, narrow ? Output(x.k.data()) : Output(x.e.data()), 0, n); });
  compare("gelu " + storage, n, [&] { kernels::activation(kernels::Curve::gelu, a, c, 0, n); });
}

void columns(std::int64_t keys, std::int64_t block, Buffers& x, bool narrow) {
  Aligned<float> inverse(static_cast<std::size_t>(block)), lse(inverse);
  const std::string storage = narrow ? "bf16" : "f32";
  const Output p = narrow ? Output(x.h.data()) : Output(x.c.data()),
               ds = narrow ? Output(x.k.data()) : Output(x.d.data());
  compare("attention columns " + storage, keys * block,
          [&] { kernels::softmax_columns(x.a.data(), keys, block, 0.2F, p, inverse.data(), lse.data()); });
  compare("attention columns grad " + storage, keys * block, [&] {
    kernels::softmax_columns_backward(x.a.data(), x.b.data(), lse.data(), inverse.data(), keys, block, 0.2F,
                                      p, ds);
  });
}

}  // namespace

int main() {
  if ((hwy::SupportedTargets() & HWY_AVX3) == 0) {
    std::puts("this processor has no AVX-512");
    return 0;
  }
  for (const std::int64_t n : {std::int64_t{1} << 15, std::int64_t{1} << 23}) {
    Buffers x(n);
    std::printf("%lld elements, columns of 512      AVX2  AVX-512  ratio\n", static_cast<long long>(n));
    elements("f32", n, x, false), elements("bf16", n, x, true);
    rows("f32", n, 512, x, false), rows("f32 to bf16", n, 512, x, true);
    compare("cast f32 to bf16", n, [&] { kernels::cast(x.a.data(), x.k.data(), 0, n); });
    if (n < 100000) columns(512, 64, x, false), columns(512, 64, x, true);
  }
}
