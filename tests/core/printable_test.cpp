#include "core/document/printable.hpp"

#include <gtest/gtest.h>

namespace isorbit::core {
namespace {

TEST(Printable, PlainTextOfAnyScriptIsLeftAsItIs) {
  for (const char* text :
       {"", "layers.0.attn.q.weight", "caf\xc3\xa9", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\xa6\x89"}) {
    EXPECT_EQ(as_utf8(text), text);
    EXPECT_EQ(printable(text), text);
    EXPECT_EQ(printable_lines(text), text);
  }
}

TEST(Printable, BytesThatAreNoCharacterAreNamed) {
  EXPECT_EQ(as_utf8("caf\xe9/two.json"), R"(caf\xE9/two.json)");
  EXPECT_EQ(as_utf8("\xe2\x82"), R"(\xE2\x82)") << "cut off";
  EXPECT_EQ(as_utf8("\xed\xa0\x80"), R"(\xED\xA0\x80)") << "half of a pair";
  EXPECT_EQ(printable("\xff"), R"(\xFF)");
  EXPECT_EQ(as_utf8("\x1b[31m"), "\x1b[31m") << "what is data stays data";
}

TEST(Printable, NothingThatMovesATerminalIsLeft) {
  EXPECT_EQ(printable("\x1b[31mred\n"), R"(\u001b[31mred\n)");
  EXPECT_EQ(printable(std::string("a\0\t\r\x7f", 5)), R"(a\u0000\t\r\u007f)");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            R"(\u009b31m)")
      << "an escape of one character, as UTF-8";
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            R"(\x9B31m)")
      << "and as a byte";
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b\xe2\x80\xa8"),
            R"(a\u202eb\u2028)")
      << "turned writing, another kind of line";
  EXPECT_EQ(printable_lines("a\nb\r\x1b"), "a\nb\\r\\u001b");
}

}  // namespace
}  // namespace isorbit::core
