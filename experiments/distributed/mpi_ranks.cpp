// Open MPI as measured: a blocking all-reduce in a thread of its own overlaps with computing, MPI_Iallreduce
// does not (nothing moves it along). Its algorithm is pinned, since they differ in their last bits from four
// ranks on: the ring, which moves least and keeps its speed on a busy machine. All else is small, and is
// waited for asleep, so that ranks that wait leave their cores to those that work.
#include "experiments/distributed/mpi_ranks.hpp"

#ifdef ISORBIT_HAS_MPI
#include <mpi.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <thread>

namespace isorbit::experiments {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kPinned[][2] = {{"OMPI_MCA_coll_tuned_use_dynamic_rules", "1"},
                                      {"OMPI_MCA_coll_tuned_allreduce_algorithm", "4"}};  // ring
constexpr std::chrono::milliseconds kAwake(2);
constexpr std::chrono::microseconds kNap(100);

std::string library() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  std::string version(text, static_cast<std::size_t>(length));  // "Open MPI v4.1.4, package: ..."
  version = version.substr(0, version.find(','));
  if (const auto v = version.find(" v"); v != version.npos) version.erase(v + 1, 1);
  return version;
}

void wait_for(MPI_Request request) {
  const Clock::time_point start = Clock::now();
  for (int done = 0; true;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    if (Clock::now() - start > kAwake)
      std::this_thread::sleep_for(kNap);
    else
      std::this_thread::yield();
  }
}

/// Errors of MPI end the job: that is its own default.
class MpiRanks final : public Communicator {
 public:
  MpiRanks() {
    for (const auto& [name, value] : kPinned) ::setenv(name, value, 1);
    int given = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    if (given < MPI_THREAD_SERIALIZED) {
      MPI_Finalize();
      throw std::runtime_error("MPI was built without threads (MPI_THREAD_SERIALIZED)");
    }
  }
  /// Ranks that follow leave by an exception only where the others cannot be told: then all end.
  ~MpiRanks() override {
    if (rank_ > 0 && std::uncaught_exceptions() > 0) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Finalize();
  }
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  [[nodiscard]] std::string all_reduce_text() const override { return library() + ", ring"; }

  void all_reduce(std::span<float> values) override {
    MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT, MPI_SUM,
                  MPI_COMM_WORLD);
  }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    const auto count = static_cast<int>(mine.size());
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallgather(mine.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, MPI_COMM_WORLD, &request);
    wait_for(request);
  }
  void broadcast(std::span<std::byte> bytes, int from) override {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibcast(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, from, MPI_COMM_WORLD, &request);
    wait_for(request);
  }

 private:
  int rank_ = 0, size_ = 1;
};

}  // namespace

bool has_mpi() { return true; }

std::unique_ptr<Communicator> mpi_ranks() { return std::make_unique<MpiRanks>(); }

}  // namespace isorbit::experiments

#else

namespace isorbit::experiments {

bool has_mpi() { return false; }

std::unique_ptr<Communicator> mpi_ranks() { return nullptr; }

}  // namespace isorbit::experiments

#endif
