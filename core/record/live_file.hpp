// live.h5: what readers may see of a run while it is written, by HDF5's single writer, multiple readers
// (SWMR).
//
// Every table is one dataset of rows with named fields, as in a data frame; its first field counts steps and
// is NaN in a row that is not written yet, as a reader may meet one between two flushes. All tables are made
// before the first row, under a name of their own, and the file is renamed when it can be read: a live file
// that is there opens with SWMR at any moment, and still does when the writer was killed, with every row that
// was flushed. It is stored plainly in small chunks, as each flush writes chunks anew. Nothing is ever
// recovered from it: the journal is the authority.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace isorbit::core {

/// A field of a table: a double, text of at most `size` bytes (longer is cut), or `size` floats.
struct LiveColumn {
  enum class Kind { number, text, floats };
  std::string name;
  Kind kind = Kind::number;
  std::size_t size = 1;

  [[nodiscard]] std::size_t bytes() const;
};

/// `path` without leading slash ("train", "spectrum/<parameter>").
struct LiveTable {
  std::string path;
  std::vector<LiveColumn> columns;
};

using LiveValue = std::variant<double, std::string, std::vector<float>>;
/// A value for each column, in their order.
using LiveRow = std::vector<LiveValue>;

/// To be used by one thread at a time; several files may be written by several threads.
class LiveFile {
 public:
  /// Makes the file with its tables, empty. Throws hdf5::Error naming file and table when it is there
  /// already, its folder cannot be written, or a row is larger than HDF5 allows (64 KiB).
  LiveFile(std::filesystem::path file, const std::vector<LiveTable>& tables);
  /// Closes, and stays silent if that fails. After an error nothing more is written and the file is left open
  /// until the process ends, as the library can close no file that it cannot write.
  ~LiveFile();
  LiveFile(const LiveFile&) = delete;
  LiveFile& operator=(const LiveFile&) = delete;

  /// Appends rows to a table. Throws hdf5::Error when there is no such table, a value is not of its column's
  /// kind and size, or they cannot be written.
  void append(const std::string& table, std::span<const LiveRow> rows);
  /// Makes what was appended visible to readers, also after the death of this process. Throws hdf5::Error
  /// (full disk).
  void flush();

 private:
  struct Open;
  std::unique_ptr<Open> open_;
};

}  // namespace isorbit::core
