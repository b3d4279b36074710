#include "core/document/digest.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <system_error>

namespace isorbit::core {
namespace {

// FIPS 180-4 example values.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kMillion = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Digest, AgreesWithThePublishedExamples) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), kAbc);
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')), kMillion);
  const std::array<std::byte, 3> bytes = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  EXPECT_EQ(sha256_hex(bytes), kAbc);
}

TEST(Digest, OfAFileIsThatOfItsBytes) {
  const auto file = std::filesystem::temp_directory_path() / ("isorbit-digest-" + std::to_string(getpid()));
  std::ofstream(file, std::ios::binary) << std::string(1000000, 'a');
  EXPECT_EQ(sha256_file(file), kMillion);
  std::filesystem::remove(file);
}

TEST(Digest, OfAFileThatCannotBeReadNamesIt) {
  try {
    (void)sha256_file("/no/such/file");
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("/no/such/file"), std::string::npos);
  }
  EXPECT_THROW((void)sha256_file("/"), std::runtime_error) << "it is told what a folder is: no file";
}

}  // namespace
}  // namespace isorbit::core
