// A spec as lines a person reads: name, what it takes, default, help.
#include <algorithm>

#include "core/document/spec.hpp"

namespace isorbit::core {
namespace {

using Kind = Spec::Kind;

constexpr std::size_t kWidest = 44;  // a column that is wider pushes the rest of its line aside

std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t used = columns(text);
  return text.append(width > used ? width - used : 0, ' ') + "  ";
}

struct Row {
  std::string name, takes, fallback, help;
  const Spec* inside;
};

std::string takes(const Spec& spec) {
  const Spec::Description& d = spec.description();
  const std::string words = expectation(spec);
  if (d.kind != Kind::list && d.kind != Kind::map) return words;
  return words + ", each " + takes(d.elements[0]);
}

std::string default_words(const Field& field) {
  if (field.fallback) return "default " + shown(*field.fallback);
  return field.optional ? "optional" : "required";
}

void write_inside(const Spec& spec, std::size_t depth, std::string& out);

void write_fields(const std::vector<Field>& fields, std::size_t depth, std::string& out) {
  std::vector<Row> rows;
  std::size_t name = 0, kind = 0, fallback = 0;
  for (const Field& field : fields) {
    const std::string& help = field.help.empty() ? field.spec.description().help : field.help;
    rows.push_back({field.name, takes(field.spec), default_words(field), help, &field.spec});
    name = std::max(name, std::min(kWidest, columns(rows.back().name)));
    kind = std::max(kind, std::min(kWidest, columns(rows.back().takes)));
    fallback = std::max(fallback, std::min(kWidest, columns(rows.back().fallback)));
  }
  for (const Row& row : rows) {
    std::string line = std::string(2 * depth, ' ') + padded(row.name, name) + padded(row.takes, kind) +
                       padded(row.fallback, fallback) + row.help;
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
    write_inside(*row.inside, depth + 1, out);
  }
}

void write_inside(const Spec& spec, std::size_t depth, std::string& out) {
  const Spec::Description& d = spec.description();
  if (d.kind == Kind::object) write_fields(d.fields, depth, out);
  for (const Spec& element : d.elements) write_inside(element, depth, out);
  for (const auto& [name, choice] : d.choices) {
    out += std::string(2 * depth, ' ') + d.tag + " = " + shown(Json(name));
    if (!choice.description().help.empty()) out += "  " + choice.description().help;
    out += '\n';
    write_inside(choice, depth + 1, out);
  }
}

}  // namespace

std::string help_text(const Spec& spec) {
  std::string out;
  if (!spec.description().help.empty()) out += spec.description().help + '\n';
  write_inside(spec, 0, out);
  return out;
}

}  // namespace isorbit::core
