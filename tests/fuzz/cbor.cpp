// A value in CBOR. What the check lets through can be decoded, and comes back from its own encoding.
#include "core/record/cbor.hpp"

#include "core/document/json.hpp"
#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {

void cbor(Input input) {
  if (!core::is_plain_cbor(std::as_bytes(input))) return;
  const core::Json value = core::Json::from_cbor(input.begin(), input.end(), true, false);
  claim(!value.is_discarded(), "what is plain can be decoded");
  const bool negative = input[0] >> 5 == 1;
  claim(!negative || (value.is_number_integer() && value.get<std::int64_t>() < 0),
        "a negative integer is one of 64 bits");
  const std::vector<std::uint8_t> again = core::Json::to_cbor(value);
  claim(core::is_plain_cbor(std::as_bytes(std::span(again))), "what was decoded is plain when encoded");
  claim(core::Json::to_cbor(core::Json::from_cbor(again)) == again, "an encoding is decoded as itself");
}

}  // namespace isorbit::fuzz
