// That a file is of the cell it is taken for: the id of the cell stands in every file that a cell leaves
// (/provenance of run.h5, the metadata of weights and checkpoints, done.json, the journal's segments).
// Whoever reads one reads it by these.
#pragma once
#include <filesystem>
#include <span>
#include <string>

#include "core/document/json.hpp"
#include "core/record/run_file.hpp"
#include "core/record/tensor_file.hpp"

namespace isorbit::experiments {

/// Throws std::runtime_error naming the file where `found`, the id it holds, is not `cell_id` or does not
/// begin with it. An empty `cell_id`: nothing is known, and any id will do.
void check_identity(const std::filesystem::path& file, const std::string& found, const std::string& cell_id);

/// The id in a record's /provenance; empty where it has none.
[[nodiscard]] std::string cell_of(const core::RunRecord& record);
/// The id in the metadata of a file of tensors; empty where it has none.
[[nodiscard]] std::string cell_of(const core::TensorFile& tensors);

/// core::read_run and core::read_tensors of a cell's file. Throw what these throw, and as check_identity.
[[nodiscard]] core::RunRecord read_cell_run(const std::filesystem::path& run, const std::string& cell_id,
                                            core::Seal seal = core::Seal::required);
[[nodiscard]] core::TensorFile read_cell_tensors(const std::filesystem::path& file,
                                                 const std::string& cell_id);

/// The same of a journal's rows, whose segments say whose they are.
void check_identity(const std::filesystem::path& journal, std::span<const core::Json> rows,
                    const std::string& cell_id);

/// Whose a cell's folder, or that of an attempt at it, is: the id in its done.json, else the eight digits at
/// the end of its name, else empty. Throws std::runtime_error naming done.json where that cannot be read.
[[nodiscard]] std::string cell_of_folder(const std::filesystem::path& folder);

}  // namespace isorbit::experiments
