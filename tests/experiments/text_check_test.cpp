#include "experiments/data/text_check.hpp"

#include "experiments/data/tokenizer.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

std::string said_of(std::string_view bytes) {
  const TemporaryFolder folder;
  const DataFile file(folder.write("train.txt", bytes));
  try {
    check_text(file);
  } catch (const DataError& error) {
    return error.what();
  }
  return {};
}

TEST(TextCheck, PackedDataAreCalledByTheirNameWithTheCommandThatUnpacksThem) {
  using namespace std::string_view_literals;
  EXPECT_HOLDS(said_of("\x1f\x8b\x08rest"), "train.txt: found gzip data");
  EXPECT_HOLDS(said_of("\x1f\x8b\x08rest"), "unpack it: gzip -d");
  EXPECT_HOLDS(said_of("\x28\xb5\x2f\xfdrest"), "found zstd data");
  EXPECT_HOLDS(said_of("\xfd\x37\x7a\x58\x5a\0rest"sv), "found xz data");
  EXPECT_HOLDS(said_of("PK\x03\x04rest"), "found zip data");
  EXPECT_HOLDS(said_of("BZh91AY&SY"), "found bzip2 data");
  EXPECT_HOLDS(said_of("\xff\xfe"
                       "a\0b\0"sv),
               "found UTF-16 data");
}

TEST(TextCheck, ABinaryFileIsToldItsFirstZero) {
  using namespace std::string_view_literals;
  EXPECT_HOLDS(said_of("one\ntwo\0"sv), "found a 0 as byte 4 of line 2; expected plain text");
  EXPECT_HOLDS(said_of("a\0b\0"sv), "found a 0 as byte 2 of line 1");
  const std::string long_line(3 << 20, 'x');
  EXPECT_HOLDS(said_of("\n" + long_line + std::string(1, '\0')),
               "byte " + std::to_string(long_line.size() + 1) + " of line 2");
}

TEST(TextCheck, TextOfAnyEncodingIsText) {
  for (const char* text :
       {"", "\n", "plain\n", "caf\xe9 in Latin 1", "\xef\xbb\xbfwith a mark", "PK and BZ, not packed"})
    EXPECT_EQ(said_of(text), "") << text;
}

TEST(TextCheck, WhatIsNotUtf8IsNamedByLineAndByte) {
  check_utf8("caf\xc3\xa9\n\xf0\x9f\x99\x82", "train.txt");
  EXPECT_HOLDS(message_of<DataError>([] { check_utf8("one\ncaf\xe9\n", "train.txt"); }),
               "train.txt: found 0xe9 as byte 4 of line 2, which is not UTF-8; expected UTF-8 text");
}

TEST(TextCheck, StandsBeforeBothTokenizers) {
  const TemporaryFolder folder, cache;
  const CacheIn kept(cache.path());
  folder.write("mine/train.txt", made_text(60000));
  folder.write("mine/valid.txt", "\x1f\x8b\x08" + made_text(9000));
  const TokenizerChoice choices[] = {{}, {"bpe", 300}};
  for (const TokenizerChoice& choice : choices)
    EXPECT_HOLDS(message_of<DataError>([&] { (void)tokenize(open_corpus("mine", folder.path()), choice); }),
                 "valid.txt: found gzip data");
}

}  // namespace
}  // namespace isorbit::experiments
