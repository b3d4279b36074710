// An expression on the first line and constants, `name=expression`, on those that follow. Printed with
// brackets around everything and read again, an expression has the same names and the same value.
#include "core/document/expression.hpp"

#include <optional>

#include "core/document/expression_tree.hpp"
#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {
namespace {

using core::ExpressionNode;
using Kind = ExpressionNode::Kind;

std::string printed(const ExpressionNode& node);

std::string bracketed(const ExpressionNode& node) {
  const bool whole = node.kind != Kind::chain && node.kind != Kind::negate && node.kind != Kind::invert;
  return whole ? printed(node) : "(" + printed(node) + ")";
}

std::string printed(const ExpressionNode& node) {
  std::string text;
  switch (node.kind) {
    case Kind::number:
      return core::canonical(core::Json(node.number));
    case Kind::text:
      return core::text_constant(node.text).get<std::string>();
    case Kind::name:
      return node.text;
    case Kind::negate:
      return "-" + bracketed(node.operands[0]);
    case Kind::invert:
      return "not " + bracketed(node.operands[0]);
    case Kind::call:
      for (const ExpressionNode& operand : node.operands)
        text += (text.empty() ? "(" : ", ") + bracketed(operand);
      return node.text + text + ")";
    case Kind::chain:
      break;
  }
  text = bracketed(node.operands[0]);
  for (std::size_t i = 0; i < node.operators.size(); ++i)
    text += " " + node.operators[i].symbol + " " + bracketed(node.operands[i + 1]);
  return text;
}

bool same(const ExpressionNode& a, const ExpressionNode& b) {
  if (a.kind != b.kind || a.number != b.number || a.text != b.text ||
      a.operands.size() != b.operands.size() || a.operators.size() != b.operators.size())
    return false;
  for (std::size_t i = 0; i < a.operators.size(); ++i)
    if (a.operators[i].symbol != b.operators[i].symbol) return false;
  for (std::size_t i = 0; i < a.operands.size(); ++i)
    if (!same(a.operands[i], b.operands[i])) return false;
  return true;
}

/// What `read` returns; nothing where it throws an ExpressionError about the expression `text`.
template <class Read>
auto read_or_nothing(std::string_view text, bool utf8, const Read& read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const core::ExpressionError& error) {
    claim(error.column >= 1 && error.column <= text.size() + 1, "an error lies within the expression");
    claim(!utf8 || is_utf8(error.what()), "an error about UTF-8 is UTF-8");
    return std::nullopt;
  }
}

core::Constants constants_of(std::string_view lines) {
  core::Constants constants;
  while (!lines.empty()) {
    std::string_view line = take_until(lines, '\n');
    const std::string name(take_until(line, '='));
    constants.set(name, std::string(line));
  }
  return constants;
}

}  // namespace

void expression(Input input) {
  std::string_view rest = text_of(input);
  const std::string_view text = take_until(rest, '\n');
  const core::Constants constants = constants_of(rest);
  const bool utf8 = is_utf8(text_of(input));
  for (const std::string& name : constants.names())
    (void)read_or_nothing(text_of(input), utf8, [&] { return constants.value(name); });

  const auto tree = read_or_nothing(text, utf8, [&] { return core::parse_expression(text); });
  if (!tree) return;
  const auto value = read_or_nothing(text, utf8, [&] { return constants.evaluate(text); });
  const std::string again = printed(*tree);
  const auto same_tree = read_or_nothing(again, utf8, [&] { return core::parse_expression(again); });
  if (!same_tree) return;  // its brackets nest deeper, or make it longer, than an expression may be
  claim(same(*tree, *same_tree), "printed and read again it is the same: " + again);
  claim(core::names_in(text) == core::names_in(again), "printed and read again it has the same names");
  claim(read_or_nothing(again, utf8, [&] { return constants.evaluate(again); }) == value,
        "printed and read again it has the same value: " + again);
}

}  // namespace isorbit::fuzz
