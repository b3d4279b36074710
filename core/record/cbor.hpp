// The part of CBOR (RFC 8949) that journals are written in, checked before it is decoded.
#pragma once
#include <cstddef>
#include <span>

namespace isorbit::core {

/// True when `bytes` is exactly one CBOR value made of definite-length text, binary, arrays and maps with
/// text keys, integers of 64 bits, floats, booleans and null, no deeper than 64 levels. Needs no recursion, so no input
/// can exhaust the stack of the decoder that follows.
[[nodiscard]] bool is_plain_cbor(std::span<const std::byte> bytes);

}  // namespace isorbit::core
