#include <algorithm>
#include <limits>
#include <memory>

#include "core/record/hdf5_handle.hpp"

namespace isorbit::core::hdf5 {
namespace {

Handle open_dataset(hid_t file, const std::string& where, const std::string& path) {
  return {H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose, where, "open the dataset"};
}

Handle open_object(hid_t file, const std::string& where, const std::string& path) {
  return {H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose, where, "open"};
}

// Elements of a data space; refuses more than fit in `limit` bytes, which only a damaged or hostile file
// claims.
std::size_t count_of(hid_t space, std::size_t element, std::size_t limit, const std::string& where) {
  const auto count =
      static_cast<std::size_t>(check(H5Sget_simple_extent_npoints(space), where, "count the elements"));
  if (count > limit / std::max<std::size_t>(element, 1))
    throw Error(where + ": found " + std::to_string(count) + " elements; expected at most " +
                std::to_string(limit) + " bytes of them: the file is damaged");
  return count;
}

// Bytes that a dataset may take when read: never more than 64 GiB, and no more than what is stored of it
// could hold even at deflate's best ratio (about 1:1032).
std::size_t limit_of(hid_t set) {
  constexpr std::size_t least = std::size_t{1} << 15, most = std::size_t{1} << 36;
  const auto stored = static_cast<std::size_t>(H5Dget_storage_size(set));
  return std::clamp(std::min(stored, most / 2048) * 2048, least, most);
}

constexpr std::size_t attribute_limit = std::size_t{1} << 26;

template <typename T>
std::vector<T> read_numbers(hid_t file, const std::string& name, const std::string& path, hid_t memory,
                            H5T_class_t expected, const char* kind) {
  const Quiet quiet;
  const auto where = place(name, path);
  const Handle set = open_dataset(file, where, path);
  const Handle type(H5Dget_type(set.get()), H5Tclose, where, "read the type");
  const Handle space(H5Dget_space(set.get()), H5Sclose, where, "read the shape");
  const H5T_class_t found = H5Tget_class(type.get());
  if (found != expected && !(expected == H5T_FLOAT && sizeof(T) == 8 && found == H5T_INTEGER))
    throw Error(where + ": found another type; expected " + kind);
  const std::size_t count = count_of(space.get(), sizeof(T), limit_of(set.get()), where);
  std::vector<T> values(count);
  if (count > 0)
    check(H5Dread(set.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), where,
          "read the dataset");
  return values;
}

std::string trimmed(const char* text, std::size_t length) {
  return {text, std::find(text, text + length, '\0')};
}

// Reads text through `read(type, buffer)`, fixed or variable length, of a dataset or an attribute.
template <typename Read>
std::vector<std::string> read_strings(hid_t type, hid_t space, std::size_t limit, const std::string& where,
                                      Read read) {
  if (H5Tget_class(type) != H5T_STRING) throw Error(where + ": found another type; expected text");
  const std::size_t size = H5Tget_size(type);
  const std::size_t count = count_of(space, size, limit, where);
  std::vector<std::string> out;
  if (count == 0) return out;
  if (check(H5Tis_variable_str(type), where, "read the type") > 0) {
    const Handle memory(H5Tcopy(H5T_C_S1), H5Tclose, where, "make a text type");
    check(H5Tset_size(memory.get(), H5T_VARIABLE), where, "make a text type");
    check(H5Tset_cset(memory.get(), H5Tget_cset(type)), where, "make a text type");
    std::vector<char*> pointers(count, nullptr);
    const herr_t result = read(memory.get(), static_cast<void*>(pointers.data()));
    const std::string why = result < 0 ? reason() : std::string();
    for (char* pointer : pointers) {
      if (pointer != nullptr)
        out.emplace_back(pointer);
      else
        out.emplace_back();
      if (pointer != nullptr) H5free_memory(pointer);
    }
    if (result < 0) throw Error(where + ": cannot read text" + why);
    return out;
  }
  std::vector<char> buffer(size * count);
  check(read(type, static_cast<void*>(buffer.data())), where, "read text");
  for (std::size_t i = 0; i < count; ++i) out.push_back(trimmed(buffer.data() + i * size, size));
  return out;
}

herr_t keep_link(hid_t, const char* name, const H5L_info_t*, void* data) {
  static_cast<std::vector<std::string>*>(data)->emplace_back(name);
  return 0;
}

herr_t keep_attribute(hid_t, const char* name, const H5A_info_t*, void* data) {
  static_cast<std::vector<std::string>*>(data)->emplace_back(name);
  return 0;
}

}  // namespace

bool File::exists(const std::string& path) const {
  const Quiet quiet;
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (part != "/" && H5Lexists(id_, part.c_str(), H5P_DEFAULT) <= 0) return false;
    if (end == std::string::npos) break;
  }
  return H5Oexists_by_name(id_, path.c_str(), H5P_DEFAULT) > 0;
}

Kind File::kind(const std::string& path) const {
  const Quiet quiet;
  const auto where = place(name_, path);
  const Handle object = open_object(id_, where, path);
  const H5I_type_t what = H5Iget_type(object.get());
  if (what == H5I_GROUP) return Kind::group;
  if (what != H5I_DATASET) return Kind::other;
  const Handle type(H5Dget_type(object.get()), H5Tclose, where, "read the type");
  const std::size_t size = H5Tget_size(type.get());
  switch (H5Tget_class(type.get())) {
    case H5T_FLOAT:
      return size == 4 ? Kind::floats : Kind::doubles;
    case H5T_INTEGER:
      return Kind::integers;
    case H5T_STRING:
      return Kind::texts;
    default:
      return Kind::other;
  }
}

std::vector<std::string> File::members(const std::string& path) const {
  const Quiet quiet;
  const auto where = place(name_, path);
  const Handle group(H5Gopen2(id_, path.c_str(), H5P_DEFAULT), H5Gclose, where, "open the group");
  const Handle list(H5Gget_create_plist(group.get()), H5Pclose, where, "list the group");
  unsigned order = 0;
  check(H5Pget_link_creation_order(list.get(), &order), where, "list the group");
  const bool ordered = (order & H5P_CRT_ORDER_TRACKED) != 0;
  std::vector<std::string> names;
  check(H5Literate(group.get(), ordered ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME, H5_ITER_INC, nullptr, keep_link,
                   &names),
        where, "list the group");
  return names;
}

std::vector<std::size_t> File::shape(const std::string& path) const {
  const Quiet quiet;
  const auto where = place(name_, path);
  const Handle set = open_dataset(id_, where, path);
  const Handle space(H5Dget_space(set.get()), H5Sclose, where, "read the shape");
  const int rank = check(H5Sget_simple_extent_ndims(space.get()), where, "read the shape");
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  check(H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr), where, "read the shape");
  return {sizes.begin(), sizes.end()};
}

std::vector<double> File::read_doubles(const std::string& path) const {
  return read_numbers<double>(id_, name_, path, H5T_NATIVE_DOUBLE, H5T_FLOAT, "numbers");
}

std::vector<float> File::read_floats(const std::string& path) const {
  return read_numbers<float>(id_, name_, path, H5T_NATIVE_FLOAT, H5T_FLOAT, "floating-point numbers");
}

std::vector<std::int64_t> File::read_integers(const std::string& path) const {
  return read_numbers<std::int64_t>(id_, name_, path, H5T_NATIVE_INT64, H5T_INTEGER, "integers");
}

std::vector<std::string> File::read_texts(const std::string& path) const {
  const Quiet quiet;
  const auto where = place(name_, path);
  const Handle set = open_dataset(id_, where, path);
  const Handle type(H5Dget_type(set.get()), H5Tclose, where, "read the type");
  const Handle space(H5Dget_space(set.get()), H5Sclose, where, "read the shape");
  return read_strings(type.get(), space.get(), limit_of(set.get()), where, [&](hid_t memory, void* buffer) {
    return H5Dread(set.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer);
  });
}

std::string File::read_text(const std::string& path) const {
  auto texts = read_texts(path);
  if (texts.size() != 1)
    throw Error(place(name_, path) + ": found " + std::to_string(texts.size()) + " texts; expected one");
  return std::move(texts[0]);
}

std::vector<std::string> File::attributes(const std::string& path) const {
  const Quiet quiet;
  const auto where = place(name_, path);
  const Handle object = open_object(id_, where, path);
  std::vector<std::string> names;
  check(H5Aiterate2(object.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep_attribute, &names), where,
        "list the attributes");
  std::sort(names.begin(), names.end());
  return names;
}

bool File::has_attribute(const std::string& path, const std::string& name) const {
  const Quiet quiet;
  return H5Aexists_by_name(id_, path.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::string File::text_attribute(const std::string& path, const std::string& name) const {
  const Quiet quiet;
  const auto where = place(name_, path + "@" + name);
  const Handle attribute(H5Aopen_by_name(id_, path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                         where, "open the attribute");
  const Handle type(H5Aget_type(attribute.get()), H5Tclose, where, "read the type");
  const Handle space(H5Aget_space(attribute.get()), H5Sclose, where, "read the shape");
  auto texts = read_strings(type.get(), space.get(), attribute_limit, where, [&](hid_t memory, void* buffer) {
    return H5Aread(attribute.get(), memory, buffer);
  });
  if (texts.size() != 1)
    throw Error(where + ": found " + std::to_string(texts.size()) + " texts; expected one");
  return std::move(texts[0]);
}

std::vector<std::int64_t> File::integer_attribute(const std::string& path, const std::string& name) const {
  const Quiet quiet;
  const auto where = place(name_, path + "@" + name);
  const Handle attribute(H5Aopen_by_name(id_, path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                         where, "open the attribute");
  const Handle type(H5Aget_type(attribute.get()), H5Tclose, where, "read the type");
  const Handle space(H5Aget_space(attribute.get()), H5Sclose, where, "read the shape");
  if (H5Tget_class(type.get()) != H5T_INTEGER) throw Error(where + ": found another type; expected integers");
  std::vector<std::int64_t> values(count_of(space.get(), sizeof(std::int64_t), attribute_limit, where));
  if (!values.empty())
    check(H5Aread(attribute.get(), H5T_NATIVE_INT64, values.data()), where, "read the attribute");
  return values;
}

}  // namespace isorbit::core::hdf5
