// A method document, read and held against a small model. What is read resolves to a document that is read as
// itself.
#include "experiments/method.hpp"

#include "tests/fuzz/small_model.hpp"
#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {

void method(Input input) {
  static const core::Model model = small_model();
  std::optional<experiments::Method> read;
  core::Document document;
  try {
    document = core::parse_document(text_of(input), "method.json");
    read = experiments::read_method(document);
  } catch (const core::DocumentError& error) {
    return check_problems(error);
  }
  core::Problems problems;
  experiments::check_method(*read, model, document, problems);
  for (const char* name : {"fc1.weight", "fc2.bias"}) {
    const auto group = read->group_of(name);
    claim(!group || *group < read->groups.size(), "a parameter is in a group there is");
  }
  const experiments::Method again = experiments::read_method({"resolved", read->resolved, {}});
  claim(core::canonical(again.resolved) == core::canonical(read->resolved),
        "a resolved method is read as itself");
}

}  // namespace isorbit::fuzz
