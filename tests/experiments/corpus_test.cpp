#include "experiments/data/corpus.hpp"

#include <cstdlib>

#include "experiments/data/fingerprint.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {
namespace {

void make_text(const TemporaryFolder& folder, const std::string& name) {
  folder.write(name + "/train.txt", "train\n");
  folder.write(name + "/valid.txt", "valid\n");
}

void age(const std::filesystem::path& file) {
  std::filesystem::last_write_time(file,
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
}

TEST(Corpus, KindFollowsFromTheFilesOfItsFolder) {
  const TemporaryFolder folder;
  make_text(folder, "letters");
  for (const char* file : {"train-images", "train-labels", "valid-images", "valid-labels"})
    folder.write(std::string("shapes/") + file, "x");
  folder.write("half/train.txt", "x");
  EXPECT_EQ(open_corpus("letters", folder.path()).kind, CorpusKind::text);
  EXPECT_EQ(open_corpus("shapes", folder.path()).kind, CorpusKind::images);
  EXPECT_EQ(corpora(folder.path()), (std::vector<std::string>{"letters", "shapes"}));
}

TEST(Corpus, FingerprintIsTheHashOfTheFilesBytes) {
  const TemporaryFolder folder;
  make_text(folder, "letters");
  const Corpus before = open_corpus("letters", folder.path());
  // printf 'train\n' | sha256sum
  EXPECT_EQ(before.file_sha256.at("train.txt"),
            "f6e12a5f03044dbc1249b543e1266da8aacd381f1ffa090b29c789c3d6efed78");
  EXPECT_EQ(open_corpus("letters", folder.path()).sha256, before.sha256);
  folder.write("letters/valid.txt", "valiD\n");
  EXPECT_NE(open_corpus("letters", folder.path()).sha256, before.sha256);
}

TEST(Corpus, MissingOneSaysWhatWasLookedForWhatIsThereAndHowToFetchIt) {
  const TemporaryFolder folder;
  make_text(folder, "letters");
  const std::string text = message_of<DataError>([&] { (void)open_corpus("austen", folder.path()); });
  EXPECT_HOLDS(text, (folder.path() / "austen").string() + ", a folder with train.txt and valid.txt, or");
  EXPECT_HOLDS(text, "corpora there: letters");
  EXPECT_HOLDS(text, "experiments/data/fetch.sh austen");
  EXPECT_HOLDS(message_of<DataError>([&] { (void)open_corpus("leters", folder.path()); }),
               "did you mean \"letters\"?");
  EXPECT_HOLDS(message_of<DataError>([&] { (void)open_corpus("austin", folder.path()); }),
               "did you mean \"austen\"?");
}

TEST(Corpus, AFolderThatIsNoneIsToldWhatItHoldsAndLacksNotWhatOthersThereAre) {
  const TemporaryFolder folder;
  make_text(folder, "letters");
  const auto said = [&](const std::string& name) {
    const std::string text = message_of<DataError>([&] { (void)open_corpus(name, folder.path()); });
    EXPECT_FALSE(holds(text, "letters")) << text;
    return text;
  };
  folder.write("half/train.txt", "x");
  const std::string at = folder.path().string();
  EXPECT_HOLDS(said("half"), at + "/half holds \"train.txt\" and lacks valid.txt; expected a folder with");
  folder.write("raw/corpus.txt.gz", "x");
  folder.write("raw/notes.md", "x");
  EXPECT_HOLDS(said("raw"), at + "/raw holds \"corpus.txt.gz\", \"notes.md\" and lacks train.txt, valid.txt");
  std::filesystem::create_directory(folder.path() / "bare");
  EXPECT_HOLDS(said("bare"), at + "/bare is empty and lacks train.txt, valid.txt");
  folder.write("shapes/train-images", "x");
  EXPECT_HOLDS(said("shapes"), "lacks train-labels, valid-images, valid-labels");
  for (int i = 0; i < 9; ++i) folder.write("many/" + std::to_string(i), "x");
  EXPECT_HOLDS(said("many"), "\"5\" and 3 more and lacks");
  folder.write("file.txt", "x");
  EXPECT_HOLDS(said("file.txt"), at + "/file.txt is no folder");
}

TEST(Corpus, NothingIsWrittenBesideIt) {
  const TemporaryFolder folder, cache;
  const CacheIn kept(cache.path());
  make_text(folder, "letters");
  age(folder.path() / "letters/train.txt");
  const std::string before = listing(folder.path());
  (void)open_corpus("letters", folder.path());
  EXPECT_EQ(listing(folder.path()), before);
  EXPECT_NE(listing(cache.path()), "");
}

TEST(Corpus, NameCannotReachOutOfTheDataDirectory) {
  const TemporaryFolder folder;
  make_text(folder, "letters");
  std::filesystem::create_directory(folder.path() / "data");
  for (const char* name : {"../letters", "..", ".", ""})
    EXPECT_HOLDS(message_of<DataError>([&] { (void)open_corpus(name, folder.path() / "data"); }),
                 "expected the name");
}

TEST(Corpus, DataDirectoryIsTakenFromTheEnvironment) {
  ::unsetenv("ISORBIT_DATA");
  EXPECT_EQ(default_data_dir(), "data");
  ::setenv("ISORBIT_DATA", "/elsewhere", 1);
  EXPECT_EQ(default_data_dir(), "/elsewhere");
  ::unsetenv("ISORBIT_DATA");
}

std::ptrdiff_t remembered(const TemporaryFolder& cache) {
  std::error_code none;
  return std::distance(std::filesystem::directory_iterator(cache.path() / "isorbit/sha256", none), {});
}

TEST(FileSha256, IsRememberedWhileSizeAndTimeStayTheSame) {
  const TemporaryFolder folder, cache;
  const CacheIn kept(cache.path());
  const auto file = folder.write("f", "one");
  age(file);
  const auto time = std::filesystem::last_write_time(file);
  const std::string one = file_sha256(file);
  ASSERT_EQ(remembered(cache), 1);
  folder.write("f", "two");
  std::filesystem::last_write_time(file, time);
  EXPECT_EQ(file_sha256(file), one);  // not read again
  std::filesystem::last_write_time(file, time + std::chrono::seconds(1));
  EXPECT_NE(file_sha256(file), one);
}

TEST(FileSha256, IsNotRememberedForAFileThatMayStillBeChanging) {
  const TemporaryFolder folder, cache;
  const CacheIn kept(cache.path());
  const auto file = folder.write("f", "one");
  const std::string one = file_sha256(file);
  EXPECT_EQ(remembered(cache), 0);
  folder.write("f", "two");
  EXPECT_NE(file_sha256(file), one);
}

TEST(FileSha256, ForgetsADamagedMemoryAndNeedsNone) {
  const TemporaryFolder folder, cache;
  const CacheIn kept(cache.path());
  const auto file = folder.write("f", "one");
  age(file);
  const std::string one = file_sha256(file);
  for (const auto& entry : std::filesystem::directory_iterator(cache.path() / "isorbit/sha256"))
    std::ofstream(entry.path()) << "rubbish";
  EXPECT_EQ(file_sha256(file), one);
  std::filesystem::remove_all(cache.path() / "isorbit");
  cache.write("isorbit", "a file where the folder should be");
  EXPECT_EQ(file_sha256(file), one);
}

TEST(WriteAndRename, LeavesOnlyTheFileAndItsNewBytes) {
  const TemporaryFolder folder;
  const auto file = folder.write("f", "old");
  const std::string bytes = "new bytes";
  write_and_rename(file, std::as_bytes(std::span(bytes)));
  EXPECT_EQ(contents(file), bytes);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_HOLDS(message_of<DataError>([&] { write_and_rename(folder.path() / "no/f", {}); }),
               "no/f: cannot be written");
}

}  // namespace
}  // namespace isorbit::experiments
