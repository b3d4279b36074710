#include "core/record/run_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>

#include "core/record/durable_file.hpp"
#include "core/record/hdf5.hpp"
#include "core/record/seal.hpp"

namespace isorbit::core {
namespace {

namespace fs = std::filesystem;

class RunFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("isorbit_run_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    path_ = folder_ / "run.h5";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static RunRecord record() {
    RunRecord out;
    out.config = R"({"name":"caf\u00e9"})";
    out.provenance = {{"compiler", "g++ 12"}, {"threads", "2"}, {"data_sha256", ""}};
    Column step{"step", std::vector<std::int64_t>(3000), "1", ""},
        loss{"loss", std::vector<double>(3000), "nats", "loss"};
    for (int i = 0; i < 3000; ++i) {
      std::get<std::vector<std::int64_t>>(step.values)[i] = i;
      std::get<std::vector<double>>(loss.values)[i] = i == 7 ? NAN : std::exp(-i * 1e-3);
    }
    out.series = {{"train", {step, loss}},
                  {"valid",
                   {{"step", std::vector<std::int64_t>{0, 50}, "", ""},
                    {"loss", std::vector<double>{5, 4}, "nats", ""}}},
                  {"measure/layers.0.attn.q.weight",
                   {{"step", std::vector<std::int64_t>{100}, "", ""},
                    {"entropy", std::vector<double>{0.9}, "1", "SVD entropy"}}},
                  {"event",
                   {{"step", std::vector<std::int64_t>{200, 200}, "", ""},
                    {"kind", std::vector<std::string>{"merge", "rescale"}, "", ""},
                    {"defect", std::vector<double>{1e-9, 0}, "1", ""}}},
                  {"segment",
                   {{"start_step", std::vector<std::int64_t>{}, "", ""},
                    {"resumed_from", std::vector<std::string>{}, "", ""}}}};
    out.spectra = {
        {"layers.0.attn.q.weight", {0, 100}, 3, {3, 2, 1, 4, 2, NAN}, {4, 3}, "dgesdd of the f32 weight"}};
    return out;
  }
  std::string message(const std::function<void()>& act) const {
    try {
      act();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  }
  std::string refused(const RunRecord& wrong) const {
    return message([&] { write_run(path_, wrong); });
  }
  static std::string bytes(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder_, path_;
};

TEST_F(RunFile, ComesBackAsItWasWrittenInTheSameOrder) {
  const RunRecord in = record();
  write_run(path_, in);
  const RunRecord out = read_run(path_);
  EXPECT_EQ(out.config, in.config);
  EXPECT_EQ(out.config_sha256.size(), 64u);
  EXPECT_EQ(out.provenance, in.provenance);
  ASSERT_EQ(out.series.size(), in.series.size());
  for (const Series& series : in.series) {
    const Series& back = out.at(series.path);
    ASSERT_EQ(back.columns.size(), series.columns.size());
    for (std::size_t i = 0; i < series.columns.size(); ++i) {
      EXPECT_EQ(back.columns[i].name, series.columns[i].name);
      EXPECT_EQ(back.columns[i].unit, series.columns[i].unit);
      EXPECT_EQ(back.columns[i].long_name, series.columns[i].long_name);
      if (series.columns[i].name != "loss") {
        EXPECT_EQ(back.columns[i].values, series.columns[i].values);
      }
    }
  }
  const auto expected = in.at("train").at("loss").doubles(), loss = out.at("train").at("loss").doubles();
  ASSERT_EQ(loss.size(), expected.size());
  for (std::size_t i = 0; i < loss.size(); ++i)
    EXPECT_TRUE(loss[i] == expected[i] || (std::isnan(loss[i]) && std::isnan(expected[i])));
  ASSERT_EQ(out.spectra.size(), 1u);
  EXPECT_EQ(out.spectra[0].steps, in.spectra[0].steps);
  EXPECT_EQ(out.spectra[0].rank, 3u);
  EXPECT_EQ(out.spectra[0].shape, in.spectra[0].shape);
  EXPECT_EQ(out.spectra[0].source, in.spectra[0].source);
  EXPECT_EQ(out.spectra[0].values[3], 4.0f);
  EXPECT_FALSE(fs::exists(part_of(path_)));
}

TEST_F(RunFile, StepColumnsAreTheDimensionScalesOfTheirSeries) {
  write_run(path_, record());
  const auto file = hdf5::File::open(path_);
  for (const char* axis : {"/train/step", "/valid/step", "/event/step", "/segment/start_step",
                           "/measure/layers.0.attn.q.weight/step", "/spectrum/layers.0.attn.q.weight/step",
                           "/spectrum/layers.0.attn.q.weight/rank"})
    EXPECT_EQ(file.text_attribute(axis, "CLASS"), "DIMENSION_SCALE") << axis;
  for (const char* column :
       {"/train/loss", "/event/kind", "/spectrum/layers.0.attn.q.weight/singular_values"})
    EXPECT_TRUE(file.has_attribute(column, "DIMENSION_LIST")) << column;
}

TEST_F(RunFile, EqualRecordsGiveEqualBytesWhateverMadeTheirNaN) {
  RunRecord one = record(), other = record();
  std::get<std::vector<double>>(other.series[0].columns[1].values)[7] =
      std::bit_cast<double>(0xfff8000000000123u);
  write_run(path_, one);
  ::usleep(1100000);
  write_run(folder_ / "other.h5", other);
  EXPECT_EQ(bytes(path_), bytes(folder_ / "other.h5"));
}

TEST_F(RunFile, WrongRecordsAreRefusedByNameAndLeaveTheOldFile) {
  write_run(path_, record());
  const std::string before = bytes(path_);
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  RunRecord wrong = record();
  std::get<std::vector<double>>(wrong.series[1].columns[1].values).push_back(3);
  EXPECT_TRUE(has(refused(wrong), "expected equal lengths")) << refused(wrong);
  EXPECT_TRUE(has(refused(wrong), path_.c_str()));
  wrong = record();
  wrong.series[0].path = "a//b";
  EXPECT_TRUE(has(refused(wrong), "expected text without"));
  wrong.series[0].path = "spectrum/x";
  EXPECT_TRUE(has(refused(wrong), "expected another name"));
  wrong = record();
  wrong.series[0].columns[1].name = "step";
  EXPECT_TRUE(has(refused(wrong), "cannot create the dataset")) << refused(wrong);
  wrong = record();
  wrong.config = "\xff";
  EXPECT_TRUE(has(refused(wrong), "not UTF-8"));
  wrong = record();
  wrong.spectra[0].values.pop_back();
  EXPECT_TRUE(has(refused(wrong), "expected 2 steps of 3"));
  EXPECT_EQ(bytes(path_), before);
  EXPECT_FALSE(fs::exists(part_of(path_)));
}

TEST_F(RunFile, AFullDiskIsAnErrorThatLeavesTheOldFile) {
  write_run(path_, record());
  const std::string before = bytes(path_);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{8000, 8000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto text = refused(record());
    ::_exit(text.find("cannot") != std::string::npos && text.find("run.h5") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(bytes(path_), before);
  EXPECT_FALSE(fs::exists(part_of(path_)));
}

// HDF5 itself crashes on some damaged files, so the damage must be found before it looks.
TEST_F(RunFile, DamageAnywhereIsFoundBeforeTheFileIsParsed) {
  write_run(path_, record());
  const std::string whole = bytes(path_);
  for (std::size_t at = 0; at + 80 < whole.size(); at += 997) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    std::ofstream(path_, std::ios::binary) << damaged;
    EXPECT_NE(message([&] { (void)read_run(path_); }).find("damaged since it was sealed"), std::string::npos)
        << at;
  }
}

TEST_F(RunFile, WithoutASealItIsReadOnlyWhereThatIsAskedForAndSaysSo) {
  write_run(path_, record());
  EXPECT_TRUE(read_run(path_, Seal::optional).sealed);
  const std::string whole = bytes(path_);
  std::ofstream(path_, std::ios::binary) << whole.substr(0, whole.size() - 80);
  EXPECT_NE(message([&] { (void)read_run(path_); }).find("found no seal at its end"), std::string::npos);
  const RunRecord read = read_run(path_, Seal::optional);
  EXPECT_FALSE(read.sealed);
  EXPECT_EQ(read.series.size(), record().series.size());
}

TEST_F(RunFile, WhatCannotBeReadIsAnErrorOfTheSystemAndNotOfTheFile) {
  write_run(path_, record());
  fs::rename(path_, folder_ / "elsewhere");
  EXPECT_THROW((void)read_run(path_), std::system_error);
  fs::create_symlink(path_, path_);
  try {
    (void)read_run(path_);
    ADD_FAILURE() << "read";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::too_many_symbolic_link_levels);
  }
}

// A path and a command line may be any bytes; HDF5 takes UTF-8, and 64 KiB of an attribute.
TEST_F(RunFile, TextThatHdf5CannotHoldIsWrittenAsItCan) {
  RunRecord odd = record();
  odd.provenance["argv"] = "isorbit run caf\xe9/two.json";
  odd.provenance["long"] = std::string(100000, 'x');
  std::get<std::vector<std::string>>(odd.series_at("event").columns[1].values) = {std::string("a\0b", 3), "\xe2\x82"};
  write_run(path_, odd);
  const RunRecord read = read_run(path_);
  EXPECT_EQ(read.provenance.at("argv"), R"(isorbit run caf\xE9/two.json)");
  std::string cut(60000, 'x');
  cut += "... (100000 bytes)";
  EXPECT_EQ(read.provenance.at("long"), cut);
  EXPECT_EQ(read.at("event").at("kind").texts(), (std::vector<std::string>{R"(a\x00b)", R"(\xE2\x82)"}));
}

TEST_F(RunFile, FilesThatAreNoRunAreRefused) {
  const auto sealed = [&](std::vector<std::byte> bytes) {
    add_seal(bytes);
    write_durably(path_, bytes);
    return message([&] { (void)read_run(path_); });
  };
  EXPECT_NE(sealed({}).find("cannot open as HDF5"), std::string::npos);
  EXPECT_NE(sealed(std::vector<std::byte>(5000)).find("cannot open as HDF5"), std::string::npos);
  EXPECT_NE(sealed(hdf5::File::create("run.h5").finish()).find("not the record of a run"), std::string::npos);
  auto file = hdf5::File::create("run.h5");
  file.write_text("/config", "{}");
  file.set_attribute("/", "schema_version", kSchemaVersion + 1);
  const std::string text = sealed(file.finish());
  EXPECT_NE(text.find("found schema version 3; this program reads 1 to 2"), std::string::npos) << text;
}

TEST(RunRecord, AMissingSeriesOrColumnIsAnErrorThatNamesTheOnesThereAre) {
  RunRecord record;
  record.series_at("train").columns.push_back({"step", std::vector<std::int64_t>{1}, "", ""});
  EXPECT_EQ(&record.series_at("train"), record.find("train"));
  const auto text = [](const std::function<void()>& act) {
    try {
      act();
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(text([&] { (void)record.at("valid"); }), "the record has no series \"valid\"; there are: train");
  EXPECT_EQ(text([&] { (void)record.at("train").at("loss"); }),
            "series train: found no column \"loss\"; there are: step");
  EXPECT_EQ(text([&] { (void)record.at("train").at("step").texts(); }),
            "column \"step\": found integers; expected text");
}

}  // namespace
}  // namespace isorbit::core
