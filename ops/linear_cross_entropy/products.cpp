#include "ops/linear_cross_entropy/products.hpp"

namespace isorbit::ops::head {

namespace {

template <class Key>
void bind_all(const std::map<Key, Gemm>& gemms, core::Engine& engine, std::size_t slice, void* scratch,
              std::map<Key, Gemm::Call>& calls) {
  for (const auto& [key, gemm] : gemms) calls.emplace(key, gemm.bind(engine, slice, scratch));
}

template <class Key>
std::size_t most_scratch(const std::map<Key, Gemm>& gemms) {
  std::size_t most = 0;
  for (const auto& [key, gemm] : gemms) most = std::max(most, gemm.scratch_bytes());
  return most;
}

}  // namespace

Products::Products(const core::Engine& engine, const Cut& cut) {
  for (std::int64_t first = 0; first < cut.rows; first += cut.chunk()) {
    const std::int64_t rows = std::min(cut.chunk(), cut.rows - first);
    add_pieces(engine, cut, rows);
    if (cut.of_weight) add_bands(engine, cut, rows, first > 0);
  }
  scratch_bytes_ =
      std::max({most_scratch(gemms_.logits), most_scratch(gemms_.dx), most_scratch(gemms_.dweights)});
}

void Products::add_pieces(const core::Engine& engine, const Cut& cut, std::int64_t rows) {
  const auto weight = matrix(cut.classes, cut.width, cut.operand);
  for (std::int64_t at = 0; at < rows; at += cut.piece()) {
    const std::int64_t some = std::min(cut.piece(), rows - at);
    if (gemms_.logits.contains(some)) continue;
    gemms_.logits.emplace(some, Gemm(engine, matrix(some, cut.width, cut.operand), transposed(weight),
                                     matrix(some, cut.classes)));
    if (!cut.gradients) continue;
    gemms_.dx.emplace(some, Gemm(engine, matrix(some, cut.classes, cut.operand), weight,
                                 matrix(some, cut.width, cut.of_dx)));
  }
}

void Products::add_bands(const core::Engine& engine, const Cut& cut, std::int64_t rows, bool added) {
  const auto x = matrix(rows, cut.width, cut.operand);
  for (std::int64_t at = 0; at < cut.classes; at += cut.band()) {
    const std::int64_t some = std::min(cut.band(), cut.classes - at);
    const std::array<std::int64_t, 3> key = {some, rows, added ? 1 : 0};
    if (gemms_.dweights.contains(key)) continue;
    gemms_.dweights.emplace(
        key, Gemm(engine, transposed(matrix(rows, some, cut.operand, cut.classes)), x,
                  matrix(some, cut.width), added ? Gemm::Into::accumulate : Gemm::Into::overwrite));
  }
}

ProductsAs<Gemm::Call> Products::bind(core::Engine& engine, std::size_t slice, void* scratch) const {
  ProductsAs<Gemm::Call> calls;
  bind_all(gemms_.logits, engine, slice, scratch, calls.logits);
  bind_all(gemms_.dx, engine, slice, scratch, calls.dx);
  bind_all(gemms_.dweights, engine, slice, scratch, calls.dweights);
  return calls;
}

}  // namespace isorbit::ops::head
