// SHA-256 (FIPS 180-4), as 64 lower-case hexadecimal digits.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace isorbit::core {

[[nodiscard]] std::string sha256_hex(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256_hex(std::string_view text);
/// Digest of several pieces, one after the other.
[[nodiscard]] std::string sha256_hex_of_pieces(std::span<const std::span<const std::byte>> pieces);
/// Digest of a file's bytes, read in blocks. Throws std::system_error with the path when it cannot be read,
/// std::runtime_error when it is no regular file.
[[nodiscard]] std::string sha256_file(const std::filesystem::path& file);

}  // namespace isorbit::core
