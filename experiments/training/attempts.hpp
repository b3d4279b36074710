// Attempts at a cell: folders attempt-0001, attempt-0002, ... in the cell's, one for each process life, never
// shared by two processes.
//
//   lease                        who made it, and whether its maker lives (experiments/sweep/lease.hpp)
//   journal.log                  every row of the run up to here, also those of the attempts before
//   checkpoint.safetensors       what a later attempt goes on from
//   failed.json                  why it failed
//   weights.safetensors, run.h5, result.json     at its end, in this order
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace isorbit::experiments {

struct Attempt {
  std::int64_t number = 0;  // from 1
  std::filesystem::path folder;
};

/// "attempt-0007".
[[nodiscard]] std::string attempt_name(std::int64_t number);
/// The number in such a name; nothing where it is another name.
[[nodiscard]] std::optional<std::int64_t> attempt_number(std::string_view name);

/// Newest first; none where the folder is missing. Throws std::system_error where it cannot be read.
[[nodiscard]] std::vector<Attempt> attempts_in(const std::filesystem::path& cell_folder);

/// Of the newest attempt that has such a file, the file; nothing where none has. Throws as attempts_in.
[[nodiscard]] std::optional<std::filesystem::path> newest_file(const std::filesystem::path& cell_folder,
                                                               const char* name);

}  // namespace isorbit::experiments
