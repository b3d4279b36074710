// Where and with what a run was made: the attributes of /provenance.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "experiments/training/compute.hpp"

namespace isorbit::experiments {

[[nodiscard]] std::map<std::string, std::string> provenance(const Compute& compute,
                                                            const std::string& data_sha256,
                                                            const std::string& cell_id,
                                                            const std::vector<std::string>& argv);

/// The version of this build, "0.1.0".
[[nodiscard]] std::string version();

}  // namespace isorbit::experiments
