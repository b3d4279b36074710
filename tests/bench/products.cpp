// Bare oneDNN matmuls, as the ceiling of `isorbit bench` measures them: y[m, n] = a[m, k] b[k, n] on one and
// on several threads, plain and with b in oneDNN's own format, f32 and bf16, forward and both gradients.
//
//   bench_products [THREADS [M K N]...]       2 threads and the shapes of the llama models where absent
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/runtime/engine.hpp"
#include "experiments/program/bench_products.hpp"

namespace {

using isorbit::core::DType;
using isorbit::core::MatrixProduct;
using isorbit::experiments::time_product;

struct Extents {
  std::int64_t m, k, n;
};

std::vector<Extents> llama_shapes() {
  return {{2048, 128, 128}, {2048, 128, 320},  {2048, 256, 256},  {2048, 256, 704},   {2048, 256, 4096},
          {2048, 512, 512}, {2048, 512, 1280}, {2048, 1280, 512}, {2048, 512, 32000}, {2048, 2048, 2048}};
}

/// y = x W^T, dx = dy W, dW = dy^T x.
std::vector<std::pair<const char*, MatrixProduct>> products_of(const Extents& e, DType dtype) {
  return {{"forward", {1, e.m, e.k, e.n, false, true, dtype, dtype}},
          {"input gradient", {1, e.m, e.n, e.k, false, false, dtype, dtype}},
          {"weight gradient", {1, e.n, e.m, e.k, true, false, dtype, DType::f32}}};
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : 2;
  std::vector<Extents> shapes;
  for (int i = 2; i + 2 < argc; i += 3)
    shapes.push_back({std::max(1, std::atoi(argv[i])), std::max(1, std::atoi(argv[i + 1])),
                      std::max(1, std::atoi(argv[i + 2]))});
  if (shapes.empty()) shapes = llama_shapes();
  isorbit::core::Engine engine(threads);
  std::printf("%s, %d threads, Gflop/s\n%-18s %-16s %-5s %9s %9s\n", isorbit::core::effective_isa().c_str(),
              threads, "m x k x n", "product", "dtype", "plain", "packed");
  for (const Extents& e : shapes) {
    const std::string name = std::to_string(e.m) + "x" + std::to_string(e.k) + "x" + std::to_string(e.n);
    for (const DType dtype : {DType::f32, DType::bf16}) {
      for (const auto& [what, product] : products_of(e, dtype)) {
        const double work = product.flops() * 1e-6;
        std::printf("%-18s %-16s %-5s %9.1f %9.1f\n", name.c_str(), what, isorbit::core::name_of(dtype),
                    work / time_product(engine, product, false), work / time_product(engine, product, true));
      }
    }
  }
  return 0;
}
