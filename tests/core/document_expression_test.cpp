#include <gtest/gtest.h>

#include <random>

#include "core/document/expression.hpp"

namespace isorbit::core {
namespace {

Constants constants() {
  return Constants(
      Json::parse(R"({"width": 128, "heads": 4, "head_dim": "width / heads", "ffn": "head_dim * 10",
    "causal": true, "name": "'relu'", "rate": 1e-3, "model": {"kv_heads": 2, "deep": {"x": "heads + 1"}}, "list": []})"));
}

double number(std::string_view expression) { return constants().number(expression); }

std::string fault(std::string_view expression, const Constants& in = constants()) {
  try {
    (void)in.evaluate(expression);
  } catch (const ExpressionError& error) {
    return std::to_string(error.column) + ": " + error.what() +
           (error.suggestion.empty() ? "" : " -> " + error.suggestion);
  }
  return "accepted";
}

TEST(Expression, OperatorsBindAsInArithmetic) {
  EXPECT_EQ(number("1 + 2 * 3"), 7);
  EXPECT_EQ(number("(1 + 2) * 3"), 9);
  EXPECT_EQ(number("10 - 3 - 2"), 5);
  EXPECT_EQ(number("16 / 4 / 2"), 2);
  EXPECT_EQ(number("2 ** 3 ** 2"), 512);
  EXPECT_EQ(number("-2 ** 2"), -4);
  EXPECT_EQ(number("2 ** -1"), 0.5);
  EXPECT_EQ(number("- - 3"), 3);
  EXPECT_EQ(number("7 % 4 * 2"), 6);
  EXPECT_EQ(number("-7 % 4"), 1);
  EXPECT_EQ(number("7 % -4"), -1);
  EXPECT_EQ(number("1.5e2 + .5"), 150.5);
}

TEST(Expression, TruthIsOneOrZero) {
  EXPECT_EQ(number("1 < 2 and 2 <= 2"), 1);
  EXPECT_EQ(number("1 > 2 || 2 >= 3"), 0);
  EXPECT_EQ(number("not 3 == 4"), 1);
  EXPECT_EQ(number("!0 && true"), 1);
  EXPECT_EQ(number("1 or 0 and 0"), 1);
  EXPECT_EQ(number("causal != false"), 1);
  EXPECT_EQ(number("5 and 7"), 1);
}

TEST(Expression, AndAndOrStopWhereTheyAreSettled) {
  EXPECT_EQ(number("0 and 1 / 0"), 0);
  EXPECT_EQ(number("1 or nobody"), 1);
  EXPECT_NE(fault("1 and 1 / 0"), "accepted");
}

TEST(Expression, FunctionsTakeNumbers) {
  EXPECT_EQ(number("min(3, 1, 2) + max(4)"), 5);
  EXPECT_EQ(number("sqrt(16) + floor(1.9) + ceil(1.1) + round(2.5) + abs(-1) + log2(8)"), 14);
}

TEST(Expression, NamesStandForConstants) {
  EXPECT_EQ(number("ffn"), 320);
  EXPECT_EQ(number("width % model.kv_heads == 0"), 1);
  EXPECT_EQ(number("model.deep.x"), 5);
  EXPECT_EQ(number("rate"), 1e-3);
  EXPECT_EQ(number("name == 'relu'"), 1);
  EXPECT_EQ(number("name != 'it''s'"), 1);
  EXPECT_EQ(std::get<std::string>(constants().evaluate("name")), "relu");
  EXPECT_EQ(std::get<double>(constants().value("head_dim")), 32);
}

TEST(Constants, AreSetFromOutsideAndListed) {
  Constants changed = constants();
  changed.set("heads", 8);
  changed.set("model.kv_heads", 8);
  changed.set("name", text_constant("it's"));
  EXPECT_EQ(changed.number("head_dim"), 16);
  EXPECT_EQ(changed.number("model.kv_heads"), 8);
  EXPECT_EQ(changed.number("name == 'it''s'"), 1);
  EXPECT_TRUE(changed.contains("model.deep.x"));
  EXPECT_FALSE(changed.contains("model.deep.y"));
  EXPECT_EQ(Constants(Json::parse(R"({"a": 1, "m": {"b": 2}})")).names(),
            (std::vector<std::string>{"a", "m.b"}));
  EXPECT_TRUE(Constants().names().empty());
}

TEST(Expression, NamesInListsEachNameOnce) {
  EXPECT_EQ(names_in("b + min(a.x, b) * 2 ** c == 'd'"), (std::vector<std::string>{"b", "a.x", "c"}));
  EXPECT_THROW((void)names_in("a +"), ExpressionError);
}

TEST(Expression, UnknownNamesAreSuggestedFor) {
  EXPECT_EQ(fault("width / headz"), "9: no constant is called \"headz\" -> heads");
  EXPECT_EQ(fault("model.kv_head"), "1: no constant is called \"model.kv_head\" -> model.kv_heads");
  const std::string only = ", only min, max, sqrt, floor, ceil, round, abs and log2";
  EXPECT_EQ(fault("flor(1)"), "1: there is no function \"flor\"" + only + " -> floor");
  EXPECT_EQ(fault("pow(2, 3)"), "1: there is no function \"pow\"" + only + " -> a ** b");
  EXPECT_EQ(fault("cbrt(8)"), "1: there is no function \"cbrt\"" + only);
  EXPECT_EQ(fault("math.sqrt(2)"), "1: there is no function \"math.sqrt\"" + only + " -> sqrt");
  EXPECT_EQ(fault("7 // 2"), "3: \"//\" has no meaning in an expression -> floor(a / b)");
  EXPECT_EQ(fault("True"), "1: no constant is called \"True\" -> true");
  EXPECT_EQ(fault("2 * ${width}"), "5: names stand in an expression as they are -> width");
  EXPECT_EQ(fault("'é' == nobody"), "8: no constant is called \"nobody\"");
}

TEST(Expression, SyntaxFaultsSayWhatBelongsThere) {
  EXPECT_EQ(fault(""), "1: it has the end of the expression where a number, a name or \"(\" belongs");
  EXPECT_EQ(fault("1 +"), "4: it has the end of the expression where a number, a name or \"(\" belongs");
  EXPECT_EQ(fault("(1 + 2"), "7: it has the end of the expression where \")\" belongs");
  EXPECT_EQ(fault("1 2"), "3: it has \"2\" where an operator or the end of the expression belongs");
  EXPECT_EQ(fault("width = 3"), "7: \"=\" has no meaning in an expression -> ==");
  EXPECT_EQ(fault("2 ^ 3"), "3: \"^\" has no meaning in an expression -> **");
  EXPECT_EQ(fault("1 < 2 < 3"), "7: comparisons do not chain; join two with \"and\"");
  EXPECT_EQ(fault("2width"), "1: \"2w\" is neither a number nor a name");
  EXPECT_EQ(fault("1.2.3").substr(0, 2), "1:");
  EXPECT_EQ(fault("'open"), "1: a text that starts here has no closing '");
  EXPECT_EQ(fault("\"a\""), "1: texts inside an expression stand in single quotes");
  EXPECT_EQ(fault("sqrt(1, 2)"), "1: \"sqrt\" takes one argument, not 2");
  EXPECT_NE(fault("min()"), "accepted");
  EXPECT_NE(fault("a."), "accepted");
  EXPECT_NE(fault("and"), "accepted");
}

TEST(Expression, ResultsThatAreNoNumbersAreErrors) {
  EXPECT_EQ(fault("1 / 0"), "3: it divides by zero");
  EXPECT_EQ(fault("1 % (2 - 2)"), "3: it divides by zero");
  EXPECT_EQ(fault("0 ** -1"), "3: it divides by zero");
  EXPECT_EQ(fault("10 ** 400"), "4: the result is too large");
  EXPECT_EQ(fault("1e308 * 10"), "7: the result is too large");
  EXPECT_EQ(fault("1e999"), "1: the number 1e999 is out of range");
  EXPECT_EQ(fault("sqrt(-1)"), "1: the result is not a number");
  EXPECT_EQ(fault("(-8) ** 0.5"), "6: the result is not a number");
  EXPECT_EQ(fault("log2(0)"), "1: the result is too large");
}

TEST(Expression, TextsAreOnlyCompared) {
  EXPECT_EQ(fault("name + 1"), "1: the text 'relu' stands where a number is needed");
  EXPECT_EQ(fault("1 == 'a'"), "3: a text is compared with a number");
  EXPECT_EQ(fault("not name"), "5: the text 'relu' stands where a number is needed");
  EXPECT_EQ(fault("'a' < 'b'"), "1: the text 'a' stands where a number is needed");
  EXPECT_EQ(fault("list"), "1: \"list\" is neither a number nor a text");
  EXPECT_THROW((void)constants().number("name"), ExpressionError);
}

TEST(Constants, CyclesAreNamed) {
  const Constants cyclic(Json::parse(R"({"width": "heads * 2", "heads": "width / 2", "self": "self"})"));
  EXPECT_EQ(fault("1 + width", cyclic), "5: constants form a cycle: width -> heads -> width");
  EXPECT_EQ(fault("self", cyclic), "1: constants form a cycle: self -> self");
  EXPECT_THROW((void)cyclic.value("heads"), ExpressionError);
}

TEST(Constants, AFaultInsideAConstantNamesTheConstant) {
  const Constants broken(Json::parse(R"({"heads": 4, "a": "heds", "b": "a + 1"})"));
  EXPECT_EQ(fault("2 * b", broken),
            "5: in constant \"a\", \"heds\", no constant is called \"heds\" -> heads");
}

TEST(Expression, HostileTextsCannotExhaustTheStackOrTime) {
  EXPECT_NE(fault(std::string(5000, '(')).find("nested deeper"), std::string::npos);
  EXPECT_NE(fault(std::string(5000, '-') + "1").find("nested deeper"), std::string::npos);
  EXPECT_NE(fault(std::string(5000, '!') + "1").find("nested deeper"), std::string::npos);
  std::string powers = "1";
  for (int i = 0; i < 3000; ++i) powers += "**1";
  EXPECT_NE(fault(powers).find("nested deeper"), std::string::npos);
  EXPECT_NE(fault(std::string(100000, '(')).find("longer than"), std::string::npos);
  std::string sum = "1";
  for (int i = 0; i < 4999; ++i) sum += "+1";
  EXPECT_EQ(number(sum), 5000);

  Json chain = Json::object(), doubling = Json::object();
  for (int i = 0; i < 5000; ++i) {
    chain["c" + std::to_string(i)] = "c" + std::to_string(i + 1);
    if (i < 200)
      doubling["c" + std::to_string(i)] = "c" + std::to_string(i + 1) + " + c" + std::to_string(i + 1);
  }
  chain["c5000"] = 1;
  doubling["c200"] = 1;
  EXPECT_NE(fault("c0", Constants(chain)).find("too deeply"), std::string::npos);
  EXPECT_EQ(Constants(doubling).number("c0"), 0x1p200);
}

TEST(Expression, RandomTextsAreEvaluatedOrRefused) {
  const std::vector<std::string> pieces = {
      "1", "2.5", "width", "heads", "'a'", "(", ")", "+", "-",        "*",    "/", "%", "**", "==",
      "<", "and", "or",    "not",   "min", ",", ".", "e", "\xC3\xA9", "\xFF", "'", " ", "!"};
  std::mt19937 random(3);
  int accepted = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string text;
    for (unsigned n = 1 + random() % 8; n > 0; --n) text += pieces[random() % pieces.size()];
    accepted += fault(text) == "accepted" ? 1 : 0;
  }
  EXPECT_GT(accepted, 500);
}

}  // namespace
}  // namespace isorbit::core
