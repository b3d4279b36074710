// A model under a method: its tensors, its programs and its updates. It knows nothing of data, files or time.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/passes/compile.hpp"
#include "core/passes/symmetries.hpp"
#include "experiments/data/batch_source.hpp"
#include "experiments/distributed/gradient_reducer.hpp"
#include "experiments/method.hpp"
#include "experiments/training/compute.hpp"
#include "experiments/training/gradient_mean.hpp"
#include "experiments/training/updater.hpp"

namespace isorbit::experiments {

/// A weight that has coordinates.
struct Parametrized {
  std::string name;
  const Group* group = nullptr;
  core::Shape shape = {};
  core::Tensor* base = nullptr;  // stored as the parametrization says
  std::vector<core::Tensor*> coordinates = {};
  std::vector<std::string> coordinate_names = {};
  std::int64_t interval = 0;                 // merges so far
  std::int64_t updates = 0;                  // since the last of them
  std::vector<double> singular_values = {};  // of the base; empty: not computed yet

  /// The weight the base stands for, [out, in].
  [[nodiscard]] std::vector<float> load() const;
  /// Makes `weight` the base of the interval that the coordinates have started.
  void store(std::span<const float> weight);
  [[nodiscard]] std::vector<const core::Tensor*> read_coordinates() const;
};

class Learner {
 public:
  /// Compiles the programs and draws the first values. `method` and `model` must agree (check_method).
  Learner(const core::Model& model, const Method& method, const core::OpSet& ops, std::uint64_t seed,
          const Compute& compute);

  /// From here on gradients are means over ranks, which all call backward() and update() alike. `overlap`:
  /// reduced while the backward pass runs, where it is the only one of an update; else after it.
  void share_gradients(Communicator& ranks, bool overlap = true);
  /// Of what share_gradients() has begun; none: gradients are this process's own.
  [[nodiscard]] const std::optional<GradientReducer>& reducer() const { return reducer_; }
  /// Seconds that the last backward() was held up by ranks.
  [[nodiscard]] double seconds_held_up() const { return held_up_; }

  /// Where batches go, by input name.
  [[nodiscard]] BatchBuffers train_inputs();
  [[nodiscard]] BatchBuffers valid_inputs();
  /// Of logits(). Compiles its program, always in f32, at the first call.
  [[nodiscard]] BatchBuffers probe_inputs();

  /// Loss and gradients of the batch in train_inputs(), one of compute.accumulate of an update. Returns the
  /// loss in nats.
  double backward();
  /// The same, calling `before` as core::Program::run does.
  double backward(const std::function<void(std::size_t step)>& before);
  /// One update of every trained tensor: the one that follows `step` finished updates of `steps`. Returns the
  /// Euclidean norm of all gradients together, before clipping. Throws std::logic_error in the middle of its
  /// batches.
  double update(std::int64_t step, std::int64_t steps);
  /// Loss of the batch in valid_inputs().
  double validate();
  /// Logits of the batch in probe_inputs() (output "logits"; empty when the model names none).
  [[nodiscard]] std::vector<float> logits();

  /// Bases <- realized weights, coordinates <- start of their next interval.
  struct Drift {
    double defect = 0, bound = 0;  // as EventScope::Merged
    double rounding_defect = 0, rounding_bound = 0;
  };
  std::vector<Drift> merge(std::span<const std::string> weights);
  /// Computes the realized weights of all parametrized weights, for realized().
  void realize();
  /// The weight as the model computes with it, as of the last realize(). Dense weights are their bases.
  [[nodiscard]] std::span<const float> realized(const std::string& weight);
  /// How far the singular values of a parametrized weight now are from those of its base.
  [[nodiscard]] Drift drift(Parametrized& weight, std::span<const double> realized_values);

  [[nodiscard]] const core::Model& model() const { return model_; }
  [[nodiscard]] const Method& method() const { return method_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  /// What may be scaled against each other, found at the first call.
  [[nodiscard]] core::Symmetries& symmetries();
  [[nodiscard]] core::TensorStore& store() { return store_; }
  [[nodiscard]] core::Engine& engine() { return engine_; }
  [[nodiscard]] std::vector<Trained>& trained() { return trained_; }
  [[nodiscard]] const std::vector<Trained>& trained() const { return trained_; }
  [[nodiscard]] std::vector<Parametrized>& parametrized() { return parametrized_; }
  [[nodiscard]] Parametrized* find_parametrized(const std::string& weight);
  /// Names of the weights, in the model's order.
  [[nodiscard]] const std::vector<std::string>& weights() const { return weights_; }
  [[nodiscard]] const core::Program& program() const { return train_; }
  /// Seconds from the model's graph to the training program, bound to its memory.
  [[nodiscard]] double compile_seconds() const { return compile_seconds_; }
  /// Bytes of the weights, as they are stored, and of what is stored beside them.
  [[nodiscard]] std::size_t stored_bytes() const;
  /// Bytes it holds: arenas (with the gradients), parameters and moments.
  [[nodiscard]] std::size_t planned_bytes() const;
  /// Value of each group's learning_rate word at the update after `step`, as its first tensor has it; 0 where
  /// a group trains nothing.
  [[nodiscard]] std::vector<double> learning_rates(std::int64_t step, std::int64_t steps) const;

 private:
  void collect(std::uint64_t seed);
  void compile_programs(const core::OpSet& ops);
  void compile_realization(const core::OpSet& ops);
  core::Program& probe();
  /// Where a backward pass leaves the gradients, or the last of several their mean.
  [[nodiscard]] std::vector<std::span<const float>> gradients();
  /// The gradients of a pass that has run. Returns its loss.
  double take_in();
  void parametrize(const core::Parameter& parameter, const Group& group, std::uint64_t seed);
  Drift merge(Parametrized& weight);
  /// Finished updates since any weight was last merged; nothing: none was.
  [[nodiscard]] std::optional<std::int64_t> updates_since_merge() const;

  core::Model model_;
  const Method& method_;
  const core::OpSet& ops_;
  std::uint64_t seed_;
  Compute compute_;
  core::Engine engine_;
  core::TensorStore store_;
  std::map<std::string, core::Realize> realizations_;
  std::vector<std::string> weights_;
  std::vector<Trained> trained_;
  std::vector<Parametrized> parametrized_;
  core::Program train_, valid_, realization_;
  std::optional<core::Program> probe_;
  bool has_realization_ = false;
  double compile_seconds_ = 0;
  std::optional<core::Symmetries> symmetries_;
  std::optional<GradientMean> mean_;
  std::optional<GradientReducer> reducer_;
  bool overlap_ = false;
  double held_up_ = 0;
  std::optional<Updater> updater_;
};

}  // namespace isorbit::experiments
