#include "experiments/program/bench_subject.hpp"

#include <algorithm>
#include <chrono>
#include <ostream>

#include "core/random/philox.hpp"
#include "experiments/program/settings.hpp"
#include "experiments/sweep/resolve_cells.hpp"

namespace isorbit::experiments {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kSeed = 0;

constexpr const char* kAdamW = R"({
  "name": "adamw",
  "clip_norm": 1.0,
  "groups": [{ "parameters": "*", "update": [
    { "kind": "adam", "beta2": 0.95 }, { "kind": "weight_decay", "rate": 0.1 },
    { "kind": "learning_rate", "value": 3e-3 }] }]
})";

/// --set NAME=VALUE for the model, --set method.NAME=VALUE for the method.
void read_constants(const CommandLine& line, BenchOptions& options) {
  const std::string of_method = "method.";
  for (const Assignment& set : settings_from(line, "constant=value or method.constant=value")) {
    if (set.name.starts_with(of_method)) {
      options.method_constants[set.name.substr(of_method.size())] = set.value;
    } else {
      options.model_constants[set.name] = set.value;
    }
  }
}

}  // namespace

void declare_bench_options(CommandLine& line) {
  line.option("size", "S", "one of the model's sizes")
      .option("method", "FILE", "the method; AdamW on every parameter where absent")
      .option("set", "NAME=VALUE", "sets a constant of the model, or method.NAME; may be repeated")
      .option("dtype", "T", "f32 or bf16: what matrix products read; f32")
      .option("recompute", "R", "none, auto or full; none")
      .option("threads", "N", "2")
      .option("steps", "N", "timed steps; 20")
      .option("warmup", "N", "steps before them; 3")
      .option("batches", "B", "random: another batch every step; fixed: the same; random");
}

BenchOptions bench_options(const CommandLine& line, Console& console) {
  BenchOptions options;
  options.model = line.first("model document");
  line.at_most(1);
  options.size = line.text("size").value_or("");
  options.method = line.text("method").value_or("");
  options.steps = std::min<std::int64_t>(line.integer("steps", 1).value_or(options.steps), 1000000);
  options.warmup = std::min<std::int64_t>(line.integer("warmup", 0).value_or(options.warmup), 1000000);
  options.fixed_batch = line.choice("batches", {"random", "fixed"}, "random") == "fixed";
  const auto threads = static_cast<int>(std::min<std::int64_t>(line.integer("threads", 1).value_or(2), 1024));
  const std::string recompute = line.choice("recompute", {"none", "auto", "full"}, "none");
  read_constants(line, options);
  const std::string dtype = line.choice("dtype", {"f32", "bf16"}, "f32");
  options.compute = compute_from(threads, dtype, recompute);
  if (const auto note = precision_note(dtype)) console.err << *note << "\n";
  return options;
}

BenchSubject::BenchSubject(BenchOptions options) : options_(std::move(options)) {
  const Clock::time_point start = Clock::now();
  model_ = core::read_model(core::read_document(options_.model), every_op(), options_.size,
                            options_.model_constants);
  const core::Document document =
      options_.method.empty() ? core::parse_document(kAdamW, "adamw") : core::read_document(options_.method);
  method_ = read_method_for(model_, document, options_.method_constants);
  const std::chrono::duration<double> reading = Clock::now() - start;
  learner_ = std::make_unique<Learner>(model_, method_, every_op(), kSeed, options_.compute);
  compile_ms_ = (reading.count() + learner_->compile_seconds()) * 1e3;
}

std::int64_t BenchSubject::targets() const {
  std::int64_t least = 0;
  for (const core::ModelInput& input : model_.inputs) {
    const std::int64_t elements = input.type.shape.elements();
    if (least == 0 || elements < least) least = elements;
  }
  return least;
}

void BenchSubject::fill(const BatchBuffers& buffers, std::int64_t step) const {
  for (const core::ModelInput& input : model_.inputs) {
    const auto buffer = buffers.find(input.name);
    if (buffer == buffers.end()) continue;
    const core::Philox random(kSeed, core::stream_of(input.name), static_cast<std::uint64_t>(step));
    if (const auto* indices = std::get_if<std::span<std::int32_t>>(&buffer->second)) {
      const auto bound = static_cast<std::uint64_t>(std::max<std::int64_t>(input.below, 1));
      for (std::size_t i = 0; i < indices->size(); ++i)
        (*indices)[i] = static_cast<std::int32_t>(random.below(i, bound));
    } else {
      random.fill_uniform(std::get<std::span<float>>(buffer->second), 0.0, 1.0);
    }
  }
}

}  // namespace isorbit::experiments
