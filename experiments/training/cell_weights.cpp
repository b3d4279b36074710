#include "experiments/training/cell_weights.hpp"

#include <optional>
#include <stdexcept>

#include "experiments/training/attempts.hpp"
#include "experiments/training/cell_identity.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/recorder.hpp"
#include "experiments/training/weights.hpp"
#include "ops/registry.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;

constexpr const char* kCheckpoint = "checkpoint.safetensors";

/// In the folder itself, which may be that of an attempt, or in the newest attempt that has one.
std::optional<std::filesystem::path> checkpoint_in(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / kCheckpoint, error)) return folder / kCheckpoint;
  return newest_file(folder, kCheckpoint);
}

}  // namespace

CellWeights read_checkpoint_weights(const std::filesystem::path& file, const std::string& cell_id) {
  const core::TensorFile stored = read_cell_tensors(file, cell_id);
  const auto metadata = [&](const char* key) {
    const auto it = stored.metadata.find(key);
    return it == stored.metadata.end() ? std::string() : it->second;
  };
  Json document = Json::parse(metadata("document"), nullptr, false);
  if (!document.is_object())
    throw std::runtime_error(file.string() +
                             ": holds no document of its cell, so that its weights cannot be realized; "
                             "run the cell on to its end");
  const core::OpSet ops(ops::registered());
  const core::Model model = core::read_model({"model", document.at("model"), {}}, ops);
  const Method method = read_method({"method", document.at("method"), {}});
  const Json& training = document.at("training");
  Learner learner(model, method, ops, document.at("seed").get<std::uint64_t>(),
                  {training.at("threads").get<int>(), core::DType::f32, core::Recompute::none});
  const CheckpointState state = read_checkpoint(file, learner, cell_of(stored)).value();
  return {std::move(document), state.cell_id, state.step, realized_weights(learner)};
}

core::TensorFile realized_weights(Learner& learner) {
  learner.realize();
  core::TensorFile out;
  for (const std::string& name : learner.weights()) {
    const auto bytes = std::as_bytes(learner.realized(name));
    const core::Parameter& parameter = *learner.model().graph.parameter(name);
    out.tensors.push_back({name,
                           core::StoredType::f32,
                           learner.model().graph.shape(parameter.value).dims(),
                           {bytes.begin(), bytes.end()}});
  }
  return out;
}

std::filesystem::path cell_folder(const std::filesystem::path& path) {
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(path, error);
  if (!is_folder && !std::filesystem::exists(path, error))
    throw std::runtime_error(path.string() + ": found nothing; expected the folder of a cell");
  std::filesystem::path folder = is_folder ? path : path.parent_path();
  if (folder.empty()) folder = ".";
  if (std::filesystem::exists(Recorder::run_path(folder), error) || checkpoint_in(folder)) return folder;
  throw std::runtime_error(
      folder.string() + ": found " +
      (std::filesystem::exists(folder / "plan.json", error)
           ? "the folder of a sweep; expected that of one of its cells"
           : "neither run.h5 nor " + std::string(kCheckpoint) + "; expected the folder of a cell"));
}

CellWeights read_cell_weights(const std::filesystem::path& cell, const std::string& cell_id,
                              core::Seal seal) {
  const std::filesystem::path folder = cell_folder(cell);
  const std::string expected = cell_id.empty() ? cell_of_folder(folder) : cell_id;
  const std::filesystem::path run = Recorder::run_path(folder);
  if (!std::filesystem::exists(run)) return read_checkpoint_weights(checkpoint_in(folder).value(), expected);
  const core::RunRecord record = read_cell_run(run, expected, seal);
  Json document = Json::parse(record.config);
  return {std::move(document), cell_of(record), record.at("train").at("step").integers().back(),
          read_cell_tensors(weights_path(folder), cell_of(record))};
}

}  // namespace isorbit::experiments
