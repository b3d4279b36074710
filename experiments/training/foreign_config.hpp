// Whether another program's configuration file describes the model: every key of it is understood or refused
// by name, and a key that is not there is what it is for that program.
#pragma once
#include <string>
#include <vector>

#include "experiments/training/foreign_table.hpp"

namespace isorbit::experiments {

/// What in the file is not as the model has it, a sentence each: key, found, expected. Keys of objects within
/// are joined with dots; elements of lists are taken one by one.
[[nodiscard]] std::vector<std::string> misfits_of_config(const core::Json& theirs, const ForeignTable& table);

}  // namespace isorbit::experiments
