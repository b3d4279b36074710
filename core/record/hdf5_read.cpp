#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "core/record/hdf5_handle.hpp"

namespace isorbit::core::hdf5 {
namespace {

Handle open_object(hid_t file, const std::string& where, const std::string& path) {
  return {H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose, where, "open"};
}

// Bytes that a dataset may take when read: never more than 64 GiB, and no more than what is stored of it
// could hold even at deflate's best ratio (about 1:1032).
std::size_t limit_of(hid_t set) {
  constexpr std::size_t least = std::size_t{1} << 15, most = std::size_t{1} << 36;
  const auto stored = static_cast<std::size_t>(H5Dget_storage_size(set));
  return std::clamp(std::min(stored, most / 2048) * 2048, least, most);
}

constexpr std::size_t attribute_limit = std::size_t{1} << 26;

std::size_t product(std::span<const hsize_t> sizes, std::size_t element) {
  std::size_t bytes = std::max<std::size_t>(element, 1);
  for (const hsize_t size : sizes)
    if (__builtin_mul_overflow(bytes, size, &bytes)) return std::numeric_limits<std::size_t>::max();
  return bytes;
}

// Storage within the bytes of the file, in chunks of at most `limit` bytes.
void check_storage(hid_t set, std::size_t limit, const std::string& where) {
  const Handle list(H5Dget_create_plist(set), H5Pclose, where, "read the storage");
  const H5D_layout_t layout = check(H5Pget_layout(list.get()), where, "read the storage");
  if (layout == H5D_VIRTUAL || check(H5Pget_external_count(list.get()), where, "read the storage") > 0)
    throw Error(where + ": found a dataset stored in other files; expected its values in this one");
  if (layout != H5D_CHUNKED) return;
  std::array<hsize_t, H5S_MAX_RANK> chunk{};
  const int rank = check(H5Pget_chunk(list.get(), H5S_MAX_RANK, chunk.data()), where, "read the chunks");
  const Handle type(H5Dget_type(set), H5Tclose, where, "read the type");
  const std::size_t bytes =
      product(std::span(chunk).first(static_cast<std::size_t>(rank)), H5Tget_size(type.get()));
  if (bytes > limit)
    throw Error(where + ": found chunks of " + std::to_string(bytes) + " bytes; expected at most " +
                std::to_string(limit) + ": the file is damaged");
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

std::string trimmed(const char* text, std::size_t length) {
  return {text, std::find(text, text + length, '\0')};
}

void expect_text(hid_t type, const std::string& where) {
  if (H5Tget_class(type) != H5T_STRING) throw Error(where + ": found another type; expected text");
}

bool is_variable(hid_t type, const std::string& where) {
  return check(H5Tis_variable_str(type), where, "read the type") > 0;
}

Handle variable_text_like(hid_t type, const std::string& where) {
  Handle memory(H5Tcopy(H5T_C_S1), H5Tclose, where, "make a text type");
  check(H5Tset_size(memory.get(), H5T_VARIABLE), where, "make a text type");
  check(H5Tset_cset(memory.get(), H5Tget_cset(type)), where, "make a text type");
  return memory;
}

// What the library stores text of any length in: as much as is left and no more, since a thousand references
// may name one long text.
class TextMemory {
 public:
  explicit TextMemory(std::size_t bytes) : left_(bytes) {}

  static void* take(std::size_t bytes, void* memory) noexcept {
    auto& self = *static_cast<TextMemory*>(memory);
    if (bytes > self.left_) return self.spent_ = true, nullptr;
    try {
      self.texts_.push_back(std::make_unique<char[]>(bytes));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    self.left_ -= bytes;
    return self.texts_.back().get();
  }
  static void give_back(void*, void*) noexcept {}  // all of it goes with this object

  [[nodiscard]] bool spent() const { return spent_; }

 private:
  std::vector<std::unique_ptr<char[]>> texts_;
  std::size_t left_;
  bool spent_ = false;
};

herr_t keep_link(hid_t, const char* name, const H5L_info_t*, void* data) {
  static_cast<std::vector<std::string>*>(data)->emplace_back(name);
  return 0;
}

herr_t keep_attribute(hid_t, const char* name, const H5A_info_t*, void* data) {
  static_cast<std::vector<std::string>*>(data)->emplace_back(name);
  return 0;
}

}  // namespace

// Counts what is about to be read.
void File::take(std::size_t count, std::size_t element, const std::string& where) const {
  const std::array<hsize_t, 1> counts{count};
  const std::size_t bytes = product(counts, element);
  if (count > 0 && bytes > left_)
    throw Error(where + ": found " + std::to_string(bytes) + " bytes to read where " + std::to_string(left_) +
                " are left for a file of " + std::to_string(size_) + " bytes; expected fewer");
  if (count > 0) left_ -= bytes;
}

std::int64_t File::open_dataset(const std::string& path, const std::string& where) const {
  Handle set(H5Dopen2(id_, path.c_str(), H5P_DEFAULT), H5Dclose, where, "open the dataset");
  check_storage(set.get(), left_, where);
  const hid_t id = set.get();
  set.abandon();
  return id;
}

template <typename T>
std::vector<T> File::read_numbers(const std::string& path, std::int64_t memory, int expected,
                                  const char* kind) const {
  const Quiet quiet;
  const auto where = place(name_, path);
  const Handle set(open_dataset(path, where), H5Dclose, where, "open the dataset");
  const Handle type(H5Dget_type(set.get()), H5Tclose, where, "read the type");
  const Handle space(H5Dget_space(set.get()), H5Sclose, where, "read the shape");
  const H5T_class_t found = H5Tget_class(type.get());
  if (found != expected && !(expected == H5T_FLOAT && sizeof(T) == 8 && found == H5T_INTEGER))
    throw Error(where + ": found another type; expected " + kind);
  const std::size_t count = count_of(space.get(), sizeof(T), limit_of(set.get()), where);
  take(count, sizeof(T), where);
  std::vector<T> values(count);
  if (count > 0)
    check(H5Dread(set.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), where,
          "read the dataset");
  return values;
}

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
  const Handle set(open_dataset(path, where), H5Dclose, where, "open the dataset");
  const Handle space(H5Dget_space(set.get()), H5Sclose, where, "read the shape");
  const int rank = check(H5Sget_simple_extent_ndims(space.get()), where, "read the shape");
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  check(H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr), where, "read the shape");
  return {sizes.begin(), sizes.end()};
}

std::vector<double> File::read_doubles(const std::string& path) const {
  return read_numbers<double>(path, H5T_NATIVE_DOUBLE, H5T_FLOAT, "numbers");
}

std::vector<float> File::read_floats(const std::string& path) const {
  return read_numbers<float>(path, H5T_NATIVE_FLOAT, H5T_FLOAT, "floating-point numbers");
}

std::vector<std::int64_t> File::read_integers(const std::string& path) const {
  return read_numbers<std::int64_t>(path, H5T_NATIVE_INT64, H5T_INTEGER, "integers");
}

std::vector<std::string> File::read_texts(const std::string& path) const {
  const Quiet quiet;
  const auto where = place(name_, path);
  const Handle set(open_dataset(path, where), H5Dclose, where, "open the dataset");
  const Handle type(H5Dget_type(set.get()), H5Tclose, where, "read the type");
  const Handle space(H5Dget_space(set.get()), H5Sclose, where, "read the shape");
  expect_text(type.get(), where);
  const std::size_t size = H5Tget_size(type.get());
  const std::size_t count = count_of(space.get(), size, limit_of(set.get()), where);
  take(count, size + sizeof(std::string), where);
  if (count == 0) return {};
  if (is_variable(type.get(), where)) return read_variable_texts(set.get(), type.get(), count, where);
  std::vector<char> buffer(size * count);
  check(H5Dread(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer.data()), where, "read text");
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(trimmed(buffer.data() + i * size, size));
  return out;
}

std::vector<std::string> File::read_variable_texts(std::int64_t set, std::int64_t type, std::size_t count,
                                                   const std::string& where) const {
  const Handle memory = variable_text_like(type, where);
  const Handle how(H5Pcreate(H5P_DATASET_XFER), H5Pclose, where, "make properties");
  TextMemory texts(left_);
  check(H5Pset_vlen_mem_manager(how.get(), TextMemory::take, &texts, TextMemory::give_back, &texts), where,
        "count the bytes of text");
  std::vector<const char*> pointers(count, nullptr);
  const herr_t result = H5Dread(set, memory.get(), H5S_ALL, H5S_ALL, how.get(), pointers.data());
  if (texts.spent())
    throw Error(where + ": found text of more bytes than the " + std::to_string(left_) +
                " that are left for a file of " + std::to_string(size_) + " bytes; expected fewer");
  check(result, where, "read text");
  std::vector<std::string> out;
  for (const char* text : pointers) {
    out.emplace_back(text == nullptr ? "" : text);
    take(1, out.back().size() + 1, where);
  }
  return out;
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
  expect_text(type.get(), where);
  const std::size_t size = H5Tget_size(type.get());
  const std::size_t count = count_of(space.get(), size, attribute_limit, where);
  if (count != 1) throw Error(where + ": found " + std::to_string(count) + " texts; expected one");
  take(1, size, where);
  if (!is_variable(type.get(), where)) {
    std::vector<char> buffer(size);
    check(H5Aread(attribute.get(), type.get(), buffer.data()), where, "read text");
    return trimmed(buffer.data(), size);
  }
  const Handle memory = variable_text_like(type.get(), where);
  char* text = nullptr;
  check(H5Aread(attribute.get(), memory.get(), &text), where, "read text");
  const std::unique_ptr<char, herr_t (*)(void*)> held(text, H5free_memory);
  std::string out = text == nullptr ? "" : text;
  take(1, out.size() + 1, where);
  return out;
}

std::vector<std::int64_t> File::integer_attribute(const std::string& path, const std::string& name) const {
  const Quiet quiet;
  const auto where = place(name_, path + "@" + name);
  const Handle attribute(H5Aopen_by_name(id_, path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                         where, "open the attribute");
  const Handle type(H5Aget_type(attribute.get()), H5Tclose, where, "read the type");
  const Handle space(H5Aget_space(attribute.get()), H5Sclose, where, "read the shape");
  if (H5Tget_class(type.get()) != H5T_INTEGER) throw Error(where + ": found another type; expected integers");
  const std::size_t count = count_of(space.get(), sizeof(std::int64_t), attribute_limit, where);
  take(count, sizeof(std::int64_t), where);
  std::vector<std::int64_t> values(count);
  if (!values.empty())
    check(H5Aread(attribute.get(), H5T_NATIVE_INT64, values.data()), where, "read the attribute");
  return values;
}

}  // namespace isorbit::core::hdf5
