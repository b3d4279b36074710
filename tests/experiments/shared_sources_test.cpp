#include "experiments/data/shared_sources.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

/// Descriptors of this process that are open on a file.
int descriptors_of(const std::filesystem::path& file) {
  int count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    count += std::filesystem::read_symlink(entry.path(), error) == file ? 1 : 0;
  return count;
}

class Shared : public testing::Test {
 protected:
  Shared() {
    folder_.write("prose/train.txt", made_text(4096));
    folder_.write("prose/valid.txt", made_text(1024, 2));
  }
  std::shared_ptr<const BatchSource> open(SharedSources& sources, std::int64_t seq) {
    return sources.open("prose", folder_.path(), {}, {.batch = 2, .seq = seq, .vocab = 256});
  }
  TemporaryFolder folder_;
};

TEST_F(Shared, CellsThatAskForTheSameGetTheSame) {
  SharedSources sources;
  const auto first = open(sources, 8);
  EXPECT_EQ(open(sources, 8), first);
  EXPECT_NE(open(sources, 16), first);
}

TEST_F(Shared, WindowsOfDifferentLengthShareTheOpenFilesOfTheTokens) {
  SharedSources sources;
  const auto first = open(sources, 8), second = open(sources, 16);
  EXPECT_EQ(descriptors_of(folder_.path() / "prose/train.txt"), 1);
  EXPECT_EQ(descriptors_of(folder_.path() / "prose/valid.txt"), 1);
}

TEST_F(Shared, AnswersSeveralThreadsAtOnce) {
  SharedSources sources;
  std::vector<std::shared_ptr<const BatchSource>> found(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < found.size(); ++i)
      threads.emplace_back([&, i] { found[i] = open(sources, 8); });
  }
  for (const auto& source : found) EXPECT_EQ(source, found[0]);
}

TEST_F(Shared, OpensACorpusThatChangedAnew) {
  SharedSources sources;
  const auto first = open(sources, 8);
  folder_.write("prose/train.txt", made_text(5000, 3));
  const auto second = open(sources, 8);
  EXPECT_NE(second->data_sha256(), first->data_sha256());
}

TEST_F(Shared, SaysWhatIsWrongEveryTime) {
  SharedSources sources;
  for (int i = 0; i < 2; ++i) EXPECT_THROW((void)open(sources, 100000), DataError);
  EXPECT_THROW((void)sources.open("verse", folder_.path(), {}, {}), DataError);
}

}  // namespace
}  // namespace isorbit::experiments
