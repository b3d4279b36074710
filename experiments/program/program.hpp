// The command line program: verbs with options of their own, one exit code for each way it can end.
#pragma once
#include <iosfwd>
#include <string>
#include <vector>

namespace isorbit::experiments {

/// Runs `isorbit` with argv[0] first. Data goes to `out`, messages and progress to `err`. Returns the exit
/// code: 0 done, 1 some cell failed or an error, 2 the documents or the command line are wrong and nothing
/// was started, 75 stopped on request with its state saved. Throws nothing.
[[nodiscard]] int main_program(const std::vector<std::string>& argv, std::ostream& out, std::ostream& err);

}  // namespace isorbit::experiments
