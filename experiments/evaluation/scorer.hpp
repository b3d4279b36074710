// How likely a model finds tokens, given those before them: the sum of log softmax(logits)[token], in double
// of logits in f32.
#pragma once
#include <span>
#include <vector>

#include "core/passes/compile.hpp"
#include "core/record/tensor_file.hpp"

namespace isorbit::experiments {

/// Tokens from `first` on are scored; 1 <= first.
struct Passage {
  std::vector<std::int32_t> tokens;
  std::size_t first = 1;
};

class Scorer {
 public:
  /// `model`: a model document with its constants set; `weights`: every weight by name. Throws
  /// std::runtime_error where it is no model of tokens with an output "logits", or a weight is missing.
  Scorer(const core::Json& model, const core::TensorFile& weights, int threads);

  /// Log-likelihoods in nats, one a passage. A passage longer than the model's `seq` is read in several
  /// windows; each token then has at least half a window before it.
  [[nodiscard]] std::vector<double> log_likelihoods(std::span<const Passage> passages);

 private:
  /// Tokens [begin, begin + seq) go in; targets [from, to) are scored.
  struct Window {
    std::size_t passage = 0, begin = 0, from = 0, to = 0;
  };
  [[nodiscard]] std::vector<Window> windows_of(std::span<const Passage> passages) const;
  void run(std::span<const Window> windows, std::span<const Passage> passages, std::span<double> out);

  core::Engine engine_;
  core::TensorStore store_;
  core::Program program_;
  std::size_t batch_ = 0, seq_ = 0, vocab_ = 0;
};

}  // namespace isorbit::experiments
