// A digest at the end of a finished file, so that damage is found before a library parses the bytes.
//
// The seal is 80 bytes of text after the last byte: "isorbit-sha256:", 64 hexadecimal digits of the bytes
// before it, a line feed. HDF5 ignores what follows the end of its own data, and drops it when a file is
// rewritten.
#pragma once
#include <filesystem>

namespace isorbit::core {

/// Appends the seal. Throws std::runtime_error naming the path and the cause.
void seal(const std::filesystem::path& file);

/// Throws std::runtime_error when the file has a seal that does not hold. A file without one passes: it was
/// rewritten by another program since.
void check_seal(const std::filesystem::path& file);

}  // namespace isorbit::core
