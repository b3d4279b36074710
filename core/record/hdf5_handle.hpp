// What the HDF5 sources share: handles, silence, and errors with the library's own reason. Not for other
// files.
#pragma once
#include <hdf5.h>

#include <string>
#include <utility>

#include "core/record/hdf5.hpp"

namespace isorbit::core::hdf5 {

/// Keeps the library from printing its error stack while in scope, in this thread.
class Quiet {
 public:
  Quiet() {
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Quiet() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

/// Throws what the error stack says, `where: cannot what (the innermost reason)`: an Error, or std::bad_alloc
/// when the library found no memory.
[[noreturn]] void fail(const std::string& where, const char* what);

/// An identifier that closes itself. Construction from a negative identifier throws, with `what` failed at
/// `where`.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close, const std::string& where, const char* what) : id_(id), close_(close) {
    if (id_ < 0) fail(where, what);
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  [[nodiscard]] hid_t get() const { return id_; }
  /// Closes it never.
  void abandon() { id_ = -1; }

 private:
  hid_t id_;
  Close close_;
};

/// Throws when `result` is negative.
template <typename T>
T check(T result, const std::string& where, const char* what) {
  if (result < 0) fail(where, what);
  return result;
}

/// Refuses what no file of ours holds and what leads out of it or in circles: links that are not hard, a
/// second name of an object, groups nested too deeply. Throws Error naming the link.
void check_links(hid_t file, const std::string& name);

/// Properties of a new object of that class (H5P_DATASET_CREATE, ...): no time stamps.
[[nodiscard]] Handle creation(hid_t kind, const std::string& where);
/// Properties of a link: groups on the way are made by themselves, names are UTF-8.
[[nodiscard]] Handle links(const std::string& where);
/// UTF-8 of `length` bytes padded with zeros, or of any length with H5T_VARIABLE.
[[nodiscard]] Handle text_type(std::size_t length, const std::string& where);

/// `file:/path`, as errors begin.
[[nodiscard]] inline std::string place(const std::string& file, const std::string& path) {
  return file + ":" + path;
}

}  // namespace isorbit::core::hdf5
