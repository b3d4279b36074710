#include "experiments/program/bench_subject.hpp"

#include <algorithm>
#include <ostream>

#include "experiments/program/settings.hpp"
#include "experiments/sweep/document_kind.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/timing/stopwatch.hpp"

namespace isorbit::experiments {
namespace {

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
  options.plan.steps = std::min<std::int64_t>(line.integer("steps", 1).value_or(options.plan.steps), 1000000);
  options.plan.warmup =
      std::min<std::int64_t>(line.integer("warmup", 0).value_or(options.plan.warmup), 1000000);
  options.plan.fixed_batch = line.choice("batches", {"random", "fixed"}, "random") == "fixed";
  const auto threads = static_cast<int>(std::min<std::int64_t>(line.integer("threads", 1).value_or(2), 1024));
  const std::string recompute = line.choice("recompute", {"none", "auto", "full"}, "none");
  read_constants(line, options);
  const std::string dtype = line.choice("dtype", {"f32", "bf16"}, "f32");
  options.compute = compute_from(threads, dtype, recompute);
  if (const auto note = precision_note(dtype)) console.err << *note << "\n";
  return options;
}

BenchSubject::BenchSubject(BenchOptions options) : options_(std::move(options)) {
  const Stopwatch watch;
  core::Model model = core::read_model(read_document_of(DocumentKind::model, options_.model), every_op(),
                                       options_.size, options_.model_constants);
  const core::Document document = options_.method.empty()
                                      ? core::parse_document(kAdamW, "adamw")
                                      : read_document_of(DocumentKind::method, options_.method);
  Method method = read_method_for(model, document, options_.method_constants);
  const double reading = watch.seconds();
  rehearsal_ = std::make_unique<Rehearsal>(std::move(model), std::move(method), every_op(), options_.compute);
  compile_ms_ = (reading + learner().compile_seconds()) * 1e3;
}

}  // namespace isorbit::experiments
