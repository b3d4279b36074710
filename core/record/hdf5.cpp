#include "core/record/hdf5.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <new>

#include "core/record/durable_file.hpp"
#include "core/record/hdf5_handle.hpp"

namespace isorbit::core::hdf5 {
namespace {

// At exit the library would write again what it could not write before, and crash over it. Files are closed
// by those who opened them.
[[maybe_unused]] const herr_t no_end_at_exit = H5dont_atexit();

// The last entry of a walk, which is the innermost.
struct Innermost {
  std::string text;
  bool no_memory = false;
};

herr_t keep_entry(unsigned, const H5E_error2_t* entry, void* data) {
  auto& last = *static_cast<Innermost*>(data);
  last.text = entry->desc == nullptr ? "" : entry->desc;
  last.no_memory = entry->maj_num == H5E_RESOURCE && entry->min_num == H5E_NOSPACE &&
                   last.text.find("memory") != std::string::npos;
  return 0;
}

// One that no file can have, since the library looks for a file first, and that no other open file has.
std::string nowhere() {
  static std::atomic<unsigned> count{0};
  return "/dev/null/" + std::to_string(count++);
}

// Properties of a file of memory alone.
Handle in_memory(const std::string& name) {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, name, "make properties");
  check(H5Pset_fapl_core(access.get(), std::size_t{1} << 20, false), name, "stay in memory");
  return access;
}

hid_t make_file(const std::string& name) {
  const Handle list(H5Pcreate(H5P_FILE_CREATE), H5Pclose, name, "make properties");
  check(H5Pset_obj_track_times(list.get(), false), name, "turn off time stamps");
  return check(H5Fcreate(nowhere().c_str(), H5F_ACC_EXCL, list.get(), in_memory(name).get()), name, "create");
}

// Chunks of about 64 KiB with shuffle, deflate and a checksum; nothing for empty data, which HDF5 cannot
// chunk.
void set_chunks(hid_t list, std::span<const hsize_t> shape, std::size_t element, bool shuffle,
                const std::string& where) {
  if (std::find(shape.begin(), shape.end(), hsize_t{0}) != shape.end()) return;
  std::vector<hsize_t> chunk(shape.begin(), shape.end());
  const hsize_t row = shape.size() == 2 ? shape[1] * element : element;
  chunk[0] = std::clamp<hsize_t>(65536 / row, 1, shape[0]);
  check(H5Pset_chunk(list, static_cast<int>(chunk.size()), chunk.data()), where, "set chunks");
  if (shuffle) check(H5Pset_shuffle(list), where, "set shuffle");
  check(H5Pset_deflate(list, 4), where, "set deflate");
  check(H5Pset_fletcher32(list), where, "set the checksum");
}

void write_array(hid_t file, const std::string& where, const std::string& path, hid_t stored, hid_t memory,
                 std::span<const hsize_t> shape, const void* data) {
  const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose, where,
                     "make a data space");
  const Handle list = creation(H5P_DATASET_CREATE, where);
  set_chunks(list.get(), shape, H5Tget_size(stored), H5Tget_class(stored) != H5T_STRING, where);
  const Handle set(
      H5Dcreate2(file, path.c_str(), stored, space.get(), links(where).get(), list.get(), H5P_DEFAULT),
      H5Dclose, where, "create the dataset");
  check(H5Dwrite(set.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), where, "write the dataset");
}

void write_attribute(hid_t file, const std::string& where, const std::string& path, const std::string& name,
                     hid_t type, const Handle& space, const void* data) {
  const Handle object(H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose, where, "open");
  const Handle list(H5Pcreate(H5P_ATTRIBUTE_CREATE), H5Pclose, where, "make properties");
  check(H5Pset_char_encoding(list.get(), H5T_CSET_UTF8), where, "use UTF-8 names");
  const Handle attribute(H5Acreate2(object.get(), name.c_str(), type, space.get(), list.get(), H5P_DEFAULT),
                         H5Aclose, where, "create the attribute");
  check(H5Awrite(attribute.get(), type, data), where, "write the attribute");
}

}  // namespace

std::unique_lock<std::mutex> alone() {
  static std::mutex library;  // of the process, as the library's own state is
  return std::unique_lock(library);
}

void fail(const std::string& where, const char* what) {
  Innermost last;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_entry, &last);
  if (last.no_memory) throw std::bad_alloc();
  std::string& text = last.text;
  const std::string_view before = "error message = '";  // of the system, among much else
  if (const std::size_t at = text.find(before); at != std::string::npos) {
    text.erase(0, at + before.size());
    text.resize(std::min(text.find('\''), text.size()));
  }
  throw Error(where + ": cannot " + what + (text.empty() ? text : " (" + text + ")"));
}

Handle creation(hid_t kind, const std::string& where) {
  Handle list(H5Pcreate(kind), H5Pclose, where, "make properties");
  check(H5Pset_obj_track_times(list.get(), false), where, "turn off time stamps");
  return list;
}

Handle links(const std::string& where) {
  Handle list(H5Pcreate(H5P_LINK_CREATE), H5Pclose, where, "make properties");
  check(H5Pset_create_intermediate_group(list.get(), 1), where, "make groups on the way");
  check(H5Pset_char_encoding(list.get(), H5T_CSET_UTF8), where, "use UTF-8 names");
  return list;
}

Handle text_type(std::size_t length, const std::string& where) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, where, "make a text type");
  check(H5Tset_size(type.get(), length), where, "set the length of text");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), where, "set UTF-8");
  if (length != H5T_VARIABLE)
    check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), where, "set the padding of text");
  return type;
}

File File::create(std::string name) {
  const Quiet quiet;
  const hid_t id = make_file(name);
  return {id, std::move(name)};
}

File File::open(std::span<const std::byte> bytes, std::string name) {
  const Quiet quiet;
  File file(-1, std::move(name));
  file.size_ = bytes.size();
  file.left_ = (std::size_t{64} << 20) + 64 * file.size_;
  if (bytes.empty()) throw Error(file.name_ + ": cannot open as HDF5 (it is empty)");
  const Handle access = in_memory(file.name_);
  check(H5Pset_file_image(access.get(), const_cast<std::byte*>(bytes.data()), bytes.size()), file.name_,
        "read its bytes");  // which copies them
  file.id_ = check(H5Fopen(nowhere().c_str(), H5F_ACC_RDONLY, access.get()), file.name_, "open as HDF5");
  check_links(file.id_, file.name_);
  return file;
}

File File::open(const std::filesystem::path& file) { return open(read_bytes(file), file.string()); }

File::~File() {
  const Quiet quiet;
  if (id_ >= 0) H5Fclose(id_);
}

File::File(File&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      name_(std::move(other.name_)),
      size_(other.size_),
      left_(other.left_) {}

File& File::operator=(File&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(name_, other.name_);
  std::swap(size_, other.size_);
  std::swap(left_, other.left_);
  return *this;
}

std::vector<std::byte> File::finish() {
  const Quiet quiet;
  check(H5Fflush(id_, H5F_SCOPE_GLOBAL), name_, "flush");
  const auto size = check(H5Fget_file_image(id_, nullptr, 0), name_, "measure");
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  check(H5Fget_file_image(id_, bytes.data(), bytes.size()), name_, "copy");
  check(H5Fclose(std::exchange(id_, -1)), name_, "close");
  return bytes;
}

void File::make_group(const std::string& path) {
  const Quiet quiet;
  const auto where = place(name_, path);
  const Handle list = creation(H5P_GROUP_CREATE, where);
  check(H5Pset_link_creation_order(list.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED), where,
        "keep the order of members");
  const Handle group(H5Gcreate2(id_, path.c_str(), links(where).get(), list.get(), H5P_DEFAULT), H5Gclose,
                     where, "create the group");
}

void File::write(const std::string& path, std::span<const double> column) {
  const Quiet quiet;
  const std::array<hsize_t, 1> shape{column.size()};
  write_array(id_, place(name_, path), path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, shape, column.data());
}

void File::write(const std::string& path, std::span<const std::int64_t> column) {
  const Quiet quiet;
  const std::array<hsize_t, 1> shape{column.size()};
  write_array(id_, place(name_, path), path, H5T_STD_I64LE, H5T_NATIVE_INT64, shape, column.data());
}

void File::write(const std::string& path, std::span<const std::string> column) {
  const Quiet quiet;
  const auto where = place(name_, path);
  std::size_t length = 1;
  for (const auto& text : column) length = std::max(length, text.size());
  std::string packed(length * column.size(), '\0');
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column[i].find('\0') != std::string::npos)
      throw Error(where + ": cannot write row " + std::to_string(i) + ": found a zero byte in its text");
    packed.replace(i * length, column[i].size(), column[i]);
  }
  const Handle type = text_type(length, where);
  const std::array<hsize_t, 1> shape{column.size()};
  write_array(id_, where, path, type.get(), type.get(), shape, packed.data());
}

void File::write_matrix(const std::string& path, std::span<const float> values, std::size_t cols) {
  const Quiet quiet;
  const auto where = place(name_, path);
  if (cols == 0 ? !values.empty() : values.size() % cols != 0)
    throw Error(where + ": found " + std::to_string(values.size()) + " values; expected a multiple of " +
                std::to_string(cols));
  const std::array<hsize_t, 2> shape{cols == 0 ? 0 : values.size() / cols, cols};
  write_array(id_, where, path, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, shape, values.data());
}

void File::write_text(const std::string& path, std::string_view text) {
  const Quiet quiet;
  const auto where = place(name_, path);
  if (text.find('\0') != std::string_view::npos)
    throw Error(where + ": cannot write: found a zero byte in the text");
  const Handle type = text_type(H5T_VARIABLE, where);
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, where, "make a data space");
  const Handle list = creation(H5P_DATASET_CREATE, where);
  const Handle set(
      H5Dcreate2(id_, path.c_str(), type.get(), space.get(), links(where).get(), list.get(), H5P_DEFAULT),
      H5Dclose, where, "create the dataset");
  const std::string copy(text);
  const char* pointer = copy.c_str();
  check(H5Dwrite(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &pointer), where, "write the dataset");
}

void File::set_attribute(const std::string& path, const std::string& name, std::string_view value) {
  const Quiet quiet;
  const auto where = place(name_, path + "@" + name);
  if (value.size() >= 64000 || value.find('\0') != std::string_view::npos)
    throw Error(where + ": found " + std::to_string(value.size()) +
                " bytes of text; expected less than 64000 and no zero byte");
  const Handle type = text_type(H5T_VARIABLE, where);  // h5py gives it as str, fixed length as bytes
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, where, "make a data space");
  const std::string copy(value);
  const char* pointer = copy.c_str();
  write_attribute(id_, where, path, name, type.get(), space, &pointer);
}

void File::set_attribute(const std::string& path, const std::string& name, std::int64_t value) {
  const Quiet quiet;
  const auto where = place(name_, path + "@" + name);
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, where, "make a data space");
  write_attribute(id_, where, path, name, H5T_NATIVE_INT64, space, &value);
}

void File::set_attribute(const std::string& path, const std::string& name,
                         std::span<const std::int64_t> value) {
  const Quiet quiet;
  const auto where = place(name_, path + "@" + name);
  const hsize_t count = value.size();
  const Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose, where, "make a data space");
  write_attribute(id_, where, path, name, H5T_NATIVE_INT64, space, value.data());
}

void File::make_scale(const std::string& path, const std::string& name) {
  const Quiet quiet;
  const auto where = place(name_, path);
  const Handle set(H5Dopen2(id_, path.c_str(), H5P_DEFAULT), H5Dclose, where, "open the dataset");
  check(H5DSset_scale(set.get(), name.c_str()), where, "make a dimension scale");
}

void File::attach_scale(const std::string& dataset, const std::string& scale, unsigned axis) {
  const Quiet quiet;
  const auto where = place(name_, dataset);
  const Handle set(H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT), H5Dclose, where, "open the dataset");
  const Handle of(H5Dopen2(id_, scale.c_str(), H5P_DEFAULT), H5Dclose, where, "open the scale");
  check(H5DSattach_scale(set.get(), of.get(), axis), where, "attach the dimension scale");
}

}  // namespace isorbit::core::hdf5
