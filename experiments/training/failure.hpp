// Why a cell failed: sorted by what can be done about it, and kept on disk, so that status can say it whoever
// ran the cell.
//
// failed.json: {"kind", "reason", "step"}
#pragma once
#include <cstdint>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

namespace isorbit::experiments {

enum class FailureKind {
  diverged,  // a loss or a gradient that is no number
  defect,    // an invariant is broken and the document says to fail then
  document,  // model, method and data do not fit together
  data,      // data that are missing, unreadable, or changed since the cell was planned or begun
  disk,      // a file that cannot be written or read: full, forbidden, gone
  memory,    // more memory than there is
  source,    // the cell it starts from is not there
  internal,  // anything else
};

struct Failure {
  FailureKind kind = FailureKind::internal;
  std::string reason;
  std::int64_t step = 0;  // finished updates
};

/// The training ended in numbers that are no numbers.
struct Diverged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An invariant that the document wants kept is broken.
struct BrokenInvariant : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[nodiscard]] const char* name_of(FailureKind kind);

/// True where the cell is the cause, so that it would fail again in the same way: such a cell is run again
/// only when asked for. False where the machine, the data or another cell is.
[[nodiscard]] bool repeats(FailureKind kind);

/// Sorts in what a cell has thrown.
[[nodiscard]] Failure failure_of(const std::exception& error, std::int64_t step = 0);

/// Writes <folder>/failed.json, making the folder. A disk that fails for this too is no error: the reason is
/// also in the result of the run.
void write_failure(const std::filesystem::path& folder, const Failure& failure);

/// What write_failure wrote; nothing where there is no such file. A damaged one is an internal failure whose
/// reason says so. Throws std::system_error where it cannot be read.
[[nodiscard]] std::optional<Failure> read_failure(const std::filesystem::path& folder);

}  // namespace isorbit::experiments
