#include "core/record/tensor_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <random>

#include "core/record/durable_file.hpp"

namespace isorbit::core {
namespace {

namespace fs = std::filesystem;

class Checkpoint : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("isorbit_tensors_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    path_ = folder_ / "weights.safetensors";
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write() const {
    const std::vector<TensorView> tensors = {
        view_of<float>("layers.0.attn.q.weight", {2, 3}, weights_),
        view_of<double>("moment", {2}, moments_),
        view_of<std::int32_t>("permutation", {3}, order_),
        view_of<std::int64_t>("step", {}, step_),
        view_of<std::uint8_t>("flags", {1}, flags_),
        view_of<float>("empty", {0, 4}, std::span<const float>()),
    };
    write_tensors(path_, tensors, {{"format", "pt"}});
  }

  const std::vector<float> weights_ = {1, -0.0f, 3e-45f, INFINITY, 5, 6};
  const std::vector<double> moments_ = {0.1, 1e-300};
  const std::vector<std::int32_t> order_ = {2, 0, 1};
  const std::vector<std::int64_t> step_ = {std::int64_t{1} << 40};
  const std::vector<std::uint8_t> flags_ = {255};
  fs::path folder_, path_;
};

// A file made by hand: header text, then `data` bytes.
std::vector<std::byte> made(const std::string& header, std::size_t data, std::uint64_t length) {
  std::string text(8, '\0');
  for (int i = 0; i < 8; ++i) text[i] = static_cast<char>(length >> (8 * i));
  text += header + std::string(data, '\1');
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}
std::string complaint(const std::string& header, std::size_t data) {
  try {
    (void)parse_tensors(made(header, data, header.size()), "file");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST_F(Checkpoint, ComesBackBitForBitWithItsMetadata) {
  write();
  const auto file = read_tensors(path_);
  EXPECT_EQ(file.metadata.at("format"), "pt");
  EXPECT_EQ(file.metadata.at("sha256").size(), 64u);
  EXPECT_EQ(file.at("layers.0.attn.q.weight").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(file.at("layers.0.attn.q.weight").values<float>(), weights_);
  EXPECT_TRUE(std::signbit(file.at("layers.0.attn.q.weight").values<float>()[1]));
  EXPECT_EQ(file.at("moment").values<double>(), moments_);
  EXPECT_EQ(file.at("permutation").values<std::int32_t>(), order_);
  EXPECT_EQ(file.at("step").values<std::int64_t>(), step_);
  EXPECT_EQ(file.at("flags").values<std::uint8_t>(), flags_);
  EXPECT_TRUE(file.at("empty").data.empty());
  EXPECT_FALSE(fs::exists(part_of(path_)));
}

TEST_F(Checkpoint, AWrongNameOrTypeIsAnErrorThatNamesIt) {
  write();
  const auto file = read_tensors(path_);
  EXPECT_THROW((void)file.at("moment").values<float>(), std::runtime_error);
  EXPECT_EQ(file.find("absent"), nullptr);
  try {
    (void)file.at("momemt");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"moment\""), std::string::npos);
  }
}

TEST_F(Checkpoint, EveryCutAndEveryFlippedBitIsNoticed) {
  write();
  const auto whole = read_bytes(path_);
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_THROW((void)parse_tensors(std::span(whole).first(cut), "cut"), std::runtime_error);
  const std::size_t data = whole.size() - (24 + 16 + 12 + 8 + 1);
  for (std::size_t at = data; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] ^= std::byte{4};
    EXPECT_THROW((void)parse_tensors(damaged, "flipped"), std::runtime_error);
  }
}

TEST_F(Checkpoint, RandomDamageNeverCrashesTheReader) {
  write();
  const auto whole = read_bytes(path_);
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    auto damaged = whole;
    for (unsigned n = 1 + random() % 8; n > 0; --n)
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    try {
      (void)parse_tensors(damaged, "damaged");
    } catch (const std::runtime_error&) {
    }
  }
}

TEST_F(Checkpoint, AFailedWriteLeavesTheOldFile) {
  write();
  const std::vector<TensorView> wrong = {view_of<float>("w", {7}, weights_)};
  EXPECT_THROW(write_tensors(path_, wrong), std::invalid_argument);
  const std::vector<TensorView> twice = {view_of<float>("w", {6}, weights_),
                                         view_of<float>("w", {6}, weights_)};
  EXPECT_THROW(write_tensors(path_, twice), std::invalid_argument);
  const std::vector<TensorView> reserved = {view_of<float>("__metadata__", {6}, weights_)};
  EXPECT_THROW(write_tensors(path_, reserved), std::invalid_argument);
  EXPECT_EQ(read_tensors(path_).tensors.size(), 6u);
  EXPECT_THROW(write_tensors(folder_ / "absent" / "w", {}), std::runtime_error);
}

TEST(Safetensors, AForeignFileWithoutADigestIsRead) {
  const std::string header =
      R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  )";
  const auto file = parse_tensors(made(header, 6, header.size()), "file");
  ASSERT_EQ(file.tensors.size(), 2u);
  EXPECT_EQ(file.tensors[0].name, "a");
}

TEST(Safetensors, EveryKindOfWrongHeaderIsNamed) {
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(complaint("[]", 0), "not a JSON object"));
  EXPECT_TRUE(has(complaint("{", 0), "not a JSON object"));
  EXPECT_TRUE(has(complaint(R"({"a":1})", 0), "expected an object"));
  EXPECT_TRUE(has(complaint("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}", 0), "nested"));
  EXPECT_TRUE(has(complaint(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":1})", 0), "found twice"));
  EXPECT_TRUE(has(complaint(R"({"__metadata__":{"a":1}})", 0), "expected text"));
  EXPECT_TRUE(has(complaint(R"({"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}})", 1), "F8"));
  EXPECT_TRUE(
      has(complaint(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1), "integer from 0"));
  EXPECT_TRUE(has(complaint(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}})", 1), "do not fit"));
  EXPECT_TRUE(has(complaint(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", 1), "begin <= end"));
  EXPECT_TRUE(has(complaint(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2), "hole"));
  EXPECT_TRUE(
      has(complaint(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 2), "found 2 bytes of data"));
  EXPECT_TRUE(has(
      complaint(
          R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
          3),
      "overlaps"));
  // 2^33 * 2^33 elements: the product of the dimensions overflows 64 bits to 0.
  EXPECT_TRUE(
      has(complaint(R"({"a":{"dtype":"U8","shape":[8589934592,8589934592],"data_offsets":[0,0]}})", 0),
          "do not fit"));
  EXPECT_THROW((void)parse_tensors(made("{}", 0, ~std::uint64_t{0}), "huge"), std::runtime_error);
  EXPECT_EQ(complaint("{}", 0), "accepted");
}

}  // namespace
}  // namespace isorbit::core
