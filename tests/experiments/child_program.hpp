// The real program beside the test, to be disturbed while it runs.
#pragma once
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {

class ChildProgram {
 public:
  /// Starts it in `folder`; its output is in err().
  ChildProgram(const std::filesystem::path& folder, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ISORBIT_PROGRAM);
    const std::string err = (kept_.path() / "err").string(), at = folder.string();
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child_ = ::fork();
    if (child_ != 0) return;
    for (const int signal : {SIGINT, SIGHUP}) ::signal(signal, SIG_DFL);  // background shells ignore them
    const int out = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out >= 0 && ::dup2(out, STDERR_FILENO) >= 0 && ::chdir(at.c_str()) == 0) {
      ::unsetenv("ISORBIT_DATA");
      ::execv(argv[0], argv.data());
    }
    ::_exit(127);
  }
  ~ChildProgram() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  void send(int signal) const { ::kill(child_, signal); }

  /// Its exit code; 128 and more: killed by a signal.
  int wait() {
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// Until `journals` journals under `folder` have grown rows of steps. False when it ended before.
  bool wait_for_rows(const std::filesystem::path& folder, std::ptrdiff_t journals = 1) {
    for (int i = 0; i < 3000; ++i) {
      std::ptrdiff_t found = 0;
      std::error_code error;
      for (std::filesystem::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
           entry.increment(error))
        found += entry->path().filename() == "journal.log" && entry->file_size(error) > 16384 ? 1 : 0;
      if (found >= journals) return true;
      siginfo_t ended = {};
      if (::waitid(P_PID, static_cast<id_t>(child_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
          ended.si_pid != 0)
        return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  [[nodiscard]] std::string err() const { return contents(kept_.path() / "err"); }

 private:
  TemporaryFolder kept_;
  pid_t child_ = -1;
};

}  // namespace isorbit::experiments
