#include "core/runtime/build_id.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace isorbit::core {
namespace {

TEST(BuildId, IsTheBeginningOfWhatReadelfFindsInTheProgram) {
  const std::unique_ptr<FILE, int (*)(FILE*)> readelf(
      ::popen("readelf --notes /proc/$PPID/exe | sed -n 's/.*Build ID: //p'", "r"), ::pclose);
  ASSERT_TRUE(readelf);
  std::array<char, 64> line{};
  ASSERT_NE(std::fgets(line.data(), line.size(), readelf.get()), nullptr)
      << "binutils come with the compiler";
  EXPECT_EQ(build_id().size(), 16U);
  EXPECT_EQ(std::string(line.data()).substr(0, 16), build_id());
}

}  // namespace
}  // namespace isorbit::core
