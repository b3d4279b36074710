// Memory of this process, as the system counts it (Linux: /proc/self). Bytes; 0 where it does not say.
#pragma once
#include <cstddef>

namespace isorbit::experiments {

/// Held now.
[[nodiscard]] std::size_t resident_bytes();
/// The most that was held since the process began, or since forget_peak().
[[nodiscard]] std::size_t peak_bytes();
/// Gives freed memory back to the system and counts the peak anew from what is held then. False where the system does not let a process do so.
bool forget_peak();

}  // namespace isorbit::experiments
