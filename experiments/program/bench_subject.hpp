// What `bench` and `profile` run: a model under a method, fed with random batches. No data files.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "experiments/program/command_line.hpp"
#include "experiments/training/learner.hpp"

namespace isorbit::experiments {

struct BenchOptions {
  std::string model, size, method;  // method: empty for AdamW on every parameter
  core::Json model_constants = core::Json::object(), method_constants = core::Json::object();
  Compute compute;
  std::int64_t steps = 20, warmup = 3;
  bool fixed_batch = false;
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
  [[nodiscard]] Learner& learner() { return *learner_; }
  [[nodiscard]] const std::string& method_name() const { return method_.name; }
  /// Milliseconds from the documents' text to a bound training program; weights are not drawn in them.
  [[nodiscard]] double compile_ms() const { return compile_ms_; }
  /// Elements of the smallest input a step: tokens of a text model, images of an image model.
  [[nodiscard]] std::int64_t targets() const;
  /// Random batch of a step: a pure function of the step and the input's name.
  void fill(const BatchBuffers& buffers, std::int64_t step) const;

 private:
  BenchOptions options_;
  core::Model model_;
  Method method_;
  std::unique_ptr<Learner> learner_;
  double compile_ms_ = 0;
};

}  // namespace isorbit::experiments
