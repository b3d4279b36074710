#include "experiments/program/record_arguments.hpp"

#include <ostream>

#include "core/document/printable.hpp"
#include "experiments/training/cell_identity.hpp"

namespace isorbit::experiments {

void add_seal_option(CommandLine& line) {
  line.option("unsealed", "", "read a record without the seal that tells damage, written by another program");
}

core::Seal seal_from(const CommandLine& line) {
  return line.has("unsealed") ? core::Seal::optional : core::Seal::required;
}

core::RunRecord read_record(Console& console, const CommandLine& line, const std::filesystem::path& file,
                            const std::string& cell_id) {
  core::RunRecord record =
      read_asked(line, [&](core::Seal seal) { return read_cell_run(file, cell_id, seal); });
  say_if_unsealed(console, record, file);
  return record;
}

void say_if_unsealed(Console& console, const core::RunRecord& record, const std::filesystem::path& file) {
  if (!record.sealed)
    console.err << core::printable(file.string())
                << ": has no seal: nothing tells that it is as it was written\n";
}

}  // namespace isorbit::experiments
