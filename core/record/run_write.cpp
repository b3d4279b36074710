// Writing a run record; the layout is in run_file.hpp.
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>

#include "core/document/digest.hpp"
#include "core/document/json_cursor.hpp"
#include "core/document/printable.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/hdf5.hpp"
#include "core/record/run_file.hpp"
#include "core/record/seal.hpp"

namespace isorbit::core {
namespace {

constexpr std::size_t kLongestAttribute = 60000;  // bytes of UTF-8

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw std::runtime_error(path + ": " + what);
}

void check_text(const std::string& path, const std::string& text) {
  if (!is_utf8(text)) fail(path, "found text that is not UTF-8");
  if (text.find('\0') != std::string::npos) fail(path, "found a zero byte in text");
}

// A value as HDF5 can hold it: UTF-8 without zero bytes, an attribute of less than 64 KiB. Paths and command
// lines may be anything, and what was trained is worth more than a byte of them.
std::string fitting(const std::string& text, std::size_t most = std::string::npos) {
  constexpr std::string_view zero("\0", 1);
  std::string out = as_utf8(text);
  for (std::size_t at = 0; (at = out.find(zero, at)) != std::string::npos;) out.replace(at, 1, "\\x00");
  if (out.size() <= most) return out;
  while (most > 0 && (static_cast<unsigned char>(out[most]) & 0xC0U) == 0x80U) --most;
  return out.substr(0, most) + "... (" + std::to_string(out.size()) + " bytes)";
}

void check_name(const std::string& path, const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    fail(path,
         "found the name \"" + name + "\"; expected text without \"/\" that is not empty, \".\" or \"..\"");
  check_text(path, name);
}

// Each part of a series' path is a name; the places of the fixed parts of the layout are taken.
void check_path(const std::string& path) {
  std::size_t begin = 0;
  for (bool last = false; !last;) {
    const std::size_t end = path.find('/', begin);
    last = end == std::string::npos;
    const std::string part = path.substr(begin, last ? end : end - begin);
    check_name("/" + path, part);
    if (begin == 0 && (part == "config" || part == "provenance" || part == "spectrum"))
      fail("/" + path, "found a series where the layout has its own; expected another name");
    begin = end + 1;
  }
}

// NaN in one form, so that equal records give equal bytes whatever made the NaN.
template <typename T>
std::vector<T> one_nan(const std::vector<T>& values) {
  std::vector<T> out = values;
  for (T& x : out)
    if (std::isnan(x)) x = std::numeric_limits<T>::quiet_NaN();
  return out;
}

void write_values(hdf5::File& file, const std::string& path, const Values& values) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&values)) {
    file.write(path, std::span<const double>(one_nan(*numbers)));
  } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&values)) {
    file.write(path, std::span<const std::int64_t>(*integers));
  } else {
    std::vector<std::string> texts = std::get<std::vector<std::string>>(values);
    for (std::string& text : texts) text = fitting(text);
    file.write(path, std::span<const std::string>(texts));
  }
}

void write_series(hdf5::File& file, const Series& series) {
  check_path(series.path);
  const std::string group = "/" + series.path;
  file.make_group(group);
  for (const Column& column : series.columns) {
    check_name(group, column.name);
    if (column.size() != series.columns[0].size())
      fail(group, "column \"" + column.name + "\" has " + std::to_string(column.size()) + " rows and \"" +
                      series.columns[0].name + "\" has " + std::to_string(series.columns[0].size()) +
                      "; expected equal lengths");
    const std::string path = group + "/" + column.name;
    write_values(file, path, column.values);
    if (!column.unit.empty()) file.set_attribute(path, "units", column.unit);
    if (!column.long_name.empty()) file.set_attribute(path, "long_name", column.long_name);
    const std::string axis = group + "/" + series.columns[0].name;
    if (path == axis)
      file.make_scale(axis, column.name);
    else
      file.attach_scale(path, axis, 0);
  }
}

void write_spectrum(hdf5::File& file, const Spectrum& spectrum) {
  check_name("/spectrum", spectrum.parameter);
  const std::string group = "/spectrum/" + spectrum.parameter;
  if (spectrum.values.size() != spectrum.steps.size() * spectrum.rank)
    fail(group, "found " + std::to_string(spectrum.values.size()) + " singular values; expected " +
                    std::to_string(spectrum.steps.size()) + " steps of " + std::to_string(spectrum.rank));
  file.make_group(group);
  std::vector<std::int64_t> ranks(spectrum.rank);
  std::iota(ranks.begin(), ranks.end(), 0);
  file.write(group + "/step", std::span<const std::int64_t>(spectrum.steps));
  file.write(group + "/rank", std::span<const std::int64_t>(ranks));
  file.make_scale(group + "/step", "step");
  file.make_scale(group + "/rank", "rank");
  const std::string values = group + "/singular_values";
  file.write_matrix(values, one_nan(spectrum.values), spectrum.rank);
  file.attach_scale(values, group + "/step", 0);
  file.attach_scale(values, group + "/rank", 1);
  file.set_attribute(values, "shape", std::span<const std::int64_t>(spectrum.shape));
  file.set_attribute(values, "source", spectrum.source);
  file.set_attribute(values, "long_name", "singular values, descending");
}

void write_record(hdf5::File& file, const RunRecord& record) {
  file.set_attribute("/", "title", "Isorbit run");
  file.set_attribute("/", "Conventions", "Isorbit-1.0");
  file.set_attribute("/", "schema_version", record.schema_version);
  check_text("/config", record.config);
  file.write_text("/config", record.config);
  file.set_attribute("/config", "sha256",
                     record.config_sha256.empty() ? sha256_hex(record.config) : record.config_sha256);
  file.set_attribute("/config", "encoding-type", "json");
  file.make_group("/provenance");
  for (const auto& [name, value] : record.provenance) {
    check_text("/provenance", name);
    file.set_attribute("/provenance", name, fitting(value, kLongestAttribute));
  }
  for (const Series& series : record.series) write_series(file, series);
  for (const Spectrum& spectrum : record.spectra) write_spectrum(file, spectrum);
}

}  // namespace

void write_run(const std::filesystem::path& file, const RunRecord& record) {
  std::vector<std::byte> bytes;
  try {
    const auto held = hdf5::alone();
    hdf5::File out = hdf5::File::create(file.string());
    write_record(out, record);
    bytes = out.finish();
  } catch (const hdf5::Error&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(file.string() + ": cannot write the record: " + error.what());
  }
  add_seal(bytes);
  write_durably(file, bytes);
}

}  // namespace isorbit::core
