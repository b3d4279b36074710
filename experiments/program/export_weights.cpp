#include "experiments/program/export_weights.hpp"

#include <ostream>

#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/training/cell_weights.hpp"
#include "experiments/training/hugging_face.hpp"

namespace isorbit::experiments {
namespace {

/// Before anything is computed.
void check_folder(const std::filesystem::path& folder) {
  std::error_code error;
  const auto kind = std::filesystem::status(folder, error).type();
  if (folder == "-" ||
      (kind != std::filesystem::file_type::directory && std::filesystem::exists(folder, error)))
    throw UsageError("found --output \"" + folder.string() +
                     "\"; expected a folder, for model.safetensors and config.json");
}

}  // namespace

void export_weights(Console& console, const std::filesystem::path& cell,
                    const std::optional<std::string>& output, core::Seal seal) {
  if (output) check_folder(*output);
  const CellWeights found = read_cell_weights(cell, {}, seal);
  const core::Document document{"model", found.document.at("model"), {}};
  const ForeignTable table =
      read_foreign_table(document, core::read_model(document, every_op()), "hugging_face");
  const std::filesystem::path folder =
      output ? std::filesystem::path(*output) : cell_folder(cell) / "hugging_face";
  write_hugging_face(folder, table, found.weights);
  console.err << table.tensors.size() << " tensors after step " << found.step << " in "
              << (folder / "model.safetensors").string() << "\n";
}

}  // namespace isorbit::experiments
