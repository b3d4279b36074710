// The program `isorbit`.
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "experiments/program/program.hpp"

int main(int argc, char** argv) {
  // oneDNN's OpenMP threads spin between kernels unless told not to, and take the cores from our own loops.
  // libgomp reads the setting when it is loaded, before main, so a process that lacks it starts itself again
  // with it. The variable being set then ends the matter; where starting again fails, the slower process runs
  // on.
  if (std::getenv("OMP_WAIT_POLICY") == nullptr && ::setenv("OMP_WAIT_POLICY", "PASSIVE", 0) == 0)
    ::execv("/proc/self/exe", argv);
  return isorbit::experiments::main_program({argv, argv + argc}, std::cout, std::cerr);
}
