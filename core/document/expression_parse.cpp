#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/document/expression.hpp"
#include "core/document/expression_tree.hpp"
#include "core/document/problem.hpp"

namespace isorbit::core {
namespace {

constexpr std::size_t kLongest = 10000;
constexpr int kDeepest = 100;

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Token {
  enum class Kind { end, number, text, name, symbol } kind = Kind::end;
  std::string text;
  double number = 0;
  std::size_t column = 1;

  [[nodiscard]] std::string shown() const {
    if (kind == Kind::end) return "the end of the expression";
    return kind == Kind::text ? "the text '" + text + "'" : '"' + text + '"';
  }
};

struct Foreign {
  std::string_view word, ours;
};

/// Other languages' symbols, and functions that stand here as operators or otherwise.
constexpr Foreign kForeignSymbols[] = {{"//", "floor(a / b)"}, {"^", "**"}, {"=", "=="}, {"<>", "!="}};
constexpr Foreign kForeignFunctions[] = {{"pow", "a ** b"},
                                         {"power", "a ** b"},
                                         {"mod", "a % b"},
                                         {"fmod", "a % b"},
                                         {"div", "floor(a / b)"},
                                         {"int", "floor"},
                                         {"trunc", "floor"},
                                         {"exp", "2.718281828459045 ** x"},
                                         {"exp2", "2 ** x"},
                                         {"log", "log2(x) * 0.6931471805599453"},
                                         {"square", "x ** 2"},
                                         {"ln", "log2(x) * 0.6931471805599453"},
                                         {"log10", "log2(x) / 3.321928094887362"}};

/// Ours for a word of theirs; empty: there is none.
template <std::size_t N>
std::string ours_for(std::string_view word, const Foreign (&table)[N]) {
  const auto* const at = std::find_if(table, table + N, [&](const Foreign& f) { return f.word == word; });
  return at == table + N ? "" : std::string(at->ours);
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Token next() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      take(1);
    if (at_ == text_.size()) return {Token::Kind::end, {}, 0, column_};
    const char c = text_[at_];
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (starts_name(c)) return name();
    if (c == '\'') return quoted();
    return symbol();
  }

 private:
  char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  std::string take(std::size_t count) {
    const std::string_view taken = text_.substr(at_, count);
    for (const char c : taken) column_ += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
    at_ += taken.size();
    return std::string(taken);
  }

  Token number() {
    Token token{Token::Kind::number, {}, 0, column_};
    const char* first = text_.data() + at_;
    const auto [last, error] = std::from_chars(first, text_.data() + text_.size(), token.number);
    token.text = take(static_cast<std::size_t>(last - first));
    if (error == std::errc::result_out_of_range) {
      throw ExpressionError("the number " + token.text + " is out of range", token.column);
    }
    if (starts_name(peek(0)) || peek(0) == '.') {
      throw ExpressionError("\"" + token.text + peek(0) + "\" is neither a number nor a name", token.column);
    }
    return token;
  }

  Token name() {
    std::size_t length = 0;
    while (starts_name(peek(length)) || is_digit(peek(length)) ||
           (peek(length) == '.' && starts_name(peek(length + 1)))) {
      ++length;
    }
    const std::size_t column = column_;
    return {Token::Kind::name, take(length), 0, column};
  }

  Token quoted() {
    Token token{Token::Kind::text, {}, 0, column_};
    for (take(1); at_ < text_.size(); token.text += take(1)) {
      if (text_[at_] != '\'') continue;
      take(1);
      if (peek(0) != '\'') return token;
    }
    throw ExpressionError("a text that starts here has no closing '", token.column);
  }

  Token symbol() {
    const std::size_t column = column_;
    for (const char* foreign : {"//", "<>"}) {
      if (text_.substr(at_).starts_with(foreign))
        throw ExpressionError("\"" + std::string(foreign) + "\" has no meaning in an expression", column,
                              ours_for(foreign, kForeignSymbols));
    }
    for (const char* two : {"||", "&&", "==", "!=", "<=", ">=", "**"}) {
      if (text_.substr(at_).starts_with(two)) return {Token::Kind::symbol, take(2), 0, column};
    }
    if (std::string_view("+-*/%<>!(),").find(text_[at_]) != std::string_view::npos) {
      return {Token::Kind::symbol, take(1), 0, column};
    }
    const std::string suggestion = ours_for(text_.substr(at_, 1), kForeignSymbols);
    if (text_.substr(at_).starts_with("${")) {
      const std::string_view name = text_.substr(at_ + 2, text_.substr(at_ + 2).find('}'));
      throw ExpressionError("names stand in an expression as they are", column, std::string(name));
    }
    std::size_t length = 1;
    while ((static_cast<unsigned char>(peek(length)) & 0xC0U) == 0x80U) ++length;
    const bool plain = text_[at_] >= ' ' && text_[at_] != '"' && text_[at_] != '\x7F';
    const bool wide = static_cast<unsigned char>(text_[at_]) >= 0x80;
    std::string what = "this character has no meaning in an expression";
    if (text_[at_] == '"') what = "texts inside an expression stand in single quotes";
    if (plain || wide) what = "\"" + take(length) + "\" has no meaning in an expression";
    throw ExpressionError(what, column, suggestion);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t column_ = 1;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text), token_(lexer_.next()) {}

  ExpressionNode whole() {
    ExpressionNode node = either();
    if (token_.kind == Token::Kind::end) return node;
    if (is({"==", "!=", "<", "<=", ">", ">="})) {
      throw ExpressionError("comparisons do not chain; join two with \"and\"", token_.column);
    }
    refuse("an operator or the end of the expression");
  }

 private:
  using Kind = ExpressionNode::Kind;
  using Rule = ExpressionNode (Parser::*)();

  [[noreturn]] void refuse(const std::string& expected) const {
    throw ExpressionError("it has " + token_.shown() + " where " + expected + " belongs", token_.column);
  }

  bool is(std::initializer_list<std::string_view> words) const {
    return (token_.kind == Token::Kind::symbol || token_.kind == Token::Kind::name) &&
           std::find(words.begin(), words.end(), token_.text) != words.end();
  }

  Token take() {
    Token taken = std::move(token_);
    token_ = lexer_.next();
    return taken;
  }

  void expect(std::string_view symbol) {
    if (!is({symbol})) refuse('"' + std::string(symbol) + '"');
    take();
  }

  /// Counts the levels on the stack while it lives.
  struct Level {
    explicit Level(Parser& parser) : depth(parser.depth_) {
      if (++depth > kDeepest) {
        throw ExpressionError("it is nested deeper than " + std::to_string(kDeepest) + " levels",
                              parser.token_.column);
      }
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --depth; }
    int& depth;
  };

  ExpressionNode chain(Rule operand, std::initializer_list<std::string_view> symbols, Rule right, bool once) {
    ExpressionNode first = (this->*operand)();
    if (!is(symbols)) return first;
    ExpressionNode node;
    node.kind = Kind::chain;
    node.column = first.column;
    node.operands.push_back(std::move(first));
    do {
      Token symbol = take();
      node.operators.push_back({std::move(symbol.text), symbol.column});
      node.operands.push_back((this->*right)());
    } while (!once && is(symbols));
    return node;
  }

  ExpressionNode prefix(Kind kind, Rule operand) {
    const Level level(*this);
    ExpressionNode node;
    node.kind = kind;
    node.column = take().column;
    node.operands.push_back((this->*operand)());
    return node;
  }

  ExpressionNode either() { return chain(&Parser::both, {"or", "||"}, &Parser::both, false); }
  ExpressionNode both() { return chain(&Parser::inverted, {"and", "&&"}, &Parser::inverted, false); }
  ExpressionNode inverted() {
    return is({"not", "!"}) ? prefix(Kind::invert, &Parser::inverted) : comparison();
  }
  ExpressionNode comparison() {
    return chain(&Parser::sum, {"==", "!=", "<", "<=", ">", ">="}, &Parser::sum, true);
  }
  ExpressionNode sum() { return chain(&Parser::product, {"+", "-"}, &Parser::product, false); }
  ExpressionNode product() { return chain(&Parser::unary, {"*", "/", "%"}, &Parser::unary, false); }
  ExpressionNode unary() { return is({"-"}) ? prefix(Kind::negate, &Parser::unary) : power(); }
  ExpressionNode power() {
    const Level level(*this);
    return chain(&Parser::atom, {"**"}, &Parser::unary, true);
  }

  ExpressionNode atom() {
    ExpressionNode node;
    node.column = token_.column;
    if (token_.kind == Token::Kind::number) {
      node.number = take().number;
    } else if (token_.kind == Token::Kind::text) {
      node.kind = Kind::text;
      node.text = take().text;
    } else if (is({"("})) {
      take();
      node = either();
      expect(")");
    } else if (is({"true", "false"})) {
      node.number = take().text == "true" ? 1 : 0;
    } else if (token_.kind == Token::Kind::name && !is({"and", "or", "not"})) {
      node.kind = Kind::name;
      node.text = take().text;
      if (is({"("})) arguments(node);
    } else {
      refuse("a number, a name or \"(\"");
    }
    return node;
  }

  void arguments(ExpressionNode& node) {
    const auto& functions = expression_functions();
    if (std::find(functions.begin(), functions.end(), node.text) == functions.end()) {
      std::string all;
      for (const std::string& name : functions)
        all += (all.empty() ? "" : name == functions.back() ? " and " : ", ") + name;
      const std::string ours = ours_for(node.text, kForeignFunctions);
      throw ExpressionError("there is no function \"" + node.text + "\", only " + all, node.column,
                            ours.empty() ? nearest(node.text, functions).value_or("") : ours);
    }
    node.kind = Kind::call;
    do {
      take();
      node.operands.push_back(either());
    } while (is({","}));
    expect(")");
    if (node.text != "min" && node.text != "max" && node.operands.size() != 1) {
      throw ExpressionError(
          "\"" + node.text + "\" takes one argument, not " + std::to_string(node.operands.size()),
          node.column);
    }
  }

  Lexer lexer_;
  Token token_;
  int depth_ = 0;
};

}  // namespace

const std::vector<std::string>& expression_functions() {
  static const std::vector<std::string> functions = {"min",  "max",   "sqrt", "floor",
                                                     "ceil", "round", "abs",  "log2"};
  return functions;
}

ExpressionNode parse_expression(std::string_view text) {
  if (text.size() > kLongest) {
    throw ExpressionError("it is longer than " + std::to_string(kLongest) + " characters", 1);
  }
  return Parser(text).whole();
}

}  // namespace isorbit::core
