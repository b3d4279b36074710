#include "core/record/hdf5.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>

#include "core/record/durable_file.hpp"

namespace isorbit::core::hdf5 {
namespace {

namespace fs = std::filesystem;

class Hdf5 : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("isorbit_hdf5_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    path_ = folder_ / "a.h5";
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const fs::path& path) const {
    File file = File::create(path.string());
    file.write("/train/loss", std::span(loss_));
    file.write("/train/step", std::span(steps_));
    file.write("/event/kind", std::span(kinds_));
    file.write_matrix("/spectrum/w/s", matrix_, 2);
    file.write_text("/config", config_);
    file.write("/empty/step", std::span<const std::int64_t>());
    file.write("/empty/kind", std::span<const std::string>());
    file.make_scale("/train/step", "step");
    file.attach_scale("/train/loss", "/train/step", 0);
    file.set_attribute("/train/loss", "units", "nats");
    file.set_attribute("/train/loss", "note", "");
    file.set_attribute("/", "schema_version", std::int64_t{1});
    file.set_attribute("/spectrum/w/s", "shape", std::span(steps_));
    write_durably(path, file.finish());
  }
  static std::string message(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  const std::vector<double> loss_ = {1.5, NAN, -0.0, 1e-310};
  const std::vector<std::int64_t> steps_ = {0, 1, std::int64_t{1} << 60, -4};
  const std::vector<std::string> kinds_ = {"merge", "", "r\xc3\xa9scale"};
  const std::vector<float> matrix_ = {1, 2, 3, 4, 5, 6};
  const std::string config_ = [] {
    std::string text(100000, 'x');
    return text.append("\xc3\xa9");
  }();
  fs::path folder_, path_;
};

TEST_F(Hdf5, GivesBackWhatWasWritten) {
  write(path_);
  const File file = File::open(path_);
  const auto loss = file.read_doubles("/train/loss");
  ASSERT_EQ(loss.size(), 4u);
  EXPECT_TRUE(std::isnan(loss[1]));
  EXPECT_TRUE(std::signbit(loss[2]));
  EXPECT_EQ(loss[3], 1e-310);
  EXPECT_EQ(file.read_integers("/train/step"), steps_);
  EXPECT_EQ(file.read_doubles("/train/step")[1], 1.0);
  EXPECT_EQ(file.read_texts("/event/kind"), kinds_);
  EXPECT_EQ(file.read_floats("/spectrum/w/s"), matrix_);
  EXPECT_EQ(file.shape("/spectrum/w/s"), (std::vector<std::size_t>{3, 2}));
  EXPECT_EQ(file.read_text("/config"), config_);
  EXPECT_TRUE(file.read_integers("/empty/step").empty());
  EXPECT_TRUE(file.read_texts("/empty/kind").empty());
  EXPECT_EQ(file.text_attribute("/train/loss", "units"), "nats");
  EXPECT_EQ(file.text_attribute("/train/loss", "note"), "");
  EXPECT_EQ(file.integer_attribute("/", "schema_version"), std::vector<std::int64_t>{1});
  EXPECT_EQ(file.integer_attribute("/spectrum/w/s", "shape"), steps_);
}

TEST_F(Hdf5, ListsMembersKindsAndAttributes) {
  write(path_);
  const File file = File::open(path_);
  EXPECT_EQ(file.members("/"), (std::vector<std::string>{"config", "empty", "event", "spectrum", "train"}));
  EXPECT_EQ(file.kind("/train"), Kind::group);
  EXPECT_EQ(file.kind("/train/loss"), Kind::doubles);
  EXPECT_EQ(file.kind("/train/step"), Kind::integers);
  EXPECT_EQ(file.kind("/spectrum/w/s"), Kind::floats);
  EXPECT_EQ(file.kind("/event/kind"), Kind::texts);
  EXPECT_TRUE(file.exists("/train/loss"));
  EXPECT_TRUE(file.exists("/"));
  EXPECT_FALSE(file.exists("/train/loss/deeper"));
  EXPECT_FALSE(file.exists("/absent/deeper"));
  const auto names = file.attributes("/train/loss");
  EXPECT_EQ(names, (std::vector<std::string>{"DIMENSION_LIST", "note", "units"}));
  EXPECT_EQ(file.text_attribute("/train/step", "CLASS"), "DIMENSION_SCALE");
  EXPECT_FALSE(file.has_attribute("/train/loss", "absent"));
}

TEST_F(Hdf5, AGroupThatWasMadeRemembersTheOrderOfItsMembers) {
  {
    File file = File::create("a.h5");
    file.make_group("/deep/train");
    for (const char* name : {"step", "loss", "a"})
      file.write(std::string("/deep/train/") + name, std::span(loss_));
    write_durably(path_, file.finish());
  }
  EXPECT_EQ(File::open(path_).members("/deep/train"), (std::vector<std::string>{"step", "loss", "a"}));
}

TEST_F(Hdf5, TheSameContentsTwiceGiveTheSameFile) {
  write(path_);
  ::usleep(1100000);  // a second later, so that a time stamp would differ
  write(folder_ / "b.h5");
  std::ifstream a(path_, std::ios::binary), b(folder_ / "b.h5", std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(a), {}),
            std::string(std::istreambuf_iterator<char>(b), {}));
}

TEST_F(Hdf5, ErrorsNameTheFileThePathAndTheReasonAndPrintNothing) {
  write(path_);
  testing::internal::CaptureStderr();
  const File file = File::open(path_);
  const auto absent = message([&] { (void)file.read_doubles("/train/absent"); });
  EXPECT_NE(absent.find(path_.string() + ":/train/absent: cannot open the dataset ("), std::string::npos)
      << absent;
  EXPECT_NE(message([&] { (void)file.read_integers("/train/loss"); }).find("expected integers"),
            std::string::npos);
  EXPECT_NE(message([&] { (void)file.read_text("/train/loss"); }).find("expected text"), std::string::npos);
  EXPECT_NE(message([&] { (void)file.text_attribute("/", "absent"); }).find("/@absent"), std::string::npos);
  EXPECT_THROW((void)File::open(folder_ / "absent.h5"), std::system_error)
      << "what cannot be read is not wrong";
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Hdf5, ADamagedChunkIsAnErrorNotAWrongNumber) {
  std::vector<double> noise(3000);
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = std::sin(static_cast<double>(i * i));
  {
    File file = File::create("a.h5");
    file.write("/x", std::span<const double>(noise));
    write_durably(path_, file.finish());
  }
  std::fstream raw(path_, std::ios::binary | std::ios::in | std::ios::out);
  raw.seekp(static_cast<std::streamoff>(fs::file_size(path_)) / 2);
  raw.put('\x5a').put('\xa5');
  raw.close();
  const File file = File::open(path_);
  EXPECT_NE(message([&] { (void)file.read_doubles("/x"); }).find("cannot read the dataset"),
            std::string::npos);
}

}  // namespace
}  // namespace isorbit::core::hdf5
