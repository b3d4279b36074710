// Reading: the grammar is nlohmann's SAX parser, which tells values but not where they stand. A cursor walks
// the same text in step with its events, one token each, and so knows the place of every key and value.
#include "core/document/json.hpp"

#include <cctype>

#include "core/document/json_cursor.hpp"
#include "core/document/json_file.hpp"
#include "core/document/problem.hpp"

namespace isorbit::core {
namespace {

constexpr std::size_t kDeepest = 64;
constexpr std::uint64_t kExact = std::uint64_t{1} << 53;  // integers a double holds exactly
// Memory for positions. A hostile document of long nested keys and many values would need far more than its
// own length; past this the position of a value is that of its nearest known ancestor.
constexpr std::size_t kPositionBytes = std::size_t{64} << 20;

std::string at_words(Position p) { return std::to_string(p.line) + ":" + std::to_string(p.column); }

/// Receives the parser's events; throws DocumentError at the first fault.
class Reader {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  Reader(std::string_view text, Document& document) : cursor_(text), document_(document) {}

  bool null() { return scalar(nullptr); }
  bool boolean(bool value) { return scalar(value); }
  bool number_integer(std::int64_t value) {
    if (value < -static_cast<std::int64_t>(kExact)) refuse_integer();
    return scalar(value);
  }
  bool number_unsigned(std::uint64_t value) {
    if (value > kExact) refuse_integer();
    return scalar(value);
  }
  bool number_float(double value, const std::string& digits) {
    if (digits.find_first_of(".eE") == std::string::npos) refuse_integer();
    return scalar(value);
  }
  bool string(std::string& value) { return scalar(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }

  bool start_object(std::size_t) { return open(Json::object(), JsonState::object_opened); }
  bool start_array(std::size_t) { return open(Json::array(), JsonState::list_opened); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    cursor_.skip_separators();
    const Position here = cursor_.position();
    Frame& frame = open_.back();
    const auto [earlier, fresh] = frame.keys.emplace(name, here);
    pointer_.resize(frame.pointer_length);
    if (!fresh) {
      fail({{},
            here,
            pointer_,
            "key " + shown(name) + " a second time",
            "each key once",
            "it stands at " + at_words(earlier->second) + " too",
            {}});
    }
    pointer_append(pointer_, name);
    remember(kKeyMark, here);
    cursor_.skip_token();
    frame.key = std::move(name);
    state_ = JsonState::key;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) { fail_here(); }

  /// The parser takes a NUL byte for the end of the text; nothing but space may follow the value.
  void finish() {
    cursor_.skip_space();
    if (!cursor_.at_end()) fail_here();
  }

 private:
  struct Frame {
    Json* container;
    std::size_t pointer_length;
    std::size_t count = 0;
    std::string key;
    std::unordered_map<std::string, Position> keys;
  };

  [[noreturn]] void fail(Problem problem) const {
    problem.file = document_.file;
    throw DocumentError({std::move(problem)});
  }

  [[noreturn]] void fail_here() {
    const char next = cursor_.peek();
    const bool joined = next != '\0' && (std::isalnum(static_cast<unsigned char>(next)) != 0 ||
                                         std::string_view("+-._").find(next) != std::string_view::npos);
    if (joined && word_end_ == cursor_.offset()) {
      // "01" and "truex" are two tokens to the parser and one to their author.
      cursor_ = before_word_;
      state_ = before_word_state_;
    } else if (!open_.empty() && state_ != JsonState::key) {
      pointer_.resize(open_.back().pointer_length);
    }
    Problem problem = explain_fault(cursor_, state_);
    problem.pointer = pointer_;
    fail(std::move(problem));
  }

  [[noreturn]] void refuse_integer() {
    begin_value();
    const std::size_t start = cursor_.offset();
    const Position here = cursor_.position();
    cursor_.skip_token();
    std::string digits(cursor_.since(start));
    if (digits.size() > 40) digits = digits.substr(0, 40) + "...";
    fail({{},
          here,
          pointer_,
          std::move(digits),
          "an integer between -9007199254740992 and 9007199254740992",
          "a larger one would lose digits",
          {}});
  }

  /// In place, without a copy of the pointer, which may be long, for a position that is not kept.
  void remember(std::string_view mark, Position position) {
    stored_ += pointer_.size() + 64;
    if (stored_ > kPositionBytes) return;
    const std::size_t length = pointer_.size();
    document_.positions.emplace(pointer_.append(mark), position);
    pointer_.resize(length);
  }

  /// Moves the cursor to the value that was just parsed and the pointer to its name.
  void begin_value() {
    cursor_.skip_separators();
    if (!open_.empty() && open_.back().container->is_array()) {
      pointer_.resize(open_.back().pointer_length);
      pointer_append(pointer_, std::to_string(open_.back().count));
    }
    remember("", cursor_.position());
  }

  Json* insert(Json value) {
    if (open_.empty()) {
      document_.root = std::move(value);
      return &document_.root;
    }
    Frame& frame = open_.back();
    ++frame.count;
    if (frame.container->is_array()) {
      auto& elements = frame.container->get_ref<Json::array_t&>();
      return &elements.emplace_back(std::move(value));
    }
    // Not operator[], which searches: the key is known to be new.
    auto& members = frame.container->get_ref<Json::object_t&>();
    return &members.emplace_back(std::move(frame.key), std::move(value)).second;
  }

  JsonState after_value() const {
    if (open_.empty()) return JsonState::finished;
    return open_.back().container->is_array() ? JsonState::element : JsonState::member;
  }

  bool scalar(Json value) {
    before_word_ = cursor_;
    before_word_state_ = state_;
    begin_value();
    cursor_.skip_token();
    word_end_ = value.is_string() ? std::string_view::npos : cursor_.offset();
    insert(std::move(value));
    state_ = after_value();
    return true;
  }

  bool open(Json empty, JsonState state) {
    begin_value();
    if (open_.size() == kDeepest) {
      fail({{},
            cursor_.position(),
            pointer_,
            "a value nested deeper than 64 levels",
            "at most 64 levels",
            {},
            {}});
    }
    cursor_.skip_token();
    open_.push_back({insert(std::move(empty)), pointer_.size(), 0, {}, {}});
    state_ = state;
    return true;
  }

  bool close() {
    cursor_.skip_separators();
    cursor_.skip_token();
    pointer_.resize(open_.back().pointer_length);
    open_.pop_back();
    state_ = after_value();
    return true;
  }

  JsonCursor cursor_;
  Document& document_;
  std::vector<Frame> open_;
  std::string pointer_;
  std::size_t stored_ = 0;
  JsonState state_ = JsonState::start;
  JsonCursor before_word_ = cursor_;  // as it was before the last number, truth value or null
  JsonState before_word_state_ = JsonState::start;
  std::size_t word_end_ = std::string_view::npos;
};

}  // namespace

Document parse_document(std::string_view text, std::string file) {
  return parse_long_document(text, std::move(file), kLongestDocument);
}

Document parse_long_document(std::string_view text, std::string file, std::size_t longest) {
  Document document{std::move(file), {}, {}};
  if (text.size() > longest) {
    const std::string most = std::to_string(longest >> 20) + " MiB";
    refuse_document(document.file, {1, 1}, "more than " + most, "a document of at most " + most);
  }
  if (text.empty()) refuse_document(document.file, {1, 1}, "an empty file", "a value");
  if (text.starts_with("\xEF\xBB\xBF")) {
    refuse_document(document.file, {1, 1}, "a byte order mark", "UTF-8 without one");
  }
  Reader reader(text, document);
  Json::sax_parse(text.begin(), text.end(), &reader);
  reader.finish();
  return document;
}

}  // namespace isorbit::core
