// When the outputs of a program are final, before all of it has run: an output keeps its memory to itself
// until the next run, so it is final once the step has run that computes what it is, or what it is a view of.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "core/runtime/program.hpp"

namespace isorbit::core {

/// For every named output the first step before which it is final, as core::Program::run tells its steps: 0
/// of what is fed or stored, program.steps().size() of what the last step computes. Throws std::out_of_range
/// for a name that is no output.
[[nodiscard]] std::vector<std::size_t> final_before(const Program& program,
                                                    const std::vector<std::string>& outputs);

}  // namespace isorbit::core
