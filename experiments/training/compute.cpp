#include "experiments/training/compute.hpp"

#include <map>

namespace isorbit::experiments {

Compute compute_from(int threads, const std::string& dtype, const std::string& recompute) {
  static const std::map<std::string, core::Recompute> policies = {
      {"none", core::Recompute::none}, {"auto", core::Recompute::automatic}, {"full", core::Recompute::full}};
  const bool bf16 = dtype == "bf16" && core::has_fast_bf16();
  return {threads, bf16 ? core::DType::bf16 : core::DType::f32, policies.at(recompute), 1};
}

Compute compute_from(const core::Json& training) {
  Compute compute = compute_from(training.at("threads").get<int>(), training.at("dtype").get<std::string>(),
                                 training.at("recompute").get<std::string>());
  compute.accumulate = training.value("accumulate", 1);
  return compute;
}

std::optional<std::string> precision_note(const std::string& dtype) {
  if (dtype != "bf16" || core::has_fast_bf16()) return std::nullopt;
  return "this CPU has no bf16 products (" + core::effective_isa() + "): computing in f32";
}

}  // namespace isorbit::experiments
