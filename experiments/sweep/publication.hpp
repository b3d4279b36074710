// The result of a cell, beside its attempts:
//
//   done.json              a second name of the result of the attempt that was first; decides which one it is
//   weights.safetensors    second names of that attempt's files, made right after in this order; whoever
//   run.h5                 finds done.json without them makes them
//
// What is named so and is not that attempt's, or is damaged, is no part of the result: the cell is not
// complete until its place is taken by the attempt's.
#pragma once
#include <filesystem>
#include <string>

#include "experiments/training/result.hpp"

namespace isorbit::experiments {

/// Makes a finished attempt the cell's result unless another is already. Whether it is. Its checkpoint goes,
/// as there is nothing to go on to. Throws std::runtime_error naming file and cause.
bool publish_attempt(const std::filesystem::path& attempt);

/// Gives the published attempt's files their names in the cell's folder: those that are missing, and those
/// under whose name there is something else, which is renamed to <name>.replaced. Does all of it or nothing:
/// false where the attempt does not have them any more. Throws as publish_attempt.
bool share_results(const std::filesystem::path& cell_folder);

/// Renames a file to <name>.<why>, with a number where there is one of that name. Throws std::system_error.
void put_aside(const std::filesystem::path& file, const std::string& why);

/// What is wrong with the files that belong to a cell's done.json, in a sentence each; empty: nothing.
/// Weights that are missing are missed as long as the attempt has them.
struct Faults {
  std::string run, weights;
  [[nodiscard]] bool none() const { return run.empty() && weights.empty(); }
};
/// A file is not read where its size and time are those it was written with, that is, where nobody has
/// written to it since, unless `to_the_byte`. Throws std::system_error where one cannot be read.
[[nodiscard]] Faults faults_of(const std::filesystem::path& cell_folder, const Result& result,
                               bool to_the_byte);

/// True when the cell is published and its files are whole, as faults_of says without reading what nobody has
/// written to. A disk that changes bytes behind the file system's back is found by who reads a record, as the
/// seal is checked then too, and by isorbit repair. Throws std::system_error where it cannot be told.
[[nodiscard]] bool is_complete(const std::filesystem::path& cell_folder, const std::string& cell_id);
/// The same, reading all of the files in any case.
[[nodiscard]] bool is_complete_to_the_byte(const std::filesystem::path& cell_folder,
                                           const std::string& cell_id);

}  // namespace isorbit::experiments
