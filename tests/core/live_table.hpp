// A table of a live file as bytes, read with SWMR as any reader would.
#pragma once
#include <hdf5.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace isorbit::core {

/// Rows of one of its fields, each of `bytes` bytes.
struct LiveField {
  std::size_t bytes = 0;
  std::string values;

  [[nodiscard]] std::vector<double> doubles() const { return as<double>(); }
  [[nodiscard]] std::vector<float> floats() const { return as<float>(); }
  [[nodiscard]] std::string text(std::size_t row) const { return values.substr(row * bytes, bytes).c_str(); }

 private:
  template <class T>
  [[nodiscard]] std::vector<T> as() const {
    std::vector<T> out(values.size() / sizeof(T));
    if (!out.empty()) std::memcpy(out.data(), values.data(), out.size() * sizeof(T));
    return out;
  }
};

[[nodiscard]] inline hid_t open_live(const std::filesystem::path& file) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  return H5Fopen(file.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, H5P_DEFAULT);
}

/// Of an open file; nothing where there is no such table or field, or it cannot be read.
[[nodiscard]] inline std::optional<LiveField> read_field(hid_t file, const std::string& table,
                                                         const std::string& field) {
  const hid_t set = H5Dopen2(file, table.c_str(), H5P_DEFAULT);
  if (set < 0 || H5Drefresh(set) < 0) return std::nullopt;
  const hid_t row = H5Dget_type(set), space = H5Dget_space(set);
  const int at = H5Tget_member_index(row, field.c_str());
  if (at < 0) return std::nullopt;
  const hid_t type = H5Tget_member_type(row, static_cast<unsigned>(at));
  LiveField out{H5Tget_size(type), {}};
  const hid_t one = H5Tcreate(H5T_COMPOUND, out.bytes);
  H5Tinsert(one, field.c_str(), 0, type);
  out.values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)) * out.bytes);
  const herr_t read = H5Dread(set, one, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.values.data());
  for (const hid_t made : {one, type, row}) H5Tclose(made);
  H5Sclose(space);
  H5Dclose(set);
  if (read < 0) return std::nullopt;
  return out;
}

[[nodiscard]] inline std::optional<LiveField> read_field(const std::filesystem::path& file,
                                                         const std::string& table, const std::string& field) {
  const hid_t open = open_live(file);
  if (open < 0) return std::nullopt;
  std::optional<LiveField> out = read_field(open, table, field);
  H5Fclose(open);
  return out;
}

/// The exit code of a process of its own, -1 when it died: the library shares one view of a file within a
/// process and may wait for ever for a damaged one, for which it is given `seconds`.
[[nodiscard]] inline int in_child(const std::function<int()>& body, unsigned seconds = 20) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(seconds);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace isorbit::core
