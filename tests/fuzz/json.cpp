// A JSON document. What is read is JSON to another reader as well, comes back from its canonical form, and
// has positions that exist; what is refused is no JSON, or breaks one of the rules that documents have beyond
// it.
#include "core/document/json.hpp"

#include <algorithm>

#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {
namespace {

void check_refusal(const core::DocumentError& error, std::string_view text) {
  check_problems(error);
  claim(error.problems().size() == 1, "the first fault ends the reading");
  const core::Problem& problem = error.problems()[0];
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  claim(problem.position.line >= 1 && problem.position.line <= lines, "a fault lies within the text");
  const bool stricter = problem.found.ends_with("a second time") || problem.expected == "at most 64 levels" ||
                        problem.expected.starts_with("an integer between") ||
                        problem.found == "a byte order mark" ||
                        text.find('\0') != std::string_view::npos;  // the other reader ends there
  claim(stricter || !nlohmann::json::accept(text.begin(), text.end()), "good JSON was refused");
}

void check_positions(const core::Document& document, std::string_view text) {
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  constexpr std::string_view key_mark = "~key";
  for (const auto& [name, position] : document.positions) {
    claim(position.line >= 1 && position.line <= lines && position.column >= 1, "positions lie in the text");
    std::string_view pointer = name;
    if (pointer.ends_with(key_mark)) pointer.remove_suffix(key_mark.size());
    claim(document.root.contains(core::Json::json_pointer(std::string(pointer))),
          "a position is that of a value: " + name);
  }
}

}  // namespace

void json(Input input) {
  const std::string_view text = text_of(input);
  core::Document document;
  try {
    document = core::parse_document(text, "document");
  } catch (const core::DocumentError& error) {
    check_refusal(error, text);
    return;
  }
  claim(nlohmann::json::accept(text.begin(), text.end()), "what is read is JSON");
  check_positions(document, text);
  const std::string printed = core::canonical(document.root);
  try {
    claim(core::canonical(core::parse_document(printed, "printed").root) == printed,
          "the canonical form is read as itself");
  } catch (const core::DocumentError& error) {  // 1e17 is written as an integer
    claim(error.problems()[0].expected.starts_with("an integer between"), "the canonical form is read");
  }
}

}  // namespace isorbit::fuzz
