// The result of a cell, beside its attempts:
//
//   done.json              a second name of the result of the attempt that was first; decides which one it is
//   weights.safetensors    second names of that attempt's files, made right after in this order; whoever
//   run.h5                 finds done.json without them makes them
#pragma once
#include <filesystem>
#include <string>

namespace isorbit::experiments {

/// Makes a finished attempt the cell's result unless another is already. Whether it is. Its checkpoint goes,
/// as there is nothing to go on to. Throws std::runtime_error naming file and cause.
bool publish_attempt(const std::filesystem::path& attempt);

/// Gives the published attempt's files their names in the cell's folder, those that are missing. False where
/// the attempt does not have them any more. Throws as publish_attempt.
bool share_results(const std::filesystem::path& cell_folder);

/// True when the cell is published and its run.h5 is whole. It is not read where its size and time are those
/// it was sealed with, that is, where nobody has written to it since; else all of it is read and its seal
/// checked. A disk that changes bytes behind the file system's back is found by who reads the record, as the
/// seal is checked then too, and by isorbit repair.
[[nodiscard]] bool is_complete(const std::filesystem::path& cell_folder, const std::string& cell_id);
/// The same, reading all of run.h5 in any case.
[[nodiscard]] bool is_complete_to_the_byte(const std::filesystem::path& cell_folder,
                                           const std::string& cell_id);

}  // namespace isorbit::experiments
