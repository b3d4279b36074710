// The entry that libFuzzer calls; each fuzzer is this file with a target's name and that target's file.
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  isorbit::fuzz::ISORBIT_FUZZ_TARGET({data, size});
  return 0;
}
