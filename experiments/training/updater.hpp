// The updates of all trained tensors in one pass over memory: with g a gradient and p its tensor,
//   norm = sqrt(sum g^2) over all of them,  d = g min(1, clip / norm),  d <- word(d) for each word,  p <- p -
//   d
// Tensors are cut into pieces of kPiece elements for the threads, and pieces into chunks of kChunk: so short
// that a core fetches the next chunk while it computes on one, and memory is the only limit (chunks that
// merely fit the first cache took twice as long). With Adam a parameter moves 28 bytes: g is read, p, m and v
// are read and written. A clip needs the norm first and reads g once more.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/runtime/engine.hpp"
#include "core/runtime/tensor.hpp"
#include "experiments/method.hpp"
#include "experiments/training/rates.hpp"

namespace isorbit::experiments {

/// A tensor that updates change: a weight (dense), or a coordinate of a parametrized weight.
struct Trained {
  std::string name, weight;
  core::Tensor* tensor = nullptr;
  const Group* group = nullptr;
  std::vector<core::Tensor> moments;  // of the chain's words, in order
  std::vector<std::string> moment_names;
  std::vector<double> powers;
  std::int64_t age = 0;  // updates since the moments were last zero
  Rates rates = {};
};

class Updater {
 public:
  // Elements; fixed, so that threads never change a bit.
  static constexpr std::int64_t kChunk = 512, kPiece = 32 * kChunk;

  /// `gradients[i]` is that of `trained[i]`. All of them outlive the updater and stay where they are.
  Updater(std::span<Trained> trained, std::vector<std::span<const float>> gradients, core::Engine& engine);

  /// The update that follows `step` finished ones of `steps`. Gradients are only read. Returns their norm
  /// before clipping.
  double update(std::int64_t step, std::int64_t steps, std::optional<double> clip_norm);

 private:
  struct Piece {
    std::size_t tensor;
    std::int64_t begin, end;  // elements of it
    std::int64_t before;      // elements of all earlier pieces; of a whole tensor, nothing
    std::int64_t chunk;       // elements of a chunk
  };
  struct Copy {  // of a gradient whose memory is a trained tensor's
    std::span<const float> of;
    std::vector<float> values;
  };
  using Chain = std::vector<ChunkUpdate>;

  /// Calls body(pieces) on every thread, with pieces of about as many elements in all; then whole tensors one
  /// by one, as threads come free.
  template <class Body>
  void over_pieces(const Body& body);
  void find_shared_gradients();
  void prepare(std::int64_t step, std::int64_t steps);
  [[nodiscard]] std::size_t index_of(const Piece& piece) const {
    return static_cast<std::size_t>(&piece - pieces_.data());
  }
  [[nodiscard]] double square(const Piece& piece) const;
  /// Adds to `square`, where there is one, what square() returns: computed on the way.
  void change(const Piece& piece, float scale, double* square) const;

  std::span<Trained> trained_;
  std::vector<std::span<const float>> gradients_;
  core::Engine& engine_;
  std::vector<Piece> pieces_;  // of tensors that are cut, in order; then whole tensors, the largest first
  std::size_t cut_ = 0;        // pieces before the whole tensors
  std::int64_t elements_ = 0;  // of them
  std::vector<Copy> copies_;
  std::vector<double> squares_;                 // of each piece's gradient
  std::vector<Chain> chains_;                   // of this step: one per group and age
  std::vector<std::size_t> chain_of_;           // per tensor
  std::vector<std::vector<std::size_t>> kept_;  // moments of each word, per tensor
  std::vector<std::size_t> rated_;              // word before which rates multiply, per tensor
};

}  // namespace isorbit::experiments
