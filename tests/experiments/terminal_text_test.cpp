#include "experiments/program/terminal_text.hpp"

#include <sstream>

#include "experiments/sweep/text_table.hpp"
#include "tests/experiments/run_program.hpp"
#include "tests/experiments/small_sweep.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

constexpr const char* kRed = "\x1b[31mred\n";

TEST(TerminalText, ShowsWhatATerminalWouldObeyWhateverPiecesItComesIn) {
  std::ostringstream target;
  {
    TerminalText text(target);
    std::ostream out(&text);
    for (const char c : std::string("caf\xc3\xa9 \xe6\x97\xa5 \x1b[31m\xff\nnext\xe2\x82")) out << c;
    EXPECT_EQ(target.str(), "caf\xc3\xa9 \xe6\x97\xa5 \\u001b[31m\\xFF\nnext")
        << "a character that may go on is kept";
  }
  EXPECT_EQ(target.str(), "caf\xc3\xa9 \xe6\x97\xa5 \\u001b[31m\\xFF\nnext\\xE2\\x82");
}

TEST(TerminalText, AFullDiskIsNoticed) {
  std::ostringstream target;
  target.setstate(std::ios::badbit);
  TerminalText text(target);
  std::ostream out(&text);
  out << "numbers" << std::flush;
  EXPECT_FALSE(out);
}

TEST(TerminalText, ATableKeepsItsLines) {
  TextTable table({"weight"});
  table.add({kRed});
  EXPECT_EQ(table.text(), "weight\n\\u001b[31mred\\n\n");
}

void expect_shown(const std::string& text, const std::string& shown) {
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_HOLDS(text, shown);
}

TEST(TerminalText, KeysNamesAndValuesOfDocumentsAreShownByEveryVerb) {
  const SmallSweep small;
  const Json whole = small.document();
  Json wrong = whole;
  wrong["training"][kRed] = 1;
  small.write(wrong);
  const Ran validated = run_program(small.path(), "validate sweep.json");
  EXPECT_EQ(validated.code, 2);
  expect_shown(validated.err, R"(#/training/\u001b[31mred\n: found key)");
  EXPECT_EQ(std::ranges::count(validated.err, '\n'), 1) << "a problem is a line";

  small.write(whole);
  const Ran verb = run_program(small.path(), "$(printf '\\033[31mred')");
  EXPECT_EQ(verb.code, 2);
  expect_shown(verb.err, R"(found verb "\u001b[31mred")");
  const Ran option = run_program(small.path(), "plan sweep.json \"--$(printf 'r\\033[31m\\ned')\"");
  EXPECT_EQ(option.code, 2);
  expect_shown(option.err, R"(\u001b[31m)");
  EXPECT_EQ(std::ranges::count(option.err, '\n'), 1);
  const Ran file = run_program(small.path(), "validate \"$(printf 'r\\033[31m\\ned.json')\"");
  expect_shown(file.err, R"(r\u001b[31m\ned.json #: found no such file)");
  EXPECT_EQ(std::ranges::count(file.err, '\n'), 1);
}

}  // namespace
}  // namespace isorbit::experiments
