#include "experiments/program/ranks.hpp"

#include "experiments/distributed/launch.hpp"
#include "experiments/distributed/lead.hpp"
#include "experiments/distributed/rank_model.hpp"
#include "experiments/program/interrupts.hpp"
#include "experiments/program/verb.hpp"

namespace isorbit::experiments {

std::unique_ptr<Communicator> ranks_to_lead() {
  try {
    std::unique_ptr<Communicator> ranks = join_ranks();
    if (ranks->rank() == 0) return ranks;
    const Interrupts interrupts;  // rank 0 is asked as well, and decides
    follow(*ranks);
    return nullptr;
  } catch (const NoRanks& error) {
    throw UsageError(error.what());
  }
}

void check_ranks(std::span<const Cell> cells, const Communicator& ranks) {
  const std::string here = std::to_string(ranks.size());
  for (const Cell& cell : cells) {
    const std::int64_t asked = ranks_of(cell.document);
    if (asked == ranks.size()) continue;
    const std::string wanted = std::to_string(asked), label = label_of(cell.changed);
    throw UsageError("found training.ranks=" + wanted + ", of " + cell.arm +
                     (label.empty() ? "" : " " + label) + " seed " + std::to_string(cell.seed) +
                     "; expected " + here + ", the processes started; try " +
                     (asked > 1 ? "mpirun -n " + wanted + " isorbit, or " : "") + "training.ranks=" + here);
  }
}

}  // namespace isorbit::experiments
