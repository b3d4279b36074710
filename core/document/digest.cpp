#include "core/document/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/record/plain_file.hpp"

namespace isorbit::core {
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    require(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(const void* data, std::size_t size) { require(EVP_DigestUpdate(context_.get(), data, size) == 1); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    require(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) == 1);
    std::string digits;
    for (unsigned i = 0; i < size; ++i) {
      digits += "0123456789abcdef"[bytes[i] >> 4U];
      digits += "0123456789abcdef"[bytes[i] & 15U];
    }
    return digits;
  }

 private:
  static void require(bool held) {
    if (!held) throw std::runtime_error("the crypto library could not compute a SHA-256 digest");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 digest;
  digest.add(bytes.data(), bytes.size());
  return digest.hex();
}

std::string sha256_hex_of_pieces(std::span<const std::span<const std::byte>> pieces) {
  Sha256 digest;
  for (const std::span<const std::byte> piece : pieces) digest.add(piece.data(), piece.size());
  return digest.hex();
}

std::string sha256_hex(std::string_view text) { return sha256_hex(std::as_bytes(std::span(text))); }

std::string sha256_file(const std::filesystem::path& file) {
  const PlainFile bytes(file);
  Sha256 digest;
  std::vector<std::byte> block(std::size_t{1} << 18);
  while (const std::size_t size = bytes.read(block)) digest.add(block.data(), size);
  return digest.hex();
}

}  // namespace isorbit::core
