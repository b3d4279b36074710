// The program `isorbit`.
#include <iostream>

#include "experiments/program/program.hpp"

int main(int argc, char** argv) {
  return isorbit::experiments::main_program({argv, argv + argc}, std::cout, std::cerr);
}
