// What is timed without data: a model under a method, fed with random batches.
#pragma once
#include <cstdint>

#include "experiments/training/learner.hpp"

namespace isorbit::experiments {

class Rehearsal {
 public:
  /// Compiles the programs and draws the first weights. Model and method must agree (check_method).
  Rehearsal(core::Model model, Method method, const core::OpSet& ops, const Compute& compute);
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  [[nodiscard]] Learner& learner() { return learner_; }
  [[nodiscard]] const core::Model& model() const { return model_; }
  [[nodiscard]] const Method& method() const { return method_; }
  [[nodiscard]] const Compute& compute() const { return compute_; }
  /// Elements of the smallest input a step: tokens of a text model, images of an image model.
  [[nodiscard]] std::int64_t targets() const;
  /// Random batch of a step: a pure function of the step and the input's name.
  void fill(const BatchBuffers& buffers, std::int64_t step) const;

 private:
  core::Model model_;
  Method method_;
  Compute compute_;
  Learner learner_;
};

}  // namespace isorbit::experiments
