// The same numbers in another storage type, elements [begin, end).
#pragma once
#include "ops/kernels/stored.hpp"

namespace isorbit::ops::kernels {

void cast(Input from, Output to, std::int64_t begin, std::int64_t end);

}  // namespace isorbit::ops::kernels
