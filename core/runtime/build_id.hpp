// Which build a process runs.
#pragma once
#include <string>

namespace isorbit::core {

/// The first sixteen digits of what the linker has written into the program about its content (GNU build id):
/// the same for the same program, another one after any change of its code. "unknown" where it wrote nothing.
[[nodiscard]] std::string build_id();

}  // namespace isorbit::core
