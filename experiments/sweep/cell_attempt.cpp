#include "experiments/sweep/cell_attempt.hpp"

#include "experiments/sweep/publication.hpp"
#include "experiments/sweep/repair.hpp"

namespace isorbit::experiments {

bool complete_without_training(const std::filesystem::path& cell_folder, const std::string& cell_id,
                               const std::function<void(const std::string&)>& note) {
  if (is_complete(cell_folder, cell_id)) return true;
  const Examination found = examine(cell_folder, cell_id);
  mend(cell_folder, found);
  if (found.need != Need::training || !found.aside.empty()) note(found.text);
  return found.need != Need::training && is_complete(cell_folder, cell_id);
}

CellResult refuse_cell(const Claim& claim, const Failure& failure) {
  write_failure(claim.folder(), failure);
  return {Outcome::failed, failure.reason, 0, failure.step, failure.kind};
}

CellResult attempt_cell(const Claim& claim, CellRequest wanted,
                        const std::function<CellResult(const CellRequest&)>& run) {
  wanted.folder = claim.folder();
  wanted.earlier = claim.earlier();
  wanted.fence = [&claim] { claim.check(); };
  try {
    CellResult result = run(wanted);
    if (result.outcome != Outcome::complete) return result;
    claim.check();
    if (!publish_attempt(claim.folder()))
      return {Outcome::superseded, "another attempt was published first", result.valid_loss, result.step};
    return result;
  } catch (const Superseded& error) {
    return {Outcome::superseded, error.what(), 0, 0};
  } catch (const std::exception& error) {
    return refuse_cell(claim, failure_of(error));
  }
}

}  // namespace isorbit::experiments
