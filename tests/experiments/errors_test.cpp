// Wrong documents as data: every folder of tests/errors/ but common/ is a case. Its files lie over those of
// common/, its command runs there, and stderr must be its `expected`, byte by byte; "[...]" in it stands for
// any text, where a list grows with every op or word.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/experiments/document_cases.hpp"

namespace isorbit::experiments {
namespace {

namespace fs = std::filesystem;

/// Every file with its bytes.
std::map<std::string, std::string> snapshot(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    files[entry.path().lexically_relative(folder).string()] =
        entry.is_regular_file() ? contents(entry.path()) : "";
  return files;
}

/// True when `text` is `pattern`, whose every "[...]" may be any text.
bool fits(std::string_view text, std::string_view pattern) {
  constexpr std::string_view any = "[...]";
  std::size_t mark = pattern.find(any);
  if (mark == pattern.npos) return text == pattern;
  if (!text.starts_with(pattern.substr(0, mark))) return false;
  text.remove_prefix(mark);
  pattern.remove_prefix(mark + any.size());
  mark = pattern.find(any);
  if (mark == pattern.npos) return text.ends_with(pattern);
  const std::size_t next = text.find(pattern.substr(0, mark));
  return next != text.npos && fits(text.substr(next), pattern);
}

class WrongDocument : public testing::TestWithParam<std::string> {};

TEST_P(WrongDocument, IsExplainedAndNothingIsWritten) {
  const fs::path folder = case_folder("errors") / GetParam();
  const SmallSweep here;
  const std::string command = lay_out(folder, here);
  const std::map<std::string, std::string> before = snapshot(here.path());
  const Ran ran = run_program(here.path(), command);
  EXPECT_PRED2(fits, ran.err, contents(folder / "expected"));
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(snapshot(here.path()), before) << "something was written";
}

INSTANTIATE_TEST_SUITE_P(Errors, WrongDocument, testing::ValuesIn(cases_of("errors")),
                         [](const auto& info) { return info.param; });

TEST(RightDocument, IsAcceptedInSilence) {
  const SmallSweep here;
  for (const char* document : {"sweep.json", "model.json", "adamw.json", "poet.json", "wisca.json"}) {
    const Ran ran = run_program(here.path(), std::string("validate ") + document);
    EXPECT_EQ(ran.code, 0) << document;
    EXPECT_EQ(ran.err + ran.out, "") << document;
  }
}

TEST(MissingDocument, ThatShipsIsFoundByItsBareName) {
  const SmallSweep here;
  here.folder().write("experiments/sweeps/quick.json", contents(here.path() / "sweep.json"));
  for (const char* name : {"quick", "quick.json"}) {
    const Ran ran = run_program(here.path(), std::string("run ") + name);
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.err, std::string(name) +
                           " #: found no such file; expected a sweep document; did you mean "
                           "\"experiments/sweeps/quick.json\"?\n");
  }
}

TEST(MyData, IsCheckedBeforeAnythingIsTrainedAndWhatItLacksIsSaid) {
  const SmallSweep here;
  const std::string text = made_text(4096), valid = made_text(1024, 2);
  here.folder().write("data/mine/notes.txt", text);
  const auto said = [&] {
    const std::string before = listing(here.path());
    const Ran ran = run_program(here.path(), "validate sweep.json data.corpus=mine");
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(listing(here.path()), before);
    EXPECT_FALSE(holds(ran.err, "prose")) << ran.err;
    return ran.err;
  };
  EXPECT_HOLDS(said(), "data/mine holds \"notes.txt\" and lacks train.txt, valid.txt");
  here.folder().write("data/mine/train.txt", text);
  EXPECT_HOLDS(said(), "and lacks valid.txt");
  here.folder().write("data/mine/valid.txt", valid.substr(0, 10));
  EXPECT_HOLDS(said(), "data/mine/valid.txt has 10 tokens; a window of seq");
  here.folder().write("data/mine/valid.txt", valid);
  here.folder().write("data/mine/train.txt", "\x1f\x8b\x08" + text);
  EXPECT_HOLDS(said(), "data/mine/train.txt: found gzip data by its first bytes; expected plain text");
}

TEST(HostileDocument, OfAHundredThousandBracketsIsRefused) {
  const SmallSweep here;
  for (const char* bracket : {"[", "{\"a\":"}) {
    std::string text;
    for (int i = 0; i < 100000; ++i) text += bracket;
    std::ofstream(here.path() / "deep.json") << text;
    const Ran ran = run_program(here.path(), "validate deep.json");
    EXPECT_EQ(ran.code, 2);
    EXPECT_HOLDS(ran.err, "deep.json:1:");
    EXPECT_HOLDS(ran.err, "64");
  }
}

TEST(HostileDocument, LosingAnyByteNeverCrashesTheProgram) {
  const SmallSweep here;
  const std::string whole = contents(here.path() / "sweep.json");
  for (std::size_t cut = 0; cut < whole.size(); cut += 37) {
    std::ofstream(here.path() / "sweep.json") << whole.substr(0, cut) + whole.substr(cut + 1);
    const Ran ran = run_program(here.path(), "validate sweep.json");
    EXPECT_TRUE(ran.code == 0 || ran.code == 2) << "without byte " << cut << ": " << ran.code << "\n"
                                                << ran.err;
    EXPECT_EQ(ran.code == 2, !ran.err.empty());
  }
}

}  // namespace
}  // namespace isorbit::experiments
