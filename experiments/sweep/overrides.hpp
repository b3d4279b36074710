// Overrides on the command line, as in Hydra: `training.steps=100` sets a value, `model.kv_heads=1,4` makes
// an axis.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/sweep/sweep.hpp"

namespace isorbit::experiments {

/// An override and the JSON pointer of what it wrote.
struct Override {
  std::string text;
  std::string pointer;
};

/// Writes the overrides into a sweep document. `model.X` and `method.X` are constants (model.file and
/// model.size the sweep's own fields; an arm with a file of its own has none of them:
/// `arms.NAME.model.size`), `training.X` and `data.X` fields; other names are paths in the document. A single
/// value takes the place of an axis of the same name. What cannot be written is a problem.
[[nodiscard]] std::vector<Override> apply_overrides(core::Json& sweep, std::span<const std::string> texts,
                                                    core::Problems& problems);
/// Those of a request, and its seed.
[[nodiscard]] std::vector<Override> apply_overrides(core::Json& sweep, const SweepRequest& request,
                                                    core::Problems& problems);

/// Problems at what an override wrote name the override instead of the file.
[[nodiscard]] std::vector<core::Problem> relabelled(std::span<const core::Problem> problems,
                                                    std::string_view file,
                                                    std::span<const Override> overrides);

/// The values between top-level commas, each JSON where it parses as that and else a text.
[[nodiscard]] std::vector<core::Json> split_values(std::string_view text);

}  // namespace isorbit::experiments
