#include "experiments/training/result_check.hpp"

#include "core/document/digest.hpp"
#include "core/record/run_file.hpp"
#include "core/record/tensor_file.hpp"
#include "core/record/unreadable.hpp"

namespace isorbit::experiments {

std::optional<Result> result_of(const std::filesystem::path& file, const std::string& cell_id,
                                std::string* fault) {
  std::optional<Result> result;
  std::string found = core::damage_in([&] { result = read_result(file); });
  if (result && result->cell != cell_id) {
    found = file.string() + ": is of another cell";
    result.reset();
  }
  if (fault != nullptr) *fault = found;
  return result;
}

std::string fault_of_record(const std::filesystem::path& run, const std::string& cell_id,
                            std::optional<double> started) {
  core::RunRecord record;
  std::string fault = core::damage_in([&] { record = core::read_run(run); });
  if (!fault.empty()) return fault;
  const auto found = record.provenance.find("cell_id");
  if (found == record.provenance.end() || found->second != cell_id)
    return run.string() + ": is the record of another cell";
  if (started && started_of(record) != started)
    return run.string() + ": is the record of another attempt than the published one";
  return {};
}

std::string fault_of_weights(const std::filesystem::path& weights, const std::string& cell_id,
                             const std::string& sha256) {
  if (!sha256.empty()) {
    std::string found;
    std::string fault = core::damage_in([&] { found = core::sha256_file(weights); });
    if (fault.empty() && found != sha256)
      fault = weights.string() + ": does not have the SHA-256 of the weights that the cell was trained to";
    return fault;
  }
  core::TensorFile file;
  std::string fault = core::damage_in([&] { file = core::read_tensors(weights); });
  if (!fault.empty()) return fault;
  const auto id = file.metadata.find("cell_id");
  return id != file.metadata.end() && id->second == cell_id
             ? std::string()
             : weights.string() + ": has the weights of another cell";
}

}  // namespace isorbit::experiments
