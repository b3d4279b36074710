#include "experiments/training/updater.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>

namespace isorbit::experiments {

namespace {

constexpr std::int64_t kGrain = 16384;  // elements below which a second thread costs more than it gives

using Double4 = double __attribute__((vector_size(32)));
using Float4 = float __attribute__((vector_size(16)));

Double4 squares_of_four(const float* g) {
  Float4 x;
  std::memcpy(&x, g, sizeof x);
  const Double4 wide = __builtin_convertvector(x, Double4);
  return wide * wide;
}

/// Sum of squares in double, in an order that depends on n only.
double sum_of_squares(const float* g, std::int64_t n) {
  Double4 a = {}, b = {}, c = {}, d = {};
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    a += squares_of_four(g + i);
    b += squares_of_four(g + i + 4);
    c += squares_of_four(g + i + 8);
    d += squares_of_four(g + i + 12);
  }
  const Double4 all = (a + b) + (c + d);
  double total = (all[0] + all[1]) + (all[2] + all[3]);
  for (; i < n; ++i) total += static_cast<double>(g[i]) * g[i];
  return total;
}

bool takes_whole_tensors(const Group& group) {
  return std::ranges::any_of(group.update, [](const Word<Update>& w) { return w.word->whole_tensor; });
}

}  // namespace

Updater::Updater(std::span<Trained> trained, std::vector<std::span<const float>> gradients,
                 core::Engine& engine)
    : trained_(trained), gradients_(std::move(gradients)), engine_(engine), chain_of_(trained.size()) {
  if (gradients_.size() != trained_.size())
    throw std::invalid_argument("a gradient for every trained tensor");
  std::vector<Piece> whole;
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    const auto n = static_cast<std::int64_t>(trained_[i].tensor->values().size());
    if (gradients_[i].size() != static_cast<std::size_t>(n))
      throw std::invalid_argument("the gradient of \"" + trained_[i].name + "\" is not of its size");
    std::vector<std::size_t>& kept = kept_.emplace_back();
    for (const Word<Update>& word : trained_[i].group->update)
      kept.push_back(moments_of(*word.word, word.fields, trained_[i].tensor->shape()).size());
    rated_.push_back(rate_rule(trained_[i].group->update).before);
    if (takes_whole_tensors(*trained_[i].group)) {
      whole.push_back({i, 0, n, 0, n});
      continue;
    }
    for (std::int64_t at = 0; at < n; at += kPiece)
      pieces_.push_back({i, at, std::min(n, at + kPiece), elements_ + at, kChunk});
    elements_ += n;
  }
  cut_ = pieces_.size();
  std::ranges::stable_sort(whole, std::ranges::greater{}, &Piece::end);
  pieces_.insert(pieces_.end(), whole.begin(), whole.end());
  find_shared_gradients();
}

/// The gradient of a product is its other factor. Where that is a trained tensor it changes under the update.
void Updater::find_shared_gradients() {
  std::set<const float*> changing;
  for (const Trained& t : trained_) changing.insert(t.tensor->values().data());
  for (std::size_t i = 0; i < gradients_.size(); ++i) {
    if (!changing.contains(gradients_[i].data())) continue;
    copies_.push_back({gradients_[i], std::vector<float>(gradients_[i].size())});
    gradients_[i] = copies_.back().values;
  }
}

template <class Body>
void Updater::over_pieces(const Body& body) {
  const std::span<const Piece> cut = std::span(pieces_).first(cut_), whole = std::span(pieces_).subspan(cut_);
  const auto first = [&](std::int64_t element) {
    return std::ranges::lower_bound(cut, element, {}, &Piece::before);
  };
  engine_.parallel(elements_, kGrain, [&](std::int64_t begin, std::int64_t end) {
    body(std::span<const Piece>(first(begin), first(end)));
  });
  if (whole.empty()) return;
  std::atomic<std::size_t> next = 0;
  engine_.parallel(engine_.threads(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (; begin < end; ++begin)
      for (std::size_t i = next++; i < whole.size(); i = next++) body(whole.subspan(i, 1));
  });
}

double Updater::square(const Piece& piece) const {
  const float* const g = gradients_[piece.tensor].data();
  double sum = 0;
  for (std::int64_t at = piece.begin; at < piece.end; at += piece.chunk)
    sum += sum_of_squares(g + at, std::min(piece.chunk, piece.end - at));
  return sum;
}

/// Tensors of one group and age share a chain: schedules and fields are read once for all of them.
void Updater::prepare(std::int64_t step, std::int64_t steps) {
  std::map<std::pair<const Group*, std::int64_t>, std::size_t> known;
  chains_.clear();
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    Trained& t = trained_[i];
    const auto [at, is_new] = known.try_emplace({t.group, ++t.age}, chains_.size());
    chain_of_[i] = at->second;
    if (!is_new) continue;
    Chain& chain = chains_.emplace_back();
    for (const Word<Update>& word : t.group->update)
      chain.push_back(word.word->prepare(word.fields, {t.age, step, steps}));
  }
}

void Updater::change(const Piece& piece, float scale, double* square) const {
  Trained& t = trained_[piece.tensor];
  const Chain& chain = chains_[chain_of_[piece.tensor]];
  const bool whole = index_of(piece) >= cut_;
  std::vector<float> direction(static_cast<std::size_t>(piece.chunk));
  std::vector<std::span<float>> moments(t.moments.size());
  for (std::int64_t at = piece.begin; at < piece.end; at += piece.chunk) {
    const auto first = static_cast<std::size_t>(at);
    const auto count = static_cast<std::size_t>(std::min(piece.chunk, piece.end - at));
    const float* __restrict__ const g = gradients_[piece.tensor].data() + at;
    float* __restrict__ const d = direction.data();
    if (square != nullptr) *square += sum_of_squares(g, static_cast<std::int64_t>(count));
    for (std::size_t k = 0; k < count; ++k) d[k] = g[k] * scale;
    for (std::size_t m = 0; m < moments.size(); ++m)
      moments[m] = whole ? t.moments[m].values() : t.moments[m].values().subspan(first, count);
    const std::span<float> tensor = t.tensor->values().subspan(first, count);
    std::span<const std::span<float>> left = moments;
    for (std::size_t w = 0; w <= chain.size(); ++w) {
      if (w == rated_[piece.tensor] && !t.rates.empty()) t.rates.multiply(t.tensor->shape(), at, {d, count});
      if (w == chain.size()) break;
      const std::size_t own = kept_[piece.tensor][w];
      chain[w]({{d, count}, tensor, left.first(own), t.tensor->shape()});
      left = left.subspan(own);
    }
    float* __restrict__ const p = tensor.data();
    for (std::size_t k = 0; k < count; ++k) p[k] -= d[k];
  }
}

double Updater::update(std::int64_t step, std::int64_t steps, std::optional<double> clip_norm) {
  prepare(step, steps);
  for (Copy& copy : copies_) std::ranges::copy(copy.of, copy.values.begin());
  squares_.assign(pieces_.size(), 0.0);
  const auto norm = [&] {
    double total = 0;
    for (const double s : squares_) total += s;
    return std::sqrt(total);
  };
  double factor = 1;
  if (clip_norm) {
    over_pieces([&](std::span<const Piece> pieces) {
      for (const Piece& piece : pieces) squares_[index_of(piece)] = square(piece);
    });
    if (norm() > *clip_norm) factor = *clip_norm / norm();
  }
  const auto scale = static_cast<float>(factor);
  over_pieces([&](std::span<const Piece> pieces) {
    for (const Piece& piece : pieces) change(piece, scale, clip_norm ? nullptr : &squares_[index_of(piece)]);
  });
  return norm();
}

}  // namespace isorbit::experiments
