#include "experiments/events/rescale/factors.hpp"

#include <algorithm>
#include <cmath>

#include "core/random/philox.hpp"

namespace isorbit::experiments {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double balance(const std::array<double, 2>& norms, const std::array<double, 2>& powers) {
  for (const double norm : norms)
    if (!(norm > 0 && std::isfinite(norm))) return kNone;
  return std::log2(norms[1] / norms[0]) / (powers[0] + powers[1]);
}

/// Replaces the factors of balance by those of a control.
void replace(std::vector<Rescaling>& all, const std::string& factor, EventScope& scope) {
  if (factor == "inverse")
    for (Rescaling& one : all)
      for (double& log : one.logs) log = -log;
  if (factor != "random") return;
  double largest = 0;
  for (const Rescaling& one : all)
    for (const double log : one.logs) largest = std::max(largest, std::isnan(log) ? 0 : std::abs(log));
  for (Rescaling& one : all) {
    const core::Philox random(scope.seed(), core::stream_of("rescale/" + one.family->name),
                              static_cast<std::uint64_t>(scope.step()));
    for (std::size_t b = 0; b < one.logs.size(); ++b)
      if (!std::isnan(one.logs[b])) one.logs[b] = largest * (2 * random.uniform(b) - 1);
  }
}

}  // namespace

std::optional<std::array<double, 2>> side_powers(const core::ScalingFamily& family) {
  std::array<double, 2> powers = {0, 0};
  for (const core::ScaledWeight& member : family.members) {
    double& side = powers[member.power > 0 ? 0 : 1];
    if (side != 0 && side != std::abs(member.power)) return std::nullopt;
    side = std::abs(member.power);
  }
  return powers;
}

std::vector<double> Rescaling::factors(const core::ScaledWeight& member, double sign) const {
  std::vector<double> out;
  for (const std::int32_t g : member.generators) {
    const double log =
        g < 0 ? 0 : logs[static_cast<std::size_t>(blocks.of_generator[static_cast<std::size_t>(g)])];
    out.push_back(std::isnan(log) ? 1.0 : std::exp2(sign * member.power * log));
  }
  return out;
}

double Rescaling::factor(const core::ScaledWeight& member) const {
  const std::vector<double> all = factors(member);
  const bool one = std::ranges::all_of(all, [&](double f) { return f == all.front(); });
  return one ? all.front() : kNone;
}

bool Rescaling::is_idle() const {
  return std::ranges::all_of(logs, [](double log) { return std::isnan(log) || log == 0; });
}

std::vector<Rescaling> rescalings(const std::vector<const core::ScalingFamily*>& families,
                                  const core::Json& fields, EventScope& scope) {
  std::vector<Rescaling> all;
  for (const core::ScalingFamily* family : families) {
    FactorBlocks blocks = factor_blocks(*family, fields.at("granularity").get<std::string>());
    const SideNorms norms = side_norms(*family, blocks, fields.at("norm").get<std::string>(), scope);
    std::vector<double> logs;
    for (const std::array<double, 2>& block : norms.block)
      logs.push_back(balance(block, side_powers(*family).value()));
    all.push_back({family, std::move(blocks), std::move(logs), norms.whole[0] / norms.whole[1]});
  }
  replace(all, fields.at("factor").get<std::string>(), scope);
  const double band = fields.at("dead_band").get<double>() / std::log(2.0);
  for (Rescaling& one : all) {
    for (double& log : one.logs) {
      if (fields.at("power_of_two").get<bool>()) log = std::round(log);
      if (std::abs(log) < band) log = 0;
    }
  }
  return all;
}

}  // namespace isorbit::experiments
