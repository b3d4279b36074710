// HDF5 by its C API, with handles that close themselves and errors that name file and path.
//
// A file is made and read in memory, so that the library itself never meets a disk: what it refuses is wrong
// with the bytes, whatever their file system can do, and files are read and written as all others are.
// Nothing outside the bytes is followed (links, external or virtual storage), and what is read of them is
// counted: a small file that holds large ones is refused.
//
// No time stamps are stored, so equal contents give equal files. Numeric columns and matrices that are not
// empty are chunked, with shuffle, deflate 4 and fletcher32: a damaged chunk is an error when read, never a
// wrong number.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace isorbit::core::hdf5 {

/// Its text is `file:/path: what failed (the library's own reason)`.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Holds the library for the calling thread: not every build of HDF5 may be entered by two at once.
[[nodiscard]] std::unique_lock<std::mutex> alone();

enum class Kind { group, doubles, floats, integers, texts, other };

/// One open file. Paths are absolute ("/train/loss"); groups on the way are made when a dataset is written.
class File {
 public:
  /// Begins a new file, called so in errors.
  [[nodiscard]] static File create(std::string name);
  /// Opens these bytes for reading; `name` stands in errors.
  [[nodiscard]] static File open(std::span<const std::byte> bytes, std::string name);
  /// The same of a file's bytes. Throws std::system_error where they cannot be read.
  [[nodiscard]] static File open(const std::filesystem::path& file);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  /// The bytes of a file that was begun; it is closed.
  [[nodiscard]] std::vector<std::byte> finish();

  /// Makes a group that remembers the order in which its members are made.
  void make_group(const std::string& path);
  void write(const std::string& path, std::span<const double> column);
  void write(const std::string& path, std::span<const std::int64_t> column);
  /// Fixed-length UTF-8, padded with zeros to the longest.
  void write(const std::string& path, std::span<const std::string> column);
  /// A row-major matrix [values.size() / cols, cols].
  void write_matrix(const std::string& path, std::span<const float> values, std::size_t cols);
  /// A scalar of variable-length UTF-8.
  void write_text(const std::string& path, std::string_view text);

  void set_attribute(const std::string& path, const std::string& name, std::string_view value);
  void set_attribute(const std::string& path, const std::string& name, std::int64_t value);
  void set_attribute(const std::string& path, const std::string& name, std::span<const std::int64_t> value);

  /// Makes the 1-D dataset `path` a dimension scale called `name`.
  void make_scale(const std::string& path, const std::string& name);
  /// Attaches `scale` to `axis` of `dataset`.
  void attach_scale(const std::string& dataset, const std::string& scale, unsigned axis);

  [[nodiscard]] bool exists(const std::string& path) const;
  [[nodiscard]] Kind kind(const std::string& path) const;
  /// Names of the members of a group: in the order made where the group remembers it, sorted otherwise.
  [[nodiscard]] std::vector<std::string> members(const std::string& group) const;
  [[nodiscard]] std::vector<std::size_t> shape(const std::string& dataset) const;
  [[nodiscard]] std::vector<double> read_doubles(const std::string& path) const;
  [[nodiscard]] std::vector<float> read_floats(const std::string& path) const;
  [[nodiscard]] std::vector<std::int64_t> read_integers(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> read_texts(const std::string& path) const;
  [[nodiscard]] std::string read_text(const std::string& path) const;

  /// Names of the attributes, sorted.
  [[nodiscard]] std::vector<std::string> attributes(const std::string& path) const;
  [[nodiscard]] bool has_attribute(const std::string& path, const std::string& name) const;
  [[nodiscard]] std::string text_attribute(const std::string& path, const std::string& name) const;
  [[nodiscard]] std::vector<std::int64_t> integer_attribute(const std::string& path,
                                                            const std::string& name) const;

 private:
  File(std::int64_t id, std::string name) : id_(id), name_(std::move(name)) {}

  void take(std::size_t count, std::size_t element, const std::string& where) const;
  [[nodiscard]] std::int64_t open_dataset(const std::string& path, const std::string& where) const;
  template <typename T>
  [[nodiscard]] std::vector<T> read_numbers(const std::string& path, std::int64_t memory, int expected,
                                            const char* kind) const;
  [[nodiscard]] std::vector<std::string> read_variable_texts(std::int64_t set, std::int64_t type,
                                                             std::size_t count,
                                                             const std::string& where) const;

  std::int64_t id_ = -1;
  std::string name_;
  std::size_t size_ = 0;          // bytes that were opened
  mutable std::size_t left_ = 0;  // bytes that may still be read out of them
};

}  // namespace isorbit::core::hdf5
