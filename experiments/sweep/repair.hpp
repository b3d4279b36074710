// What a cell whose result is not there, or is damaged, needs; and everything of it that needs no training.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace isorbit::experiments {

enum class Need {
  nothing,   // it is complete
  names,     // it is published, and files of the attempt are to have their names in the cell's folder
  record,    // it is published, and its record is damaged or gone: it is made again from the journal
  result,    // its record and weights are there: done.json is made again from them
  publish,   // an attempt has its result, which is not published
  finish,    // an attempt is trained to its end: its record is made from the journal, and published
  training,  // the rest of its steps
};

struct Examination {
  Need need = Need::training;
  std::filesystem::path attempt;             // that it is done from; empty for nothing, result and training
  std::vector<std::filesystem::path> aside;  // damaged files, to be renamed to <name>.damaged
  std::string text;                          // what was found and what is to be done, a sentence
};

/// Looks at a cell's folder and changes nothing. `to_the_byte`: files are read whatever their times say.
/// Throws std::system_error where something cannot be read, so that what the cell needs cannot be told.
[[nodiscard]] Examination examine(const std::filesystem::path& cell_folder, const std::string& cell_id,
                                  bool to_the_byte = false);

/// Puts aside what is damaged and does what is needed but for training. The caller owns the cell. Throws
/// std::runtime_error naming file and cause.
void mend(const std::filesystem::path& cell_folder, const Examination& found);

}  // namespace isorbit::experiments
