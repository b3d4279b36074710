#include "core/runtime/engine.hpp"

#include <hwy/targets.h>
#include <omp.h>

#include <atomic>
#include <stdexcept>

namespace isorbit::core {

namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

std::optional<cpu_set_t> processors_of_this_thread() {
  cpu_set_t processors;
  if (::sched_getaffinity(0, sizeof processors, &processors) != 0) return std::nullopt;
  return processors;
}

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

Engine::Engine(int threads)
    : engine_(dnnl::engine::kind::cpu, 0),
      threads_(threads),
      id_(next_id()),
      maker_(std::this_thread::get_id()),
      processors_(processors_of_this_thread()) {
  if (threads < 1) throw std::invalid_argument("an engine needs at least one thread");
  limit_vectors();
  for (int i = 0; i < threads; ++i) streams_.emplace_back(engine_);
  arena_ = std::make_unique<tbb::task_arena>(threads);
  omp_set_num_threads(1);
}

void Engine::adopt_thread() const {
  thread_local std::uint64_t engine = 0;
  if (engine == id_) return;
  engine = id_;
  omp_set_num_threads(1);
  if (processors_ && std::this_thread::get_id() != maker_)
    (void)::sched_setaffinity(0, sizeof *processors_, &*processors_);
}

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
