#include "experiments/sweep/forecast.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <system_error>

#include "experiments/distributed/rank_model.hpp"
#include "experiments/sweep/calibration.hpp"
#include "experiments/sweep/cell_queue.hpp"
#include "experiments/sweep/cost_cache.hpp"
#include "experiments/sweep/memory_budget.hpp"
#include "experiments/sweep/record_size.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/timing/process_memory.hpp"
#include "experiments/timing/stopwatch.hpp"

namespace isorbit::experiments {
namespace {

/// Cells that are the same work, but for how much of it.
struct Workload {
  const Cell* cell = nullptr;  // one that has it
  CostEntry entry;             // timed: NaN where nothing is
  ForecastBasis basis = ForecastBasis::nominal;
  double weight = 0;  // nominal seconds of its cells
};

constexpr double kStarted = 16e6;  // bytes of threads and libraries once the first cell runs
constexpr double kNear = 2;        // logarithm of a ratio of flops: speeds differ between sizes

double ratio_of(double timed, double nominal) { return nominal > 0 ? timed / nominal : NAN; }

/// The nominal costs with every part that was not timed brought to this machine.
class Scale {
 public:
  Scale(std::span<const CostEntry> known, const CostEntry& like) : known_(known), like_(like) {}

  /// What timed costs leave open comes from the nearest work that has it, if that is near at all, else from
  /// the nearest's steps, else it stays nominal.
  UnitCosts fill(const UnitCosts& timed) const {
    UnitCosts out = timed.memory > 0 ? timed : like_.nominal;
    if (timed.memory == 0) out.memory *= ratio(&UnitCosts::memory, kNear).value_or(1);
    for (const UnitPart& part : unit_parts()) {
      if (!std::isnan(timed.*part.seconds)) continue;
      const std::optional<double> found = ratio(part.seconds, kNear);
      const double ratio = found ? *found : this->ratio(&UnitCosts::step, INFINITY).value_or(1);
      out.*part.seconds = like_.nominal.*part.seconds * ratio;
    }
    return out;
  }

 private:
  /// Timed over nominal at the nearest work that has the part, if that is nearer than `within`.
  std::optional<double> ratio(double UnitCosts::*part, double within) const {
    std::optional<double> found;
    for (const CostEntry& entry : known_) {
      const double ratio = ratio_of(entry.timed.*part, entry.nominal.*part), distance = distance_to(entry);
      if (std::isfinite(ratio) && distance < within) within = distance, found = ratio;
    }
    return found;
  }

  double distance_to(const CostEntry& entry) const {
    const bool alike = entry.threads == like_.threads && entry.dtype == like_.dtype;
    return std::abs(std::log(entry.nominal.flops / like_.nominal.flops)) + (alike ? 0 : 1e3);
  }

  std::span<const CostEntry> known_;
  const CostEntry& like_;
};

class Forecaster {
 public:
  Forecaster(std::span<const Cell> cells, const ForecastRequest& request)
      : cells_(cells), request_(request), cache_(request.cache) {}

  std::map<std::string, CellForecast> run(double program_bytes) {
    for (const Cell& cell : cells_) sort_in(cell);
    time_workloads();
    (void)cache_.save();
    std::map<std::string, CellForecast> out;
    for (const Cell& cell : cells_) out[cell.id] = forecast(cell, program_bytes);
    return out;
  }

 private:
  const Method& method_of(const Cell& cell) {
    const core::Json& document = cell.document.at("method");
    const auto [at, is_new] = methods_.try_emplace(document.dump());
    if (is_new) at->second = read_method({"method", document, {}});
    return at->second;
  }

  /// Adds a cell to its workload.
  void sort_in(const Cell& cell) {
    const Method& method = method_of(cell);
    const std::string key = workload_key(cell.document, cell.facts.model, method);
    keys_[cell.id] = key;
    const auto [at, is_new] = workloads_.try_emplace(key);
    Workload& work = at->second;
    if (is_new) {
      const core::Model model = read_rank_model(cell.document, every_op());
      const Compute compute = compute_from(cell.document.at("training"));
      work.cell = &cell;
      work.entry = {key,
                    compute.threads,
                    core::name_of(compute.precision),
                    nominal_costs(model, method, every_op(), compute),
                    {}};
      if (const CostEntry* known = cache_.find(key)) {
        work.entry.timed = known->timed;
        work.basis = ForecastBasis::remembered;
      }
    }
    work.weight += experiments::seconds_of(work.entry.nominal, unit_counts(cell, method));
  }

  /// The dearest first, each for its share of the time that is left. The first is timed whatever it takes,
  /// and none for which there is no memory.
  void time_workloads() {
    std::vector<Workload*> order;
    double weight = 0, left = request_.seconds;
    for (auto& [key, work] : workloads_)
      if (work.basis == ForecastBasis::nominal) order.push_back(&work), weight += work.weight;
    if (left > 0) {
      std::ranges::stable_sort(order, std::ranges::greater(), &Workload::weight);
      const double room = memory_budget().bytes;
      bool first = true;
      for (Workload* work : order) {
        const UnitCosts expected = Scale(cache_.entries(), work->entry).fill({});
        const double least = least_seconds(expected);
        const double share = std::max(least, left * work->weight / weight);
        weight -= work->weight;
        if ((least > left && !first) || expected.memory > room || stopped()) continue;
        first = false;
        left -= time(*work, share);
      }
    }
    for (Workload* work : order)
      if (work->basis == ForecastBasis::nominal && !cache_.entries().empty())
        work->basis = ForecastBasis::scaled;
  }

  bool stopped() const { return request_.stop != nullptr && request_.stop->load() != 0; }

  /// Returns the seconds it took.
  double time(Workload& work, double seconds) {
    const Stopwatch watch;
    const UnitCosts expected = Scale(cache_.entries(), work.entry).fill({});
    CalibrationRequest calibration{
        work.cell->document, expected, unit_counts(*work.cell, method_of(*work.cell)), seconds, {},
        request_.stop};
    for (const std::filesystem::path& scratch : scratch_folders()) {
      calibration.scratch = scratch;
      try {
        work.entry.timed = calibrate(calibration);
      } catch (const std::system_error&) {  // no permission, or a full disk
        continue;
      } catch (const CalibrationStopped&) {
        break;
      }
      work.basis = ForecastBasis::timed;
      cache_.add(work.entry);
      break;
    }
    return watch.seconds();
  }

  /// The disk of the cache, else that of temporary files: a cache that cannot be written is no error.
  std::vector<std::filesystem::path> scratch_folders() const {
    std::vector<std::filesystem::path> folders;
    if (!request_.cache.empty()) folders.push_back(request_.cache);
    std::error_code error;
    folders.push_back(std::filesystem::temp_directory_path(error));
    if (error) folders.pop_back();
    return folders;
  }

  CellForecast forecast(const Cell& cell, double program_bytes) {
    const Workload& work = workloads_.at(keys_.at(cell.id));
    const UnitCosts costs = Scale(cache_.entries(), work.entry).fill(work.entry.timed);
    const UnitCounts counts = unit_counts(cell, method_of(cell));
    const RecordSize record = record_size(cell, counts);
    const double of_a_rank =
        program_bytes + costs.memory + std::max(costs.workspace, record.rows_in_memory + costs.weights_bytes);
    return {experiments::seconds_of(costs, counts), static_cast<double>(ranks_of(cell.document)) * of_a_rank,
            costs.weights_bytes + record.journal + record.file, work.basis};
  }

  std::span<const Cell> cells_;
  const ForecastRequest& request_;
  CostCache cache_;
  std::map<std::string, Method> methods_;      // by document
  std::map<std::string, Workload> workloads_;  // by key
  std::map<std::string, std::string> keys_;    // by cell
};

}  // namespace

Forecast::Forecast(std::span<const Cell> cells, const ForecastRequest& request)
    : program_bytes_(static_cast<double>(resident_bytes()) + kStarted) {
  cells_ = Forecaster(cells, request).run(program_bytes_);
}

const CellForecast* Forecast::find(const Cell& cell) const {
  const auto at = cells_.find(cell.id);
  return at == cells_.end() ? nullptr : &at->second;
}

double Forecast::seconds_of(const Cell& cell) const {
  const CellForecast* found = find(cell);
  return found == nullptr ? 0 : found->seconds;
}

double Forecast::memory_of(const Cell& cell) const {
  const CellForecast* found = find(cell);
  return found == nullptr ? 0 : found->memory - program_bytes_;
}

/// The runner's own queue, with a clock that jumps from one end of a cell to the next.
double Forecast::seconds_with(std::span<const Cell> cells, std::size_t jobs, double memory) const {
  std::vector<const Cell*> order;
  for (const Cell& cell : cells) order.push_back(&cell);
  if (jobs > 1) sort_dearest_first(order, [this](const Cell& cell) { return seconds_of(cell); });
  CellQueue queue(std::move(order), [](const Cell&) { return true; });
  std::vector<std::pair<double, const Cell*>> at_work;  // by when they end
  double now = 0, held = program_bytes_;
  while (true) {
    while (at_work.size() < jobs) {
      const auto turn =
          queue.next([&](const Cell& cell) { return at_work.empty() || held + memory_of(cell) <= memory; });
      if (!turn) break;
      held += memory_of(*turn->cell);
      at_work.emplace_back(now + seconds_of(*turn->cell), turn->cell);
    }
    if (at_work.empty()) return now;
    const auto first = std::ranges::min_element(at_work);
    now = first->first;
    held -= memory_of(*first->second);
    queue.complete(*first->second);
    at_work.erase(first);
  }
}

}  // namespace isorbit::experiments
