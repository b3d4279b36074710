#include "core/document/expression.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/document/expression_tree.hpp"
#include "core/document/problem.hpp"

namespace isorbit::core {
namespace {

using Kind = ExpressionNode::Kind;

constexpr int kDeepest = 1000;  // nodes on the way to a leaf, through constants too

/// What other languages give a name; empty: nothing.
std::string value_elsewhere(const std::string& name) {
  if (name == "True" || name == "TRUE") return "true";
  if (name == "False" || name == "FALSE") return "false";
  return name == "pi" || name.ends_with(".pi") ? "3.141592653589793" : "";
}

/// An error inside a constant that already says which.
struct ConstantError : ExpressionError {
  using ExpressionError::ExpressionError;
};

const Json* find(const Json& values, std::string_view name) {
  if (!values.is_object()) return nullptr;
  if (const auto it = values.find(std::string(name)); it != values.end()) return &*it;
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const auto it = values.find(std::string(name.substr(0, dot)));
  return it == values.end() ? nullptr : find(*it, name.substr(dot + 1));
}

void collect_names(const Json& values, const std::string& prefix, std::vector<std::string>& names) {
  if (!values.is_object()) return;
  for (const auto& [key, value] : values.items()) {
    if (value.is_object()) {
      collect_names(value, prefix + key + ".", names);
    } else {
      names.push_back(prefix + key);
    }
  }
}

class Evaluator {
 public:
  explicit Evaluator(const Constants& constants) : constants_(constants) {}

  Quantity constant(const std::string& name, std::size_t column) {
    if (const auto it = known_.find(name); it != known_.end()) return it->second;
    const Json* value = find(constants_.values(), name);
    if (value == nullptr) {
      throw ExpressionError("no constant is called \"" + name + '"', column,
                            nearest(name, constants_.names()).value_or(value_elsewhere(name)));
    }
    return known_[name] = convert(name, *value, column);
  }

  Quantity eval(const ExpressionNode& node) {
    if (++depth_ > kDeepest)
      throw ExpressionError("its constants refer to one another too deeply", node.column);
    Quantity result = value(node);
    --depth_;
    return result;
  }

 private:
  Quantity convert(const std::string& name, const Json& value, std::size_t column) {
    if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
    if (value.is_number()) return finite(value.get<double>(), column);
    if (!value.is_string()) {
      throw ExpressionError('"' + name + "\" is neither a number nor a text", column);
    }
    if (std::find(active_.begin(), active_.end(), name) != active_.end()) {
      std::string path;
      for (auto it = std::find(active_.begin(), active_.end(), name); it != active_.end(); ++it)
        path += *it + " -> ";
      throw ConstantError("constants form a cycle: " + path + name, column);
    }
    active_.push_back(name);
    try {
      Quantity result = eval(parse_expression(value.get_ref<const std::string&>()));
      active_.pop_back();
      return result;
    } catch (const ConstantError& error) {
      throw ConstantError(error.what(), column, error.suggestion);
    } catch (const ExpressionError& error) {
      throw ConstantError("in constant \"" + name + "\", " + shown(value) + ", " + error.what(), column,
                          error.suggestion);
    }
  }

  static double finite(double number, std::size_t column) {
    if (std::isnan(number)) throw ExpressionError("the result is not a number", column);
    if (std::isinf(number)) throw ExpressionError("the result is too large", column);
    return number;
  }

  double number(const ExpressionNode& node) {
    const Quantity result = eval(node);
    if (const auto* plain = std::get_if<double>(&result)) return *plain;
    throw ExpressionError("the text '" + std::get<std::string>(result) + "' stands where a number is needed",
                          node.column);
  }

  Quantity value(const ExpressionNode& node) {
    switch (node.kind) {
      case Kind::number:
        return finite(node.number, node.column);
      case Kind::text:
        return node.text;
      case Kind::name:
        return constant(node.text, node.column);
      case Kind::call:
        return call(node);
      case Kind::negate:
        return -number(node.operands[0]);
      case Kind::invert:
        return number(node.operands[0]) == 0 ? 1.0 : 0.0;
      case Kind::chain:
        break;
    }
    const std::string& symbol = node.operators.front().symbol;
    if (symbol == "and" || symbol == "&&") return all(node, true);
    if (symbol == "or" || symbol == "||") return all(node, false);
    if (symbol == "==" || symbol == "!=") return equal(node) == (symbol == "==") ? 1.0 : 0.0;
    double result = number(node.operands[0]);
    for (std::size_t i = 0; i < node.operators.size(); ++i) {
      const double right = number(node.operands[i + 1]);
      result = finite(apply(node.operators[i], result, right), node.operators[i].column);
    }
    return result;
  }

  /// "and" over the operands, or "or"; stops at the first that settles it.
  double all(const ExpressionNode& node, bool conjunction) {
    for (const ExpressionNode& operand : node.operands) {
      if ((number(operand) != 0) != conjunction) return conjunction ? 0 : 1;
    }
    return conjunction ? 1 : 0;
  }

  bool equal(const ExpressionNode& node) {
    const Quantity left = eval(node.operands[0]), right = eval(node.operands[1]);
    if (left.index() != right.index()) {
      throw ExpressionError("a text is compared with a number", node.operators[0].column);
    }
    return left == right;
  }

  static double apply(const ExpressionOperator& op, double a, double b) {
    if (op.symbol == "+") return a + b;
    if (op.symbol == "-") return a - b;
    if (op.symbol == "*") return a * b;
    if (op.symbol == "<") return a < b ? 1 : 0;
    if (op.symbol == "<=") return a <= b ? 1 : 0;
    if (op.symbol == ">") return a > b ? 1 : 0;
    if (op.symbol == ">=") return a >= b ? 1 : 0;
    if (op.symbol == "**") {
      if (a == 0 && b < 0) throw ExpressionError("it divides by zero", op.column);
      return std::pow(a, b);
    }
    if (b == 0) throw ExpressionError("it divides by zero", op.column);
    if (op.symbol == "/") return a / b;
    const double remainder = std::fmod(a, b);
    return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
  }

  double call(const ExpressionNode& node) {
    double result = number(node.operands[0]);
    for (std::size_t i = 1; i < node.operands.size(); ++i) {
      const double other = number(node.operands[i]);
      result = node.text == "min" ? std::min(result, other) : std::max(result, other);
    }
    if (node.text == "floor") return std::floor(result);
    if (node.text == "ceil") return std::ceil(result);
    if (node.text == "round") return std::round(result);
    if (node.text == "abs") return std::abs(result);
    if (node.text == "sqrt") return finite(std::sqrt(result), node.column);
    if (node.text == "log2") return finite(std::log2(result), node.column);
    return result;
  }

  const Constants& constants_;
  std::map<std::string, Quantity> known_;
  std::vector<std::string> active_;
  int depth_ = 0;
};

void collect_used(const ExpressionNode& node, std::vector<std::string>& names) {
  if (node.kind == Kind::name && std::find(names.begin(), names.end(), node.text) == names.end()) {
    names.push_back(node.text);
  }
  for (const ExpressionNode& operand : node.operands) collect_used(operand, names);
}

}  // namespace

Json text_constant(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

bool Constants::contains(const std::string& name) const { return find(values_, name) != nullptr; }

std::vector<std::string> Constants::names() const {
  std::vector<std::string> all;
  collect_names(values_, "", all);
  return all;
}

Quantity Constants::value(const std::string& name) const { return Evaluator(*this).constant(name, 1); }

Quantity Constants::evaluate(std::string_view expression) const {
  return Evaluator(*this).eval(parse_expression(expression));
}

double Constants::number(std::string_view expression) const {
  const Quantity result = evaluate(expression);
  if (const auto* plain = std::get_if<double>(&result)) return *plain;
  throw ExpressionError("it gives the text '" + std::get<std::string>(result) + "', not a number", 1);
}

std::vector<std::string> names_in(std::string_view expression) {
  std::vector<std::string> names;
  collect_used(parse_expression(expression), names);
  return names;
}

}  // namespace isorbit::core
