#include "experiments/program/sweep_clock.hpp"

#include <algorithm>

namespace isorbit::experiments {

SweepClock::SweepClock(std::span<const Cell> missing, const Forecast& forecast, std::size_t jobs)
    : jobs_(std::max<std::size_t>(1, std::min(jobs, missing.size()))), known_(!missing.empty()) {
  for (const Cell& cell : missing) {
    const CellForecast* found = forecast.find(cell);
    known_ = known_ && found != nullptr;
    if (found == nullptr) continue;
    nominal_ = nominal_ || found->basis == ForecastBasis::nominal;
    waiting_[cell.id] = found->seconds;
    waiting_seconds_ += found->seconds;
  }
}

void SweepClock::leave(const Cell& cell) {
  const auto at = waiting_.find(cell.id);
  if (at == waiting_.end()) return;
  waiting_seconds_ -= at->second;
  waiting_.erase(at);
}

void SweepClock::begin(const Cell& cell) {
  if (const auto at = waiting_.find(cell.id); at != waiting_.end()) begun_[cell.id] = at->second;
  leave(cell);
  at_work_[cell.id];
}

void SweepClock::step(const Cell& cell, std::int64_t step, double seconds_left) {
  AtWork& at = at_work_[cell.id];
  at.left = seconds_left;
  if (at.first == 0) at.first = step;
}

void SweepClock::end(const Cell& cell, double seconds, bool complete) {
  const auto at = at_work_.find(cell.id);
  if (at == at_work_.end()) return;
  if (const auto begun = begun_.find(cell.id); complete && at->second.first == 1 && begun != begun_.end()) {
    forecast_ += begun->second;
    took_ += seconds;
  }
  at_work_.erase(at);
}

std::optional<double> SweepClock::seconds_left() const {
  if (!known_ || (nominal_ && took_ == 0)) return std::nullopt;
  double sum = scale() * std::max(0.0, waiting_seconds_), longest = 0;
  for (const auto& [id, work] : at_work_) {
    const auto begun = begun_.find(id);
    const double left = work.left ? *work.left : begun == begun_.end() ? 0 : scale() * begun->second;
    sum += left;
    longest = std::max(longest, left);
  }
  return std::max(longest, sum / static_cast<double>(jobs_));
}

}  // namespace isorbit::experiments
