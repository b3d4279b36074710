#include "experiments/training/cell_identity.hpp"

#include <algorithm>
#include <stdexcept>

#include "experiments/training/attempts.hpp"
#include "experiments/training/result.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::size_t kShort = 8;  // digits of an id in a folder's name

std::string value_of(const std::map<std::string, std::string>& values) {
  const auto at = values.find("cell_id");
  return at == values.end() ? std::string() : at->second;
}

/// "s<seed>-<eight digits>" at the end of a name, after its changed values.
bool is_cell_name(const std::string& name) {
  const auto digits = [](std::string_view text, std::string_view known) {
    return !text.empty() && text.find_first_not_of(known) == text.npos;
  };
  const std::size_t dash = name.rfind('-');
  if (dash == name.npos || name.size() - dash - 1 != kShort) return false;
  const std::size_t before = dash == 0 ? name.npos : name.rfind('-', dash - 1);
  const std::string seed = name.substr(before + 1, dash - before - 1);  // npos + 1 is 0
  return seed.starts_with('s') && digits(std::string_view(seed).substr(1), "0123456789") &&
         digits(std::string_view(name).substr(dash + 1), "0123456789abcdef");
}

}  // namespace

void check_identity(const std::filesystem::path& file, const std::string& found, const std::string& cell_id) {
  if (found.starts_with(cell_id)) return;
  throw std::runtime_error(file.string() + ": is of " +
                           (found.empty() ? "no cell" : "another cell, " + found.substr(0, kShort)) +
                           "; expected that of " + cell_id.substr(0, kShort) +
                           "; isorbit repair puts it aside and mends the cell");
}

std::string cell_of(const core::RunRecord& record) { return value_of(record.provenance); }

std::string cell_of(const core::TensorFile& tensors) { return value_of(tensors.metadata); }

core::RunRecord read_cell_run(const std::filesystem::path& run, const std::string& cell_id, core::Seal seal) {
  core::RunRecord record = core::read_run(run, seal);
  check_identity(run, cell_of(record), cell_id);
  return record;
}

core::TensorFile read_cell_tensors(const std::filesystem::path& file, const std::string& cell_id) {
  core::TensorFile tensors = core::read_tensors(file);
  check_identity(file, cell_of(tensors), cell_id);
  return tensors;
}

void check_identity(const std::filesystem::path& journal, std::span<const core::Json> rows,
                    const std::string& cell_id) {
  for (const core::Json& row : rows)
    if (row.is_object() && row.value("t", "") == "segment" && row.contains("cell"))
      check_identity(journal, row.at("cell").get<std::string>(), cell_id);
}

std::string cell_of_folder(const std::filesystem::path& folder) {
  const std::filesystem::path whole = folder.has_filename() ? folder : folder.parent_path();
  const bool is_attempt = attempt_number(whole.filename().string()).has_value();
  const std::filesystem::path cell_folder = is_attempt ? whole.parent_path() : whole;
  if (std::filesystem::exists(done_path(cell_folder))) return read_result(done_path(cell_folder)).cell;
  const std::string name = cell_folder.filename().string();
  return is_cell_name(name) ? name.substr(name.size() - kShort) : std::string();
}

}  // namespace isorbit::experiments
