// The real program, run by a shell in a folder.
#pragma once
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {

struct Ran {
  int code = -1;  // -1: killed by a signal
  std::string out, err;
};

/// Its output and its cache are kept outside the folder. `before` is shell text in front of the program ("timeout 5 ").
inline Ran run_program(const std::filesystem::path& folder, const std::string& arguments,
                       const std::string& before = {}) {
  const TemporaryFolder kept;
  const std::string out = (kept.path() / "out").string(), err = (kept.path() / "err").string();
  const std::string command = "cd '" + folder.string() + "' && unset ISORBIT_DATA && export XDG_CACHE_HOME='" +
                              kept.path().string() + "' && " + before +
                              "'" ISORBIT_PROGRAM "' " + arguments + " > '" + out + "' 2> '" + err + "'";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(out), contents(err)};
}

}  // namespace isorbit::experiments
