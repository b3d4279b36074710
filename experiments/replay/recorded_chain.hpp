// The chain of a sealed record, and where two chains part.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/record/run_file.hpp"
#include "experiments/training/replay_chain.hpp"

namespace isorbit::experiments {

struct RecordedChain {
  std::vector<std::string> tensors;  // what a row of digests is of
  std::vector<ReplayLink> links;     // of steps 0, 1, ...; losses are those of /train/loss
};

/// Reads /replay. Throws std::runtime_error saying what is missing or does not fit; `steps` is what the
/// document asks for.
[[nodiscard]] RecordedChain read_chain(const core::RunRecord& record, std::int64_t steps);

/// Two values that should be one.
struct Disagreement {
  std::string what;  // "train/loss", the name of a tensor, or "link" where nothing else differs
  std::string recorded, here;
};

/// The disagreements of two links of one step, the loss first, tensors in the order of `tensors`; none where
/// the links are the same. A link that differs alone was changed in the record; likewise a loss.
[[nodiscard]] std::vector<Disagreement> disagreements(const ReplayLink& recorded, const ReplayLink& here,
                                                      const std::vector<std::string>& tensors);

/// The first number of the series and spectra that training gives, in the order of `recorded`, that is not
/// the same bit for bit in `here`: what it is called, with its step. Times, process lives and evaluations
/// made later are left out.
[[nodiscard]] std::optional<Disagreement> first_disagreement(const core::RunRecord& recorded,
                                                             const core::RunRecord& here);

}  // namespace isorbit::experiments
