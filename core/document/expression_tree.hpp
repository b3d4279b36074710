// The syntax tree of an expression (grammar in expression.hpp).
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace isorbit::core {

/// One operator of a chain and where it stands.
struct ExpressionOperator {
  std::string symbol;
  std::size_t column = 0;
};

struct ExpressionNode {
  enum class Kind {
    number,  // number
    text,    // text
    name,    // text, with its dots
    call,    // text is the function, operands its arguments
    negate,  // one operand
    invert,  // one operand: "not"
    chain    // operand (operator operand)+, all of one precedence, worked off from the left
  };
  Kind kind = Kind::number;
  std::size_t column = 1;
  double number = 0;
  std::string text;
  std::vector<ExpressionNode> operands;
  std::vector<ExpressionOperator> operators;
};

/// Parses a whole expression. Throws ExpressionError. The tree of a long chain is flat and nesting is
/// limited, so that no text can exhaust the stack.
[[nodiscard]] ExpressionNode parse_expression(std::string_view text);

/// The functions an expression may call.
[[nodiscard]] const std::vector<std::string>& expression_functions();

}  // namespace isorbit::core
