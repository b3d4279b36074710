// What `bench` and `profile` run, as their command lines say it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "experiments/program/command_line.hpp"
#include "experiments/timing/step_times.hpp"

namespace isorbit::experiments {

struct BenchOptions {
  std::string model, size, method;  // method: empty for AdamW on every parameter
  core::Json model_constants = core::Json::object(), method_constants = core::Json::object();
  Compute compute;
  StepPlan plan;
};

/// Declares the options that BenchOptions are read from.
void declare_bench_options(CommandLine& line);
/// Throws UsageError. Says on console.err when the CPU cannot compute in the type that was asked for.
[[nodiscard]] BenchOptions bench_options(const CommandLine& line, Console& console);

class BenchSubject {
 public:
  /// Reads and checks the documents (DocumentError) and compiles.
  explicit BenchSubject(BenchOptions options);

  [[nodiscard]] const BenchOptions& options() const { return options_; }
  [[nodiscard]] Rehearsal& rehearsal() { return *rehearsal_; }
  [[nodiscard]] Learner& learner() { return rehearsal_->learner(); }
  /// Milliseconds from the documents' text to a bound training program; weights are not drawn in them.
  [[nodiscard]] double compile_ms() const { return compile_ms_; }

 private:
  BenchOptions options_;
  std::unique_ptr<Rehearsal> rehearsal_;
  double compile_ms_ = 0;
};

}  // namespace isorbit::experiments
