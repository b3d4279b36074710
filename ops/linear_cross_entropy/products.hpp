// The products of a head: of its pieces of rows, and of its bands of classes.
#pragma once
#include <array>
#include <map>

#include "ops/gemm.hpp"
#include "ops/linear_cross_entropy/cut.hpp"

namespace isorbit::ops::head {

/// By what their shapes depend on. A Product is a Gemm, or its Call in one thread's memory.
template <class Product>
struct ProductsAs {
  std::map<std::int64_t, Product> logits, dx;               // by rows of the piece
  std::map<std::array<std::int64_t, 3>, Product> dweights;  // by classes, rows, and 1 if it is added
};

class Products {
 public:
  Products(const core::Engine& engine, const Cut& cut);
  /// Of a call; a multiple of 64.
  [[nodiscard]] std::size_t scratch_bytes() const { return scratch_bytes_; }
  [[nodiscard]] ProductsAs<Gemm::Call> bind(core::Engine& engine, std::size_t slice, void* scratch) const;

 private:
  void add_pieces(const core::Engine& engine, const Cut& cut, std::int64_t rows);
  void add_bands(const core::Engine& engine, const Cut& cut, std::int64_t rows, bool added);

  ProductsAs<Gemm> gemms_;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace isorbit::ops::head
