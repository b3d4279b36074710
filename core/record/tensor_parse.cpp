#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>

#include "core/document/digest.hpp"
#include "core/document/json.hpp"
#include "core/document/problem.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/tensor_types.hpp"

namespace isorbit::core {
namespace {

constexpr std::size_t largest_header = 100'000'000;
constexpr int deepest_array = 2;  // {"name": {"shape": [...]}}

// Not the form that keeps the order of its keys: a search for every key of a long header would never end.
using Header = nlohmann::json;

/// Reads one file; every member throws an error that names it.
class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  TensorFile parse() {
    const Header header = read_header();
    TensorFile file;
    for (const auto& [key, value] : header.items()) {
      if (key == "__metadata__")
        read_metadata(value, file);
      else
        read_entry(key, value);
    }
    check_cover();
    const auto digest = file.metadata.find("sha256");
    if (digest != file.metadata.end() && digest->second != sha256_hex(data_))
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
    StoredTensor tensor;
    std::uint64_t begin = 0, end = 0;
  };

  [[noreturn]] void fail(const std::string& what) const { throw std::runtime_error(name_ + ": " + what); }

  Header read_header() {
    if (bytes_.size() < 8)
      fail("found " + std::to_string(bytes_.size()) + " bytes; expected a header length of 8 bytes first");
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) length |= std::to_integer<std::uint64_t>(bytes_[i]) << (8 * i);
    if (length > bytes_.size() - 8 || length > largest_header)
      fail("found a header length of " + std::to_string(length) + "; expected at most " +
           std::to_string(std::min(bytes_.size() - 8, largest_header)) +
           ": cut off, or not a safetensors file");
    data_ = bytes_.subspan(8 + length);
    return parse_header({reinterpret_cast<const char*>(bytes_.data()) + 8, length});
  }

  /// Stops at what is nested deeper than a header is, before anything walks through it, and at a name's
  /// return.
  Header parse_header(std::string_view text) const {
    using Event = Header::parse_event_t;
    std::set<std::string> names;
    const auto checked = [&](int depth, Event event, Header& parsed) {
      if (depth > deepest_array && (event == Event::object_start || event == Event::array_start))
        fail("the header is nested deeper than lists of a tensor are");
      if (depth == 1 && event == Event::key && !names.insert(parsed.get<std::string>()).second)
        fail("tensor " + shown(Json(parsed.get<std::string>())) + ": found twice; expected each name once");
      return true;
    };
    Header header = Header::parse(text.begin(), text.end(), checked, false);
    if (!header.is_object()) fail("the header is not a JSON object");
    return header;
  }

  void read_metadata(const Header& value, TensorFile& file) const {
    if (!value.is_object())
      fail("__metadata__: found " + std::string(value.type_name()) + "; expected an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("__metadata__." + key + ": expected text");
      file.metadata[key] = text.get<std::string>();
    }
  }

  // A member that is an array of unsigned integers, each within the signed range.
  std::vector<std::int64_t> integers(const std::string& name, const Header& value, const char* member) const {
    const auto found = value.find(member);
    if (found == value.end() || !found->is_array())
      fail("tensor \"" + name + "\": expected an array \"" + member + "\"");
    std::vector<std::int64_t> out;
    for (const Header& x : *found) {
      if (!x.is_number_unsigned() || x.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
        fail("tensor \"" + name + "\": " + member + ": found " + shown(Json(x)) +
             "; expected an integer from 0");
      out.push_back(x.get<std::int64_t>());
    }
    return out;
  }

  void read_entry(const std::string& name, const Header& value) {
    const auto where = "tensor \"" + name + "\": ";
    if (!value.is_object()) fail(where + "found " + value.type_name() + "; expected an object");
    const auto dtype = value.find("dtype");
    const auto* known =
        dtype == value.end() || !dtype->is_string()
            ? tensor_type_names.end()
            : std::find_if(tensor_type_names.begin(), tensor_type_names.end(),
                           [&](const auto& t) { return t.name == dtype->get_ref<const std::string&>(); });
    if (known == tensor_type_names.end())
      fail(where + "dtype: found " + (dtype == value.end() ? "none" : shown(Json(*dtype))) +
           "; expected one of F32, F64, I32, I64, U8, F16, BF16");
    Entry entry{{name, known->type, integers(name, value, "shape"), {}}, 0, 0};
    const auto offsets = integers(name, value, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1])
      fail(where + "data_offsets: expected [begin, end] with begin <= end");
    entry.begin = static_cast<std::uint64_t>(offsets[0]);
    entry.end = static_cast<std::uint64_t>(offsets[1]);
    if (entry.end > data_.size())
      fail(where + "ends at byte " + std::to_string(entry.end) + " of the data; found " +
           std::to_string(data_.size()) + " bytes: the file is cut off");
    if (tensor_bytes(entry.tensor.shape, known->type) != entry.end - entry.begin)
      fail(where + "found " + std::to_string(entry.end - entry.begin) + " bytes, which do not fit " +
           std::string(known->name) + " of shape " + tensor_shape_text(entry.tensor.shape));
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

TensorFile parse_tensors(std::span<const std::byte> bytes, const std::string& name) {
  return Parser(bytes, name).parse();
}

TensorFile read_tensors(const std::filesystem::path& path) {
  return parse_tensors(read_bytes(path), path.string());
}

}  // namespace isorbit::core
