// Arithmetic over named constants: the right-hand side of every dimension and every `when`.
//
//   or := and ("or"|"||" and)*;  and := not (("and"|"&&") not)*;  not := ("not"|"!") not | comparison
//   comparison := sum (("=="|"!="|"<"|"<="|">"|">=") sum)?;  sum := product (("+"|"-") product)*
//   product := unary (("*"|"/"|"%") unary)*;  unary := "-" unary | power;  power := atom ("**" unary)?
//   atom := number | 'text' | name ("." name)* | function "(" or ("," or)* ")" | "(" or ")"
//   functions: min max sqrt floor ceil round abs log2
//
// Numbers are doubles; a truth value is 1 or 0. A name may stand for a text (compared with == and != only).
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

/// Thrown by parsing and evaluating; `column` counts characters of the expression from 1.
struct ExpressionError : std::runtime_error {
  ExpressionError(const std::string& what, std::size_t at, std::string suggested = {})
      : std::runtime_error(what), column(at), suggestion(std::move(suggested)) {}
  std::size_t column;
  std::string suggestion;
};

/// Named values an expression may use. A constant may itself be an expression over others; cycles and unknown names
/// are ExpressionErrors that name them.
class Constants {
 public:
  Constants() = default;
  /// `values`: an object whose members are numbers, booleans, texts that are expressions, or plain texts.
  explicit Constants(Json values) : values_(std::move(values)) {}
  void set(const std::string& name, Json value) { values_[name] = std::move(value); }
  [[nodiscard]] bool contains(const std::string& name) const { return values_.contains(name); }
  [[nodiscard]] const Json& values() const { return values_; }
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
