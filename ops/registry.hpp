// Every op family of ops/, in the order of the file names.
#pragma once
#include <vector>

#include "core/graph/op.hpp"

namespace isorbit::ops {

[[nodiscard]] std::vector<core::OpFamily> registered();

}  // namespace isorbit::ops
