// The nominal machine is that of core/passes/cost.hpp, with the rest in proportion: a core draws 10^8 first
// weights a second and decomposes an [m, n] matrix, n <= m, in n^2 (m + 8 n) operations of which it does
// 3e10 n / (n + 400) a second; a disk takes half a gigabyte a second, digest included. Threads share the work
// evenly. Where something was timed, only the ratios between these and measured times are ever used.
#include <algorithm>

#include "core/passes/compile.hpp"
#include "core/passes/cost.hpp"
#include "core/passes/summary.hpp"
#include "experiments/sweep/unit_costs.hpp"
#include "experiments/training/realizations.hpp"

namespace isorbit::experiments {
namespace {

constexpr double kDrawnPerSecond = 1e8;
constexpr double kDecompositionFlops = 3e10, kHalfSpeedAt = 400;
constexpr double kMemoryBytesPerSecond = 1e10;
constexpr double kDiskBytesPerSecond = 5e8;
constexpr double kSecondsPerFile = 0.01;
constexpr double kSecondsPerCompiledNode = 1e-4;
constexpr double kSecondsPerLearner = 0.01;

/// A tensor that updates change.
struct TrainedShape {
  std::string name;
  core::Shape shape;
  const Group* group;
};

std::vector<TrainedShape> trained_shapes(const core::Model& model, const Method& method) {
  std::vector<TrainedShape> out;
  for (const core::Parameter& p : model.graph.parameters) {
    const core::Value& weight = model.graph.value(p.value);
    const Group& group = method.groups.at(method.group_of(weight.name).value());
    const Word<Parametrization>& word = group.parametrization;
    if (!word.word->coordinates) {
      if (!group.update.empty()) out.push_back({weight.name, weight.type.shape, &group});
      continue;
    }
    for (const Coordinate& c : word.word->coordinates(word.fields, weight.type.shape))
      if (c.trainable) out.push_back({weight.name + "/" + c.name, c.type.shape, &group});
  }
  return out;
}

double moment_bytes(const TrainedShape& trained) {
  double elements = 0;
  for (const Word<Update>& word : trained.group->update)
    for (const Moment& moment : moments_of(*word.word, word.fields, trained.shape))
      elements += static_cast<double>(moment.shape.value_or(trained.shape).elements());
  return 4 * elements;
}

struct Decompositions {
  double all = 0, parametrized = 0;  // seconds of one thread
  double workspace = 0;              // bytes, of the largest
};

Decompositions decompositions(const core::Model& model, const Method& method) {
  Decompositions out;
  for (const core::Parameter& p : model.graph.parameters) {
    const core::Value& weight = model.graph.value(p.value);
    const core::Shape& shape = weight.type.shape;
    if (shape.rank() != 2) continue;
    const auto n = static_cast<double>(std::min(shape[0], shape[1])),
               m = static_cast<double>(std::max(shape[0], shape[1]));
    const double seconds = n * (n + kHalfSpeedAt) * (m + 8 * n) / kDecompositionFlops;
    out.all += seconds;
    const Group& group = method.groups.at(method.group_of(weight.name).value());
    if (group.parametrization.word->coordinates) out.parametrized += seconds;
    out.workspace = std::max(out.workspace, 8 * (3 * n * n + (m < 2 * n ? m * n : 256 * n)));
  }
  return out;
}

/// Taken of every event but a merge, which is known not to.
bool compares_logits(const Method& method) {
  return std::ranges::any_of(events_of(method),
                             [](const EventWord* event) { return event->word->name != "merge"; });
}

/// Bytes of the logits' program, and of the two copies that are compared.
double probe_bytes(const core::Model& model, const core::OpSet& ops, core::CompileOptions options) {
  const std::optional<core::ValueId> logits = model.graph.output("logits");
  if (!logits) return 0;
  options.precision = core::DType::f32;
  options.keep_outputs = {"logits"};
  return static_cast<double>(core::summarize(core::transform(model.graph, ops, options)).live_bytes) +
         2 * static_cast<double>(model.graph.value(*logits).type.bytes());
}

}  // namespace

UnitCosts nominal_costs(const core::Model& model, const Method& method, const core::OpSet& ops,
                        const Compute& compute) {
  const auto threads = static_cast<double>(compute.threads);
  const std::vector<TrainedShape> trained = trained_shapes(model, method);
  core::CompileOptions options;
  options.realizations = realizations(method, model, ops, compute.precision).rewrites;
  options.precision = compute.precision;
  options.recompute = compute.recompute;
  options.keep_outputs = {"loss"};
  for (const TrainedShape& t : trained) options.keep_outputs.push_back("gradient/" + t.name);
  const core::Graph train = core::transform(model.graph, ops, options);
  options.differentiate = false;
  options.keep_outputs = {"loss"};
  const core::Graph valid = core::transform(model.graph, ops, options);
  const core::Summary of_train = core::summarize(train), of_valid = core::summarize(valid);
  double moments = 0, updated = 0, weights = 0;
  for (const TrainedShape& t : trained) {
    moments += moment_bytes(t);
    updated += 4 * static_cast<double>(t.shape.elements());
  }
  for (const core::Parameter& p : model.graph.parameters)
    weights += static_cast<double>(model.graph.shape(p.value).elements());

  UnitCosts costs;
  costs.flops = of_train.flops;
  costs.traffic = of_train.bytes;
  costs.weights_bytes = 4 * weights;
  costs.checkpoint_bytes = of_train.parameter_bytes + moments;
  costs.memory = costs.checkpoint_bytes + static_cast<double>(of_train.live_bytes) +
                 static_cast<double>(of_valid.live_bytes) + (compute.accumulate > 1 ? updated : 0);
  costs.setup = kSecondsPerLearner + weights / kDrawnPerSecond +
                kSecondsPerCompiledNode * static_cast<double>(of_train.nodes + of_valid.nodes);
  // Of accumulated batches gradients are added up; every step reads what is stored for its checksum.
  const auto parts = static_cast<double>(compute.accumulate);
  const double moved = 3 * (updated * parts) + 2 * moments + of_train.parameter_bytes;
  costs.step = (parts * core::estimated_seconds(train) + moved / kMemoryBytesPerSecond) / threads;
  costs.validation = core::estimated_seconds(valid) / threads;
  const Decompositions found = decompositions(model, method);
  costs.workspace = threads * found.workspace;
  costs.spectra = found.all / threads;
  costs.bases = found.parametrized / threads;
  costs.checkpoint = costs.checkpoint_bytes / kDiskBytesPerSecond + kSecondsPerFile;
  costs.event = costs.bases > 0 ? costs.bases : 4 * costs.validation;
  if (compares_logits(method)) costs.memory += probe_bytes(model, ops, options);
  return costs;
}

}  // namespace isorbit::experiments
