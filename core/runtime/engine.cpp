#include "core/runtime/engine.hpp"

#include <hwy/targets.h>
#include <omp.h>
#include <sched.h>

#include <stdexcept>

namespace isorbit::core {

namespace {

/// Every thread that helps runs oneDNN alone (OpenMP's thread count is a setting of each thread) and on the
/// processors of the thread that made the engine: a helper may come from another engine, bound elsewhere.
class Helpers : public tbb::task_scheduler_observer {
 public:
  explicit Helpers(tbb::task_arena& arena) : tbb::task_scheduler_observer(arena) {
    known_ = ::sched_getaffinity(0, sizeof processors_, &processors_) == 0;
    observe(true);
  }
  ~Helpers() override { observe(false); }
  void on_scheduler_entry(bool is_worker) override {
    omp_set_num_threads(1);
    if (is_worker && known_) (void)::sched_setaffinity(0, sizeof processors_, &processors_);
  }

 private:
  cpu_set_t processors_ = {};
  bool known_ = false;
};

/// Our own kernels go no further than oneDNN may: ONEDNN_MAX_CPU_ISA limits both.
void limit_vectors() {
  static const bool limited = [] {
    const bool wide = effective_isa().rfind("avx512", 0) == 0;
    if (!wide) hwy::DisableTargets(HWY_AVX3 | HWY_AVX3_DL);
    return !wide;
  }();
  (void)limited;
}

}  // namespace

Engine::Engine(int threads) : engine_(dnnl::engine::kind::cpu, 0), threads_(threads) {
  if (threads < 1) throw std::invalid_argument("an engine needs at least one thread");
  limit_vectors();
  for (int i = 0; i < threads; ++i) streams_.emplace_back(engine_);
  arena_ = std::make_unique<tbb::task_arena>(threads);
  observer_ = std::make_unique<Helpers>(*arena_);
  omp_set_num_threads(1);
}

Engine::~Engine() = default;

std::string effective_isa() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "unknown";
  }
}

bool has_fast_bf16() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
}

std::string onednn_version() {
  const dnnl::version_t* v = dnnl::version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

std::vector<std::string> describe_engines() {
  const std::size_t gpus = dnnl::engine::get_count(dnnl::engine::kind::gpu);
  return {"cpu  oneDNN " + onednn_version() + ", " + effective_isa() + ", " +
              std::to_string(omp_get_num_procs()) + " processors",
          "gpu  " + std::to_string(gpus) + " devices found by oneDNN"};
}

}  // namespace isorbit::core
