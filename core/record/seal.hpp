// A digest at the end of a finished file, so that damage is found before a library parses the bytes.
//
// The seal is 80 bytes of text after the last byte: "isorbit-sha256:", 64 hexadecimal digits of the bytes
// before it, a line feed. HDF5 ignores what follows the end of its own data, and drops it when a file is
// rewritten.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace isorbit::core {

/// Appends the seal of the bytes to them.
void add_seal(std::vector<std::byte>& bytes);

/// Takes the seal off the end of a file's bytes. False where they have none: the file was rewritten by
/// another program since, or cut off. Throws std::runtime_error naming the file when the seal does not hold.
[[nodiscard]] bool drop_seal(std::vector<std::byte>& bytes, const std::string& name);

}  // namespace isorbit::core
