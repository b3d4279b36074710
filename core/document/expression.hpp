// Arithmetic over named constants: the right-hand side of every dimension and every `when`.
//
//   or := and ("or"|"||" and)*;  and := not (("and"|"&&") not)*;  not := ("not"|"!") not | comparison
//   comparison := sum (("=="|"!="|"<"|"<="|">"|">=") sum)?;  sum := product (("+"|"-") product)*
//   product := unary (("*"|"/"|"%") unary)*;  unary := "-" unary | power;  power := atom ("**" unary)?
//   atom := number | 'text' | "true" | "false" | name ("." name)* | call | "(" or ")"
//   call := function "(" or ("," or)* ")";  function: min max sqrt floor ceil round abs log2
//
// Numbers are doubles; a truth value is 1 or 0, and any number but 0 is true. "/" is true division; "%" takes
// the sign of its right side. "and" and "or" stop at the operand that settles them. A name may stand for a
// text, which may only be compared with another text by == and !=. A quote inside a text is doubled: 'it''s'.
#pragma once
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/document/json.hpp"

namespace isorbit::core {

using Quantity = std::variant<double, std::string>;

/// Thrown by parsing and evaluating; `column` counts characters of the expression from 1, `suggestion` is a
/// bare word. Inside a constant used by the expression, `column` is where the expression uses it.
struct ExpressionError : std::runtime_error {
  ExpressionError(const std::string& what, std::size_t at, std::string suggested = {})
      : std::runtime_error(what), column(at), suggestion(std::move(suggested)) {}
  std::size_t column;
  std::string suggestion;
};

/// A constant that stands for this text: the text in single quotes, since a bare one would be an expression.
[[nodiscard]] Json text_constant(std::string_view text);

/// Named values an expression may use. A constant may itself be an expression over others; cycles and unknown
/// names are ExpressionErrors that name them. A dotted name is looked up whole, then through nested objects.
class Constants {
 public:
  Constants() = default;
  /// `values`: an object whose members are numbers, booleans, objects of these, or texts. A text is always an
  /// expression, so that a plain text carries its own quotes: "'relu'" (text_constant writes them).
  explicit Constants(Json values) : values_(std::move(values)) {}
  void set(const std::string& name, Json value) { values_[name] = std::move(value); }
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] const Json& values() const { return values_; }
  /// Every name, nested ones with their dots.
  [[nodiscard]] std::vector<std::string> names() const;
  /// The value of one constant, evaluated.
  [[nodiscard]] Quantity value(const std::string& name) const;
  /// The value of an expression over the constants.
  [[nodiscard]] Quantity evaluate(std::string_view expression) const;
  /// evaluate(), which must be a finite number.
  [[nodiscard]] double number(std::string_view expression) const;

 private:
  Json values_ = Json::object();
};

/// The names an expression uses, in order of first use. Throws ExpressionError on bad syntax.
[[nodiscard]] std::vector<std::string> names_in(std::string_view expression);

}  // namespace isorbit::core
