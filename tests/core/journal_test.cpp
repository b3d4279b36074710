#include "core/record/journal.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>

#include "core/record/cbor.hpp"
#include "core/record/durable_file.hpp"

namespace isorbit::core {
namespace {

namespace fs = std::filesystem;

class JournalFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("isorbit_journal_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    path_ = folder_ / "run.journal";
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string bytes() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void overwrite(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
  void write_rows(int from, int to) const {
    Journal journal(path_);
    for (int step = from; step < to; ++step) journal.append(row(step));
  }
  static Json row(int step) { return {{"series", "train"}, {"step", step}, {"loss", 1.0 / (step + 1)}}; }

  fs::path folder_, path_;
};

TEST_F(JournalFile, GivesBackEveryRowInOrderAfterReopening) {
  write_rows(0, 5);
  write_rows(5, 9);
  const auto contents = Journal::read(path_);
  ASSERT_EQ(contents.rows.size(), 9u);
  for (int step = 0; step < 9; ++step) EXPECT_EQ(contents.rows[step], row(step));
  EXPECT_TRUE(contents.whole());
  EXPECT_EQ(contents.valid_bytes, fs::file_size(path_));
}

TEST_F(JournalFile, KeepsDoublesBitForBit) {
  std::vector<double> values = {
      0.0,      -0.0,      1.0 / 3,    5e-324, 1e308,
      INFINITY, -INFINITY, 16777217.0, 0.1f,   std::numeric_limits<double>::quiet_NaN()};
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const double x = std::bit_cast<double>(random());
    if (!std::isnan(x)) values.push_back(x);
  }
  Journal(path_).append(Json{{"values", values}});
  const auto rows = Journal::read(path_).rows;
  ASSERT_EQ(rows.size(), 1u);
  ASSERT_EQ(rows[0]["values"].size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_TRUE(rows[0]["values"][i].is_number_float());
    EXPECT_EQ(std::bit_cast<std::uint64_t>(rows[0]["values"][i].get<double>()),
              std::bit_cast<std::uint64_t>(values[i]));
  }
}

TEST_F(JournalFile, KeepsPackedArraysBitForBit) {
  const std::vector<float> floats = {1.5f, -0.0f, std::bit_cast<float>(0xffc01234u), 1e-45f};
  const std::vector<double> doubles = {0.1, std::bit_cast<double>(0xfff8000000000001u)};
  Journal(path_).append(
      Json{{"f", pack_floats(floats)}, {"d", pack_doubles(doubles)}, {"e", pack_floats({})}});
  const Json row = Journal::read(path_).rows.at(0);
  const auto f = unpack_floats(row["f"]);
  const auto d = unpack_doubles(row["d"]);
  ASSERT_EQ(f.size(), 4u);
  ASSERT_EQ(d.size(), 2u);
  EXPECT_EQ(std::memcmp(f.data(), floats.data(), 16), 0);
  EXPECT_EQ(std::memcmp(d.data(), doubles.data(), 16), 0);
  EXPECT_TRUE(unpack_floats(row["e"]).empty());
  EXPECT_THROW((void)unpack_doubles(Json("text")), std::invalid_argument);
  EXPECT_THROW((void)unpack_doubles(pack_floats(std::vector<float>(3))), std::invalid_argument);
}

TEST_F(JournalFile, CutAnywhereYieldsExactlyTheWholeFramesBefore) {
  write_rows(0, 6);
  const std::string whole = bytes();
  std::vector<std::size_t> ends{0};
  for (int n = 1; n <= 6; ++n) {
    fs::remove(path_);
    write_rows(0, n);
    ends.push_back(fs::file_size(path_));
  }
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    overwrite(whole.substr(0, cut));
    const auto contents = Journal::read(path_);
    std::size_t expected = 0;
    while (expected < 6 && ends[expected + 1] <= cut) ++expected;
    ASSERT_EQ(contents.rows.size(), expected) << "cut at " << cut;
    ASSERT_EQ(contents.valid_bytes, ends[expected]);
    ASSERT_EQ(contents.whole(), cut == ends[expected]);
  }
}

TEST_F(JournalFile, AFlippedBitIsNeverReadAsARow) {
  write_rows(0, 4);
  const std::string whole = bytes();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    overwrite(damaged);
    const auto contents = Journal::read(path_);
    ASSERT_FALSE(contents.whole()) << "bit " << bit;
    ASSERT_LT(contents.rows.size(), 4u);
    for (std::size_t i = 0; i < contents.rows.size(); ++i) ASSERT_EQ(contents.rows[i], row(i));
  }
}

TEST_F(JournalFile, ATornTailIsCutWhenOpenedSoThatLaterRowsAreRead) {
  write_rows(0, 3);
  overwrite(bytes().substr(0, bytes().size() - 5));
  write_rows(2, 4);
  const auto contents = Journal::read(path_);
  EXPECT_TRUE(contents.whole());
  ASSERT_EQ(contents.rows.size(), 4u);
  EXPECT_EQ(contents.rows[3], row(3));
}

TEST_F(JournalFile, MayBeginWithRowsOfAnotherThatAreThereTogetherOrNotAtAll) {
  write_rows(0, 10);
  const std::vector<Json> rows = Journal::read(path_).rows;
  const fs::path next = folder_ / "next.journal";
  Journal::write(next, std::span(rows).first(7));
  Journal(next).append(row(7));
  const auto contents = Journal::read(next);
  EXPECT_TRUE(contents.whole());
  EXPECT_EQ(contents.rows, std::vector<Json>(rows.begin(), rows.begin() + 8));
  EXPECT_FALSE(fs::exists(part_of(next)));
  EXPECT_THROW(Journal::write(folder_ / "absent" / "next", rows), std::runtime_error);
}

TEST_F(JournalFile, AppendedRowsSurviveKill) {
  const pid_t child = ::fork();
  if (child == 0) {
    Journal journal(path_);
    for (int step = 0; step < 100; ++step) journal.append(row(step));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(Journal::read(path_).rows.size(), 100u);
}

TEST_F(JournalFile, AFullDiskIsAnErrorThatNamesThePathAndLeavesNoTornFrame) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Journal journal(path_);
    try {
      for (int step = 0; step < 100; ++step) journal.append(row(step));
    } catch (const std::runtime_error& error) {
      ::_exit(std::string(error.what()).find(path_.string()) == std::string::npos ? 2 : 0);
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const auto contents = Journal::read(path_);
  EXPECT_TRUE(contents.whole()) << contents.damage;
  EXPECT_GT(contents.rows.size(), 5u);
}

TEST_F(JournalFile, AMissingFolderIsNamed) {
  try {
    Journal journal(folder_ / "absent" / "run.journal");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("absent"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("No such file"), std::string::npos);
  }
}

TEST(PlainCbor, RefusesNestingThatWouldExhaustTheStack) {
  const auto plain = [](const std::vector<std::uint8_t>& v) {
    return is_plain_cbor(std::as_bytes(std::span(v)));
  };
  EXPECT_TRUE(plain(Json::to_cbor(Json{{"a", {1, -2, 0.5, nullptr, true, "x", Json::object()}}})));
  EXPECT_FALSE(plain(std::vector<std::uint8_t>(1000000, 0x7f)));  // indefinite text in text
  EXPECT_FALSE(plain(std::vector<std::uint8_t>(1000000, 0x81)));  // arrays in arrays
  EXPECT_FALSE(plain(std::vector<std::uint8_t>(1000000, 0xc6)));  // tags of tags
  EXPECT_FALSE(plain({0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_FALSE(plain({0xa1, 0x01, 0x01}));  // a key that is no text
  EXPECT_FALSE(plain({0x01, 0x01}));
  EXPECT_FALSE(plain({}));
}

}  // namespace
}  // namespace isorbit::core
