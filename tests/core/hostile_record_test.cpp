// Files that are no record of ours though HDF5 takes them: each is refused by name, quickly, and reads
// nothing but its own bytes.
#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>

#include "core/record/run_file.hpp"

namespace isorbit::core {
namespace {

namespace fs = std::filesystem;

class HostileRecord : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("isorbit_hostile_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    path_ = folder_ / "run.h5";
    RunRecord record;
    record.config = "{}";
    record.series = {{"train", {{"step", std::vector<std::int64_t>{1, 2}, "", ""}}}};
    write_run(path_, record);
    file_ = H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(file_, 0);
  }
  void TearDown() override { fs::remove_all(folder_); }

  hid_t group(hid_t in, const char* name) {
    return H5Gcreate2(in, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  }
  /// A column "v/d" of so many values, created as `list` says.
  hid_t dataset(hsize_t count, hid_t type, hid_t list) {
    const hid_t v = group(file_, "v"), space = H5Screate_simple(1, &count, nullptr);
    return H5Dcreate2(v, "d", type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  }
  void close() {
    H5Fflush(file_, H5F_SCOPE_GLOBAL);
    for (const unsigned kind : {H5F_OBJ_DATASET, H5F_OBJ_GROUP, H5F_OBJ_FILE}) {
      std::vector<hid_t> open(static_cast<std::size_t>(H5Fget_obj_count(file_, kind)));
      if (open.empty()) continue;
      H5Fget_obj_ids(file_, kind, open.size(), open.data());
      for (const hid_t id : open) H5Idec_ref(id);
    }
  }
  /// What reading it says, within seconds.
  std::string said() const {
    const auto start = std::chrono::steady_clock::now();
    std::string text = "read";
    try {
      (void)read_run(path_, Seal::optional);
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5)) << text;
    return text;
  }
  void expect(const std::string& part) {
    close();
    const std::string text = said();
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_TRUE(text.starts_with(path_.string())) << text;
  }

  fs::path folder_, path_;
  hid_t file_ = -1;
};

TEST_F(HostileRecord, ValuesInAnotherFileAreNotRead) {
  const fs::path secret = folder_ / "secret";
  std::ofstream(secret) << std::string(64, 's');
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(list, secret.c_str(), 0, H5F_UNLIMITED);
  dataset(8, H5T_IEEE_F64LE, list);
  expect(":/v/d: found a dataset stored in other files; expected its values in this one");
}

TEST_F(HostileRecord, AViewOfAnotherFileIsNotRead) {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t count = 8;
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  ASSERT_GE(H5Pset_virtual(list, space, "other.h5", "/x", space), 0);
  dataset(count, H5T_IEEE_F64LE, list);
  expect(":/v/d: found a dataset stored in other files");
}

TEST_F(HostileRecord, LinksThatAreNotHardAreRefusedEvenWhereTheyLeadNowhere) {
  H5Lcreate_soft("/", file_, "again", H5P_DEFAULT, H5P_DEFAULT);
  expect(":/again: found a soft link; expected objects of the file itself alone");
}

TEST_F(HostileRecord, ALinkToAnotherFileIsRefused) {
  H5Lcreate_external("/etc/passwd", "/", file_, "other", H5P_DEFAULT, H5P_DEFAULT);
  expect(":/other: found a link to another file");
}

TEST_F(HostileRecord, GroupsThatAreEachOthersMembersManyTimesAreNotWalked) {
  hid_t outer = group(file_, "z");
  for (int depth = 0; depth < 7; ++depth) {  // 12^7 paths
    const hid_t inner = group(outer, "l0");
    for (int i = 1; i < 12; ++i)
      H5Lcreate_hard(inner, ".", outer, ("l" + std::to_string(i)).c_str(), H5P_DEFAULT, H5P_DEFAULT);
    outer = inner;
  }
  expect("found a second name of an object; expected one for each");
}

TEST_F(HostileRecord, AGroupInItselfIsNotWalked) {
  const hid_t z = group(file_, "z");
  H5Lcreate_hard(file_, "/", z, "up", H5P_DEFAULT, H5P_DEFAULT);
  expect(":/z/up: found a second name of an object");
}

TEST_F(HostileRecord, GroupsNestedTooDeeplyAreNotWalked) {
  hid_t outer = file_;
  for (int depth = 0; depth < 3000; ++depth) outer = group(outer, "g");
  expect("found groups nested too deeply; expected at most 10 in each other");
}

TEST_F(HostileRecord, ATextThatIsNamedTwentyThousandTimesIsCountedEachTime) {
  constexpr hsize_t kCount = 20000;
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t set = dataset(kCount, type, H5P_DEFAULT);
  const std::string text(5'000'000, 'A');
  std::vector<const char*> texts(kCount, "");
  texts[0] = text.c_str();
  H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data());
  const auto at = static_cast<std::size_t>(H5Dget_offset(set));
  close();
  std::ifstream in(path_, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t i = 1; i < kCount; ++i) bytes.replace(at + 16 * i, 16, bytes.substr(at, 16));
  std::ofstream(path_, std::ios::binary) << bytes;
  const std::string message = said();
  EXPECT_NE(message.find(":/v/d: found text of more bytes than the "), std::string::npos) << message;
}

TEST_F(HostileRecord, ManyNumbersInFewBytesAreNotUnpacked) {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk = 1 << 20, count = hsize_t{1} << 26;
  H5Pset_chunk(list, 1, &chunk);
  H5Pset_deflate(list, 9);
  H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(list, H5D_FILL_TIME_ALLOC);
  dataset(count, H5T_IEEE_F64LE, list);
  expect(":/v/d: found 536870912 bytes to read where ");
}

TEST_F(HostileRecord, AChunkLargerThanTheFileCouldFillIsNotUnpacked) {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE), v = group(file_, "v");
  const hsize_t one = 1, any = H5S_UNLIMITED, chunk = hsize_t{1} << 28;
  const hid_t space = H5Screate_simple(1, &one, &any);
  H5Pset_chunk(list, 1, &chunk);
  H5Pset_deflate(list, 9);
  H5Dcreate2(v, "d", H5T_IEEE_F64LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  expect(":/v/d: found chunks of 2147483648 bytes; expected at most ");
}

}  // namespace
}  // namespace isorbit::core
