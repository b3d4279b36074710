// Reading a run record; the layout is in run_file.hpp.
#include <stdexcept>

#include "core/record/durable_file.hpp"
#include "core/record/hdf5.hpp"
#include "core/record/run_file.hpp"
#include "core/record/seal.hpp"

namespace isorbit::core {
namespace {

std::string attribute_or_empty(const hdf5::File& file, const std::string& path, const char* name) {
  return file.has_attribute(path, name) ? file.text_attribute(path, name) : std::string();
}

std::int64_t read_schema(const hdf5::File& file, const std::string& name) {
  if (!file.has_attribute("/", "schema_version") || !file.exists("/config"))
    throw std::runtime_error(name + ": it is HDF5, but not the record of a run");
  const auto found = file.integer_attribute("/", "schema_version");
  if (found.size() != 1 || found[0] < 1 || found[0] > kSchemaVersion)
    throw std::runtime_error(name + ": found schema version " +
                             (found.empty() ? "none" : std::to_string(found[0])) +
                             "; this program reads 1 to " + std::to_string(kSchemaVersion));
  return found[0];
}

Values read_values(const hdf5::File& file, const std::string& path, hdf5::Kind kind) {
  if (kind == hdf5::Kind::texts) return file.read_texts(path);
  if (kind == hdf5::Kind::integers) return file.read_integers(path);
  return file.read_doubles(path);
}

// Every group with 1-D columns in it is a series; groups in it are looked through as well.
void read_series(const hdf5::File& file, const std::string& name, const std::string& group,
                 std::vector<Series>& out) {
  Series series{group.substr(1), {}};
  std::vector<std::string> inner;
  for (const auto& member : file.members(group)) {
    const std::string path = group + "/" + member;
    const hdf5::Kind kind = file.kind(path);
    if (kind == hdf5::Kind::group) inner.push_back(path);
    if (kind == hdf5::Kind::group || kind == hdf5::Kind::other || file.shape(path).size() != 1) continue;
    series.columns.push_back({member, read_values(file, path, kind), attribute_or_empty(file, path, "units"),
                              attribute_or_empty(file, path, "long_name")});
    if (series.columns.back().size() != series.columns[0].size())
      throw std::runtime_error(name + ":" + path + ": found " + std::to_string(series.columns.back().size()) +
                               " rows; expected " + std::to_string(series.columns[0].size()) + " as in \"" +
                               series.columns[0].name + "\"");
  }
  if (!series.columns.empty() || inner.empty()) out.push_back(std::move(series));
  for (const auto& path : inner) read_series(file, name, path, out);
}

Spectrum read_spectrum(const hdf5::File& file, const std::string& name, const std::string& parameter) {
  const std::string group = "/spectrum/" + parameter, values = group + "/singular_values";
  const auto shape = file.shape(values);
  Spectrum out;
  out.parameter = parameter;
  out.steps = file.read_integers(group + "/step");
  out.values = file.read_floats(values);
  if (shape.size() != 2 || shape[0] != out.steps.size() || out.values.size() != shape[0] * shape[1])
    throw std::runtime_error(name + ":" + values + ": found a shape that does not fit its " +
                             std::to_string(out.steps.size()) + " steps; expected [steps, rank]");
  out.rank = shape[1];
  out.shape = file.integer_attribute(values, "shape");
  out.source = attribute_or_empty(file, values, "source");
  return out;
}

void read_record(const hdf5::File& file, const std::string& name, RunRecord& record) {
  record.schema_version = read_schema(file, name);
  record.config = file.read_text("/config");
  record.config_sha256 = attribute_or_empty(file, "/config", "sha256");
  for (const auto& member : file.members("/")) {
    const std::string group = "/" + member;
    if (file.kind(group) != hdf5::Kind::group) continue;
    if (member == "provenance") {
      for (const auto& key : file.attributes(group)) record.provenance[key] = file.text_attribute(group, key);
    } else if (member == "spectrum") {
      for (const auto& parameter : file.members(group))
        record.spectra.push_back(read_spectrum(file, name, parameter));
    } else {
      read_series(file, name, group, record.series);
    }
  }
}

}  // namespace

RunRecord read_run(const std::filesystem::path& path, Seal seal) {
  const std::string name = path.string();
  std::vector<std::byte> bytes = read_bytes(path);
  RunRecord record;
  record.sealed = drop_seal(bytes, name);
  if (!record.sealed && seal == Seal::required)
    throw NoSeal(name +
                 ": found no seal at its end; expected the SHA-256 that every finished record "
                 "ends with; because the file was cut off, or written again by another program");
  const auto held = hdf5::alone();
  read_record(hdf5::File::open(bytes, name), name, record);
  return record;
}

}  // namespace isorbit::core
