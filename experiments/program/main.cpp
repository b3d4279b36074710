// The program `isorbit`.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "experiments/program/program.hpp"

namespace {

/// A descriptor that is closed would be that of the next file, which then got what is meant for a terminal.
/// It is opened the wrong way round, so that using it is the error it would have been.
void open_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(descriptor, F_GETFD) < 0 &&
        ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) != descriptor)
      std::_Exit(1);
}

/// OpenBLAS starts a thread a core before main, each of which tries for ever to map a large buffer where the
/// address space is limited; the program uses none of them. A new start has none.
void start_without_threads_of_openblas(char** argv) {
  rlimit space{};
  const char* threads = std::getenv("OPENBLAS_NUM_THREADS");
  if (::getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur == RLIM_INFINITY ||
      (threads != nullptr && std::string_view(threads) == "1"))
    return;
  ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
  ::execv("/proc/self/exe", argv);  // where it fails the program goes on as it is
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  start_without_threads_of_openblas(argv);
  return isorbit::experiments::main_program({argv, argv + argc}, std::cout, std::cerr);
}
