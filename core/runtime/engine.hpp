// Where programs run: a oneDNN engine and stream, a fixed number of threads, and parallel loops for our own
// kernels.
#pragma once
#include <sched.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/runtime/onednn.hpp"

namespace isorbit::core {

class Engine {
 public:
  /// A CPU engine of `threads` threads (at least 1), the calling one among them. oneDNN runs single-threaded
  /// in each: kernels are cut into slices here, which costs a microsecond where OpenMP's barrier costs ten to
  /// fifty. The programs of an engine run on the thread that made it.
  explicit Engine(int threads);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const dnnl::engine& onednn() const { return engine_; }
  /// The stream of a slice: no two slices that run at once share one.
  [[nodiscard]] dnnl::stream& stream(std::size_t slice) { return streams_[slice]; }
  [[nodiscard]] int threads() const { return threads_; }

  /// Calls body(begin, end) over [0, n) in slices of at least `grain`, split evenly over the threads. Which
  /// slice a thread gets never changes a result: slices share nothing.
  template <class Body>
  void parallel(std::int64_t n, std::int64_t grain, const Body& body) {
    const std::int64_t slices = std::min<std::int64_t>(threads_, n / std::max<std::int64_t>(grain, 1));
    if (slices <= 1) {
      if (n > 0) body(std::int64_t{0}, n);
      return;
    }
    arena_->execute([&] {
      tbb::parallel_for(
          tbb::blocked_range<std::int64_t>(0, slices, 1),
          [&](const tbb::blocked_range<std::int64_t>& range) {
            adopt_thread();
            for (std::int64_t s = range.begin(); s != range.end(); ++s)
              body(n * s / slices, n * (s + 1) / slices);
          },
          tbb::simple_partitioner());
    });
  }

 private:
  /// Lets a helping thread run oneDNN alone (OpenMP's thread count is a setting of each thread) and on the
  /// processors of the thread that made the engine: a helper may come from another engine, bound elsewhere.
  void adopt_thread() const;

  dnnl::engine engine_;
  std::vector<dnnl::stream> streams_;
  int threads_;
  std::unique_ptr<tbb::task_arena> arena_;
  std::uint64_t id_;  // of all engines of the process
  std::thread::id maker_;
  std::optional<cpu_set_t> processors_;  // the maker's
};

/// One line on each kind of engine this machine offers: "cpu  avx512_core_bf16, 2 threads".
[[nodiscard]] std::vector<std::string> describe_engines();
/// The instruction set oneDNN uses here, "avx2", "avx512_core_bf16", ...
[[nodiscard]] std::string effective_isa();
/// True where matrix products of bf16 run on instructions made for them (AVX512-bf16 or AMX).
[[nodiscard]] bool has_fast_bf16();
/// The oneDNN library's version, "2.6.3".
[[nodiscard]] std::string onednn_version();

}  // namespace isorbit::core
