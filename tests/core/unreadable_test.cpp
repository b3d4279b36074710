#include "core/record/unreadable.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>
#include <system_error>

#include "core/document/digest.hpp"
#include "core/document/problem.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/journal.hpp"
#include "core/record/own_document.hpp"
#include "core/record/tensor_file.hpp"

namespace isorbit::core {
namespace {

namespace fs = std::filesystem;

class Unreadable : public testing::Test {
 protected:
  Unreadable() : folder_(fs::temp_directory_path() / ("isorbit_unreadable_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    std::ofstream(folder_ / "file") << "{}";
    fs::create_directory(folder_ / "folder");
    fs::create_symlink("loop", folder_ / "loop");  // opening it is an error for root too
    fs::create_symlink("nowhere", folder_ / "dangling");
    EXPECT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  }
  ~Unreadable() override { fs::remove_all(folder_); }

  /// Calls every reader of our own files with a path.
  template <class Check>
  void with_all_readers(const fs::path& file, const Check& check) const {
    check([&] { (void)read_bytes(file); });
    check([&] { (void)Journal::read(file); });
    check([&] { (void)read_tensors(file); });
    check([&] { (void)read_own_document(file); });
    check([&] { (void)sha256_file(file); });
  }

  fs::path folder_;
};

TEST_F(Unreadable, IsWhatTheSystemOrTheMemoryRefusesAndNotWhatIsWrong) {
  for (const int code : {EIO, EACCES, EMFILE, ENOLCK, ELOOP, EINTR})
    EXPECT_TRUE(is_unreadable(std::system_error(code, std::generic_category())));
  EXPECT_TRUE(is_unreadable(std::bad_alloc()));
  EXPECT_FALSE(is_unreadable(std::runtime_error("its checksum does not hold")));
  EXPECT_FALSE(is_unreadable(DocumentError({})));
  for (const int code : {ENOENT, ENOTDIR})
    EXPECT_FALSE(is_unreadable(std::system_error(code, std::generic_category()))) << "gone is an answer";
}

TEST_F(Unreadable, DamageIsToldInWordsAndTroubleInReadingIsThrownOn) {
  EXPECT_EQ(damage_in([] {}), "");
  EXPECT_EQ(damage_in([] { throw std::runtime_error("bad"); }), "bad");
  EXPECT_THROW((void)damage_in([] { throw std::system_error(EIO, std::generic_category()); }),
               std::system_error);
  EXPECT_THROW((void)damage_in([] { throw std::bad_alloc(); }), std::bad_alloc);
}

TEST_F(Unreadable, WhetherAFileIsThereIsToldOrThrown) {
  EXPECT_TRUE(is_there(folder_ / "file"));
  EXPECT_TRUE(is_there(folder_ / "dangling"));
  EXPECT_FALSE(is_there(folder_ / "none"));
  EXPECT_FALSE(is_there(folder_ / "file" / "below"));
  EXPECT_FALSE(status_of(folder_ / "dangling"));
  EXPECT_THROW((void)is_there(folder_ / "loop" / "below"), std::system_error);
  EXPECT_THROW((void)status_of(folder_ / "loop"), std::system_error);
  EXPECT_THROW((void)is_there(folder_ / std::string(5000, 'x')), std::system_error);
}

TEST_F(Unreadable, AFolderAndAPipeUnderTheNameOfAFileAreDamageAndNobodyWaitsForThem) {
  for (const char* name : {"folder", "pipe"})
    with_all_readers(folder_ / name, [&](const auto& read) {
      const std::string damage = damage_in(read);
      EXPECT_NE(damage.find("is not a regular file"), std::string::npos) << damage;
    });
}

TEST_F(Unreadable, EveryReaderOfOurFilesThrowsTheSystemsReason) {
  with_all_readers(folder_ / "loop", [&](const auto& read) {
    try {
      read();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), ELOOP);
      EXPECT_NE(std::string(error.what()).find((folder_ / "loop").string()), std::string::npos)
          << error.what();
    }
  });
}

TEST_F(Unreadable, ADocumentOfTheUserThatCannotBeReadIsSaidInTheSystemsWords) {
  try {
    (void)read_document(folder_ / "loop");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const DocumentError& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find("Success"), std::string::npos) << text;
    EXPECT_NE(text.find("Too many levels of symbolic links"), std::string::npos) << text;
  }
}

TEST_F(Unreadable, FilesAreMadeForWhomTheUmaskLets) {
  const mode_t before = ::umask(007);
  write_durably(folder_ / "made", "text");
  { const Journal journal(folder_ / "journal"); }
  ::umask(before);
  for (const char* name : {"made", "journal"})
    EXPECT_EQ(fs::status(folder_ / name).permissions(), fs::perms(0660)) << name;
}

}  // namespace
}  // namespace isorbit::core
