#include "experiments/sweep/cell_pool.hpp"

#include <algorithm>

#include "experiments/sweep/cell_attempt.hpp"
#include "experiments/sweep/manifest.hpp"
#include "experiments/sweep/publication.hpp"
#include "experiments/training/failure.hpp"
#include "experiments/training/weights.hpp"

namespace isorbit::experiments {
namespace {

/// The file of weights that a cell starts from.
std::filesystem::path start_of(const std::filesystem::path& sweep_folder, const Cell& cell) {
  return cell.from->id.empty() ? cell.from->file : weights_path(locate(sweep_folder, source_of(cell)));
}

/// As complete_without_training. What it throws leaves no attempt behind.
bool needs_no_training(Claim& claim, const Cell& cell, const std::function<void(const std::string&)>& note) {
  bool complete = false;
  try {
    complete = complete_without_training(claim.folder().parent_path(), cell.id, note);
  } catch (...) {
    std::move(claim).abandon();
    throw;
  }
  if (complete) std::move(claim).abandon();
  return complete;
}

/// False too where it cannot be told.
bool is_known_complete(const std::filesystem::path& folder, const Cell& cell) {
  try {
    return is_complete(folder, cell.id);
  } catch (const std::exception&) {
    return false;
  }
}

int stop_asked(const RunRequest& request) { return request.stop == nullptr ? 0 : request.stop->load(); }

}  // namespace

Cell source_of(const Cell& cell) {
  Cell source;
  source.seed = cell.seed;
  source.id = cell.from->id;
  source.folder = cell.from->folder;
  return source;
}

void CellPool::work() {
  while (const auto turn = next()) {
    try {
      run(*turn);
    } catch (...) {
      tell([&] { missing_.leave(*turn->cell); });
      throw;
    }
    tell([&] { --at_work_, held_ -= memory_of(*turn->cell); });
  }
}

RunSummary CellPool::summary() const {
  RunSummary out = counts_;
  out.left += missing_.untouched();
  out.stopped = out.left > 0 && (stop_asked(request_) != 0 || out_of_time_);
  return out;
}

std::optional<CellQueue::Turn> CellPool::next() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool halted = request_.fail_fast && counts_.failed > 0;
    if (halted || stop_asked(request_) != 0) return std::nullopt;
    if (auto turn = missing_.next([this](const Cell& cell) { return has_room(cell); })) {
      if (!turn->refusal.empty() || has_time(*turn->cell)) {
        ++at_work_, held_ += memory_of(*turn->cell);
        return turn;
      }
      ++counts_.left, missing_.leave(*turn->cell);
      continue;
    }
    if (missing_.holds()) {
      if (!wait_for_others(lock)) return std::nullopt;
    } else if (missing_.waits()) {
      changed_.wait(lock);
    } else {
      return std::nullopt;
    }
  }
}

bool CellPool::wait_for_others(std::unique_lock<std::mutex>& lock) {
  using Clock = std::chrono::steady_clock;
  if (Clock::now() >= look_again_) {
    const std::chrono::duration<double> pause(std::clamp(request_.lease / 6, 0.05, 1.0));
    look_again_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(pause);
    missing_.look_again();
    return true;
  }
  out_of_time_ = out_of_time_ || (request_.limit != nullptr && !request_.limit->fits(0));
  if (!out_of_time_) changed_.wait_until(lock, look_again_);
  return !out_of_time_;
}

double CellPool::memory_of(const Cell& cell) const {
  return request_.forecast == nullptr ? 0 : request_.forecast->memory_of(cell);
}

bool CellPool::has_room(const Cell& cell) const {
  const double program = request_.forecast == nullptr ? 0 : request_.forecast->program_bytes();
  return at_work_ == 0 || program + held_ + memory_of(cell) <= request_.memory;
}

bool CellPool::has_time(const Cell& cell) {
  const double least = seconds_per_parameter_ * static_cast<double>(cell.facts.parameters);
  if (request_.limit == nullptr || request_.limit->fits(least)) return true;
  out_of_time_ = true;
  return false;
}

void CellPool::run(const CellQueue::Turn& turn) {
  const Cell& cell = *turn.cell;
  const std::filesystem::path folder = locate(request_.folder, cell);
  CellResult result;
  try {
    std::optional<Claim> claim = Claim::take(folder, watch_, request_.lease);
    if (!claim) return leave_to_others(cell, folder);
    if (needs_no_training(*claim, cell, [&](const std::string& text) { note(cell, text); })) {
      tell([&] { ++counts_.complete, missing_.complete(cell), observer_.found(cell); });
      return;
    }
    tell([&] { observer_.begin(cell, ++begun_, missing_.size()); });
    result = turn.refusal.empty() ? train(cell, *claim)
                                  : refuse_cell(*claim, {FailureKind::source, turn.refusal, 0});
  } catch (const std::exception& error) {
    const Failure failure = failure_of(error);
    result = {Outcome::failed, failure.reason, 0, failure.step, failure.kind};
  }
  const bool by_others = result.outcome == Outcome::superseded && is_known_complete(folder, cell);
  tell([&] { count(cell, result, by_others); });
}

void CellPool::leave_to_others(const Cell& cell, const std::filesystem::path& folder) {
  const bool complete = is_complete(folder, cell.id);
  const std::string who = holder_of(folder);
  tell([&] {
    if (complete) {
      ++counts_.complete, missing_.complete(cell), observer_.found(cell);
    } else if (request_.wait) {
      missing_.hold(cell);
      if (told_.insert(&cell).second) observer_.busy(cell, who + ", and waited for");
    } else {
      ++counts_.busy, missing_.leave(cell), observer_.busy(cell, who);
    }
  });
}

CellResult CellPool::train(const Cell& cell, const Claim& claim) {
  CellRequest wanted;
  wanted.document = cell.document;
  wanted.data_dir = request_.data_dir;
  if (cell.from) wanted.from = start_of(request_.folder, cell);
  wanted.argv = request_.argv;
  wanted.id = cell.id;
  wanted.limit = request_.limit;
  wanted.sources = &sources_;
  wanted.alone = request_.jobs <= 1;
  if (request_.forecast != nullptr)
    if (const CellForecast* forecast = request_.forecast->find(cell)) wanted.forecast = *forecast;
  wanted.live = request_.live;
  halt(stop_asked(request_));
  wanted.stop = request_.fail_fast ? &halt_ : request_.stop;
  wanted.progress = [&](const Progress& progress) {
    halt(stop_asked(request_));
    tell([&] { observer_.step(cell, progress); });
  };
  wanted.note = [&](const std::string& text) { note(cell, text); };
  return attempt_cell(claim, std::move(wanted), request_.run);
}

void CellPool::note(const Cell& cell, const std::string& text) {
  tell([&] { observer_.note(cell, text); });
}

void CellPool::count(const Cell& cell, const CellResult& result, bool by_others) {
  observer_.end(cell, result);
  ++counts_.ran;
  if (by_others) {
    ++counts_.complete, missing_.complete(cell);
  } else if (result.outcome == Outcome::superseded) {
    if (request_.wait)
      missing_.hold(cell);
    else
      ++counts_.busy, missing_.leave(cell);
  }
  if (result.outcome == Outcome::complete) ++counts_.complete, missing_.complete(cell);
  if (result.least_seconds > 0)
    seconds_per_parameter_ = std::max(
        seconds_per_parameter_,
        result.least_seconds / static_cast<double>(std::max<std::int64_t>(1, cell.facts.parameters)));
  if (result.outcome == Outcome::stopped) {
    ++counts_.left, missing_.leave(cell);
    out_of_time_ = out_of_time_ || halt_.load() == 0;
  }
  if (result.outcome != Outcome::failed) return;
  ++counts_.failed;
  missing_.fail(cell, result.reason);
  if (request_.fail_fast) halt(1);
}

void CellPool::halt(int asked) {
  int before = halt_.load();
  while (before < asked && !halt_.compare_exchange_weak(before, asked)) {
  }
}

}  // namespace isorbit::experiments
