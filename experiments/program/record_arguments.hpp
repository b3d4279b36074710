// The record that a verb is given by its file, from wherever it comes.
#pragma once
#include <filesystem>

#include "core/record/run_file.hpp"
#include "experiments/program/command_line.hpp"

namespace isorbit::experiments {

/// Adds --unsealed.
void add_seal_option(CommandLine& line);
[[nodiscard]] core::Seal seal_from(const CommandLine& line);

/// Calls `read(seal)`; where it finds a record without a seal, the error names --unsealed.
template <typename Read>
auto read_asked(const CommandLine& line, const Read& read) {
  try {
    return read(seal_from(line));
  } catch (const core::NoSeal& error) {
    throw UsageError(std::string(error.what()) + "; --unsealed reads it as it is");
  }
}

/// read_cell_run; says so on err where the record has no seal.
[[nodiscard]] core::RunRecord read_record(Console& console, const CommandLine& line,
                                          const std::filesystem::path& file, const std::string& cell_id);
void say_if_unsealed(Console& console, const core::RunRecord& record, const std::filesystem::path& file);

}  // namespace isorbit::experiments
