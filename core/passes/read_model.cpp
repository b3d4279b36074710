// The model document, stage by stage; its problems are thrown together at the end.
#include "core/passes/read_model.hpp"

namespace isorbit::core {

namespace reading {

const Json& Reading::object(const char* key) const {
  static const Json none = Json::object();
  return root.is_object() && root.contains(key) && root.at(key).is_object() ? root.at(key) : none;
}

const Json& Reading::list(const char* key) const {
  static const Json none = Json::array();
  return root.is_object() && root.contains(key) && root.at(key).is_array() ? root.at(key) : none;
}

std::string in_quotes(std::string_view word) { return shown(Json(word)); }

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const auto near = nearest(word, candidates);
  return near ? in_quotes(*near) : std::string();
}

std::string choice(const std::vector<std::string>& names) {
  return names.empty() ? std::string("none: there is nothing to choose from")
                       : expectation(Spec::text().one_of(names));
}

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || digit(text[0])) return false;
  for (const char c : text)
    if (!letter(c) && !digit(c)) return false;
  return true;
}

}  // namespace reading

Model read_model(const Document& document, const OpSet& ops, const std::string& size, const Json& overrides) {
  reading::Reading r{document, ops};
  r.root = document.root;
  (void)resolve(r.root, reading::shell_spec(Spec::any(), Spec::any()), {&document, "", nullptr}, r.problems);
  if (!r.root.is_object()) r.problems.throw_if_any();
  Model model;
  model.constants = reading::read_constants(r, size, overrides);
  reading::read_inputs(r);
  reading::read_scopes(r);
  if (reading::order_scopes(r)) model.graph = reading::build_graph(r);
  r.problems.throw_if_any();
  model.name = r.root.at("name").get<std::string>();
  model.inputs = std::move(r.inputs);
  return model;
}

}  // namespace isorbit::core
