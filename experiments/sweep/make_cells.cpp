#include "experiments/sweep/make_cells.hpp"

#include <map>
#include <set>

#include "core/document/digest.hpp"
#include "experiments/sweep/labels.hpp"
#include "experiments/sweep/origins.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/sweep/starts.hpp"

namespace isorbit::experiments {
namespace {

class Maker {
 public:
  Maker(const SweepSources& sources, const Expansion& expansion, std::span<const Override> overrides,
        const std::filesystem::path& data_dir, core::Problems& problems)
      : sources_(sources),
        expansion_(expansion),
        overrides_(overrides),
        starts_(sources, problems),
        resolver_(sources, data_dir, problems) {}

  MadeCells run() {
    std::vector<std::vector<std::size_t>> by_arm(sources_.arms().size());
    for (std::size_t i = 0; i < expansion_.candidates.size(); ++i)
      by_arm[expansion_.candidates[i].arm].push_back(i);
    for (const std::size_t arm : starts_.order())
      for (const std::size_t i : by_arm[arm]) make(i);
    out_.notes = resolver_.notes();
    out_.warnings = resolver_.warnings();
    return std::move(out_);
  }

 private:
  void make(std::size_t index) {
    const Candidate& candidate = expansion_.candidates[index];
    const auto source = starts_.candidate_of(candidate, expansion_);
    if (starts_.arm_of(candidate.arm) && (!source || !made_.contains(*source))) return;
    Cell cell = resolver_.resolve(candidate, start_of(candidate.arm, source),
                                  source ? &expansion_.candidates[*source] : nullptr);
    if (cell.id.empty()) return;
    cell.folder = folder_of(cell);
    cell.origins = origins_of(sources_, candidate, overrides_);
    const auto [twin, is_new] = known_.emplace(cell.id, out_.cells.size());
    made_[index] = twin->second;
    if (!rows_.insert(cell.arm + '\n' + cell.id + label_of(cell.changed)).second) return;
    cell.place = index;
    if (is_new)
      out_.cells.push_back(std::move(cell));
    else
      out_.cells[twin->second].also.push_back({cell.arm, cell.changed, cell.place});
  }

  std::optional<CellStart> start_of(std::size_t arm, std::optional<std::size_t> source) {
    if (source) {
      const Cell& cell = out_.cells[made_.at(*source)];
      return CellStart{cell.arm, cell.id, cell.folder, {}, {}, cell.run};
    }
    const std::filesystem::path& file = starts_.file_of(arm);
    if (file.empty()) return std::nullopt;
    std::string& digest = digests_[file.string()];
    if (digest.empty()) digest = core::sha256_file(file);
    return CellStart{{}, {}, {}, file, digest, {}};
  }

  const SweepSources& sources_;
  const Expansion& expansion_;
  std::span<const Override> overrides_;
  Starts starts_;
  CellResolver resolver_;
  std::map<std::string, std::size_t> known_;  // by id
  std::set<std::string> rows_;
  std::map<std::size_t, std::size_t> made_;     // cell by candidate
  std::map<std::string, std::string> digests_;  // by file
  MadeCells out_;
};

}  // namespace

MadeCells make_cells(const SweepSources& sources, const Expansion& expansion,
                     std::span<const Override> overrides, const std::filesystem::path& data_dir,
                     core::Problems& problems) {
  return Maker(sources, expansion, overrides, data_dir, problems).run();
}

}  // namespace isorbit::experiments
