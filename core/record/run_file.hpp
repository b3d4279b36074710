// The record of one run: its form in memory, and the HDF5 file it is sealed in.
//
//   /config                 scalar UTF-8 text; attribute sha256
//   /provenance             one string attribute per entry
//   /<series>/<column>      equal-length columns; the first column is the dimension scale of the others
//   /spectrum/<parameter>/{step, rank, singular_values}
//                           singular_values is [time, rank] f32; attributes shape, source
//
// Series are generic (a path and columns): the caller gives the names ("train", "valid",
// "measure/<parameter>", "event", "segment"), so a new series needs no change here. The file is written
// whole, beside, and renamed. Equal records give equal datasets byte for byte (no time stamps, NaN in one
// form).
// A digest follows the HDF5 data (seal.hpp): damage is found before HDF5 parses it, from memory.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace isorbit::core {

/// Of the record and of the documents it holds; it enters the identity of a cell.
///   1  measures and spectra of a step were taken after its events; a validation covered whole batches
///   2  before its events, but for those of step 0; a validation covers the same windows for every batch
inline constexpr std::int64_t kSchemaVersion = 2;

using Values = std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>>;

/// A named 1-D column. `unit` and `long_name` become attributes where they are not empty.
struct Column {
  std::string name;
  Values values;
  std::string unit;
  std::string long_name;

  [[nodiscard]] std::size_t size() const;
  /// The values as doubles (integers converted). Throws std::runtime_error on text.
  [[nodiscard]] std::vector<double> doubles() const;
  /// The values as integers. Throws std::runtime_error on any other kind.
  [[nodiscard]] const std::vector<std::int64_t>& integers() const;
  /// The values as text. Throws std::runtime_error on any other kind.
  [[nodiscard]] const std::vector<std::string>& texts() const;
};

/// A group of equal-length columns at `path` (no leading slash), the first of which is the axis ("step").
struct Series {
  std::string path;
  std::vector<Column> columns;

  /// The column of that name, or null.
  [[nodiscard]] const Column* find(std::string_view name) const;
  /// The column of that name. Throws std::runtime_error naming the series and the columns it has.
  [[nodiscard]] const Column& at(std::string_view name) const;
};

/// Singular values of one parameter over time: values[t * rank + k], descending in k.
struct Spectrum {
  std::string parameter;
  std::vector<std::int64_t> steps;
  std::size_t rank = 0;
  std::vector<float> values;
  std::vector<std::int64_t> shape;  // of the parameter
  std::string source;               // how they were computed
};

struct RunRecord {
  std::string config;         // the resolved document
  std::string config_sha256;  // empty: computed when written
  std::map<std::string, std::string> provenance;
  std::vector<Series> series;  // in the order of the file when read
  std::vector<Spectrum> spectra;
  bool sealed = true;                            // false: was read from a file without a seal
  std::int64_t schema_version = kSchemaVersion;  // it was made by

  /// The series at `path`, or null.
  [[nodiscard]] const Series* find(std::string_view path) const;
  /// The series at `path`. Throws std::runtime_error naming the series there are.
  [[nodiscard]] const Series& at(std::string_view path) const;
  /// The series at `path`, made without columns when absent.
  [[nodiscard]] Series& series_at(std::string_view path);
};

/// Writes the record to `file`, replacing it, whole or not at all. Throws std::system_error on a full disk
/// and the like, else std::runtime_error naming file and path on columns of unequal length, or names that
/// HDF5 cannot hold. Texts of columns and of the provenance are written as it can hold them: bytes that are
/// not UTF-8 as `\xE9`, the end of very long attributes left out.
void write_run(const std::filesystem::path& file, const RunRecord& record);

/// A record has no seal, where one is required.
class NoSeal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Whether a record may be read without the seal that tells damage: it is asked for outside of sweeps alone.
enum class Seal { required, optional };

/// Reads what `write_run` wrote. Throws std::system_error where the bytes cannot be had (a disk error, no
/// permission, too many open files): then nothing is known of them. Throws std::runtime_error naming the file
/// and what is wrong with it where they were read whole and are wrong: not HDF5, damaged (its seal or a
/// chunk's checksum does not hold, or it has no seal: NoSeal), a newer schema version, a layout that is not a
/// run's.
[[nodiscard]] RunRecord read_run(const std::filesystem::path& file, Seal seal = Seal::required);

}  // namespace isorbit::core
