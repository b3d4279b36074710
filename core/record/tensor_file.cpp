#include "core/record/tensor_file.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <stdexcept>

#include "core/document/json.hpp"
#include "core/document/problem.hpp"
#include "core/record/durable_file.hpp"

namespace isorbit::core {
namespace {

struct TypeName {
  TensorType type;
  std::string_view name;
  std::size_t size;
};
constexpr std::array<TypeName, 5> type_names = {{{TensorType::f32, "F32", 4},
                                                 {TensorType::f64, "F64", 8},
                                                 {TensorType::i32, "I32", 4},
                                                 {TensorType::i64, "I64", 8},
                                                 {TensorType::u8, "U8", 1}}};
constexpr std::size_t largest_header = 100'000'000;

const TypeName& row_of(TensorType type) {
  return *std::find_if(type_names.begin(), type_names.end(), [&](const auto& t) { return t.type == type; });
}

// Bytes of a tensor, or nothing when a dimension is negative or the product overflows.
std::optional<std::uint64_t> bytes_of(std::span<const std::int64_t> shape, TensorType type) {
  std::uint64_t bytes = size_of(type);
  for (const std::int64_t d : shape) {
    if (d < 0) return std::nullopt;
    const auto n = static_cast<std::uint64_t>(d);
    if (n != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / n) return std::nullopt;
    bytes *= n;
  }
  return bytes;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  return Json(std::vector(shape.begin(), shape.end())).dump();
}

void check_to_write(std::span<const TensorView> tensors) {
  std::set<std::string_view> names;
  for (const auto& t : tensors) {
    if (t.name == "__metadata__" || !names.insert(t.name).second)
      throw std::invalid_argument("tensor \"" + t.name +
                                  "\": found a reserved or repeated name; expected each once");
    if (bytes_of(t.shape, t.type) != t.data.size())
      throw std::invalid_argument("tensor \"" + t.name + "\": found " + std::to_string(t.data.size()) +
                                  " bytes, which do not fit " + std::string(row_of(t.type).name) +
                                  " of shape " + shape_text(t.shape));
  }
}

std::string header_of(std::span<const TensorView> tensors,
                      const std::map<std::string, std::string>& metadata) {
  Json header = {{"__metadata__", metadata}};
  std::uint64_t offset = 0;
  for (const auto& t : tensors) {
    header[t.name] = {{"dtype", row_of(t.type).name},
                      {"shape", t.shape},
                      {"data_offsets", {offset, offset + t.data.size()}}};
    offset += t.data.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& error) {
    throw std::invalid_argument(std::string("a tensor name or metadata is not UTF-8: ") + error.what());
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

/// Reads one file; every member throws an error that names it.
class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  TensorFile parse() {
    const Json header = read_header();
    TensorFile file;
    for (const auto& [key, value] : header.items()) {
      if (key == "__metadata__")
        read_metadata(value, file);
      else
        read_entry(key, value);
    }
    check_cover();
    const auto digest = file.metadata.find("sha256");
    if (digest != file.metadata.end() && digest->second != sha256_of(data_))
      fail("the data does not have the SHA-256 recorded in the header: the file is damaged");
    for (auto& entry : entries_) {
      const auto piece = data_.subspan(entry.begin, entry.end - entry.begin);
      entry.tensor.data.assign(piece.begin(), piece.end());
      file.tensors.push_back(std::move(entry.tensor));
    }
    return file;
  }

 private:
  struct Entry {
    Tensor tensor;
    std::uint64_t begin = 0, end = 0;
  };

  [[noreturn]] void fail(const std::string& what) const { throw std::runtime_error(name_ + ": " + what); }

  Json read_header() {
    if (bytes_.size() < 8)
      fail("found " + std::to_string(bytes_.size()) + " bytes; expected a header length of 8 bytes first");
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) length |= std::to_integer<std::uint64_t>(bytes_[i]) << (8 * i);
    if (length > bytes_.size() - 8 || length > largest_header)
      fail("found a header length of " + std::to_string(length) + "; expected at most " +
           std::to_string(std::min(bytes_.size() - 8, largest_header)) +
           ": cut off, or not a safetensors file");
    const auto* first = reinterpret_cast<const char*>(bytes_.data()) + 8;
    Json header = Json::parse(first, first + length, nullptr, false);
    if (!header.is_object()) fail("the header is not a JSON object");
    data_ = bytes_.subspan(8 + length);
    return header;
  }

  void read_metadata(const Json& value, TensorFile& file) const {
    if (!value.is_object())
      fail("__metadata__: found " + std::string(value.type_name()) + "; expected an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("__metadata__." + key + ": expected text");
      file.metadata[key] = text.get<std::string>();
    }
  }

  // A member that is an array of unsigned integers, each within the signed range.
  std::vector<std::int64_t> integers(const std::string& name, const Json& value, const char* member) const {
    const auto found = value.find(member);
    if (found == value.end() || !found->is_array())
      fail("tensor \"" + name + "\": expected an array \"" + member + "\"");
    std::vector<std::int64_t> out;
    for (const Json& x : *found) {
      if (!x.is_number_unsigned() || x.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
        fail("tensor \"" + name + "\": " + member + ": found " + shown(x) + "; expected an integer from 0");
      out.push_back(x.get<std::int64_t>());
    }
    return out;
  }

  void read_entry(const std::string& name, const Json& value) {
    const auto where = "tensor \"" + name + "\": ";
    if (!value.is_object()) fail(where + "found " + value.type_name() + "; expected an object");
    const auto dtype = value.find("dtype");
    const auto* known = dtype == value.end() || !dtype->is_string()
                            ? type_names.end()
                            : std::find_if(type_names.begin(), type_names.end(), [&](const auto& t) {
                                return t.name == dtype->get_ref<const std::string&>();
                              });
    if (known == type_names.end())
      fail(where + "dtype: found " + (dtype == value.end() ? "none" : shown(*dtype)) +
           "; expected one of F32, F64, I32, I64, U8");
    Entry entry{{name, known->type, integers(name, value, "shape"), {}}, 0, 0};
    const auto offsets = integers(name, value, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1])
      fail(where + "data_offsets: expected [begin, end] with begin <= end");
    entry.begin = static_cast<std::uint64_t>(offsets[0]);
    entry.end = static_cast<std::uint64_t>(offsets[1]);
    if (entry.end > data_.size())
      fail(where + "ends at byte " + std::to_string(entry.end) + " of the data; found " +
           std::to_string(data_.size()) + " bytes: the file is cut off");
    if (bytes_of(entry.tensor.shape, known->type) != entry.end - entry.begin)
      fail(where + "found " + std::to_string(entry.end - entry.begin) + " bytes, which do not fit " +
           std::string(known->name) + " of shape " + shape_text(entry.tensor.shape));
    entries_.push_back(std::move(entry));
  }

  // Sorted by offset, the tensors must follow each other from the first byte of the data to the last.
  void check_cover() {
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t at = 0;
    for (const auto& entry : entries_) {
      if (entry.begin != at)
        fail("tensor \"" + entry.tensor.name + "\": starts at byte " + std::to_string(entry.begin) +
             "; expected " + std::to_string(at) +
             (entry.begin < at ? ": it overlaps another" : ": there is a hole before it"));
      at = entry.end;
    }
    if (at != data_.size())
      fail("found " + std::to_string(data_.size()) + " bytes of data; expected " + std::to_string(at));
  }

  std::span<const std::byte> bytes_, data_;
  const std::string& name_;
  std::vector<Entry> entries_;
};

}  // namespace

std::size_t size_of(TensorType type) { return row_of(type).size; }

void Tensor::expect(TensorType wanted) const {
  if (type != wanted)
    throw std::runtime_error("tensor \"" + name + "\": found " + std::string(row_of(type).name) +
                             "; expected " + std::string(row_of(wanted).name));
}

const Tensor* TensorFile::find(std::string_view name) const {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

const Tensor& TensorFile::at(std::string_view name) const {
  if (const Tensor* found = find(name)) return *found;
  std::vector<std::string> names;
  for (const Tensor& t : tensors) names.push_back(t.name);
  const auto near = nearest(name, names);
  throw std::runtime_error("tensor \"" + std::string(name) + "\" is not among the " +
                           std::to_string(names.size()) + " of this file" +
                           (near ? "; did you mean \"" + *near + "\"?" : ""));
}

void write_tensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                   std::map<std::string, std::string> metadata) {
  check_to_write(tensors);
  std::vector<std::span<const std::byte>> pieces;
  for (const auto& t : tensors) pieces.push_back(t.data);
  metadata["sha256"] = sha256_of(pieces);
  const std::string header = header_of(tensors, metadata);
  std::array<std::byte, 8> length{};
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<std::byte>(header.size() >> (8 * i));
  DurableFile file(path);
  file.write(length);
  file.write(header);
  for (const auto& piece : pieces) file.write(piece);
  file.commit();
}

TensorFile parse_tensors(std::span<const std::byte> bytes, const std::string& name) {
  return Parser(bytes, name).parse();
}

TensorFile read_tensors(const std::filesystem::path& path) {
  return parse_tensors(read_bytes(path), path.string());
}

}  // namespace isorbit::core
