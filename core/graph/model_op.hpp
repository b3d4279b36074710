// Which ops models are written with. The others are made by passes and by words of methods.
#pragma once
#include <string>
#include <vector>

#include "core/graph/op.hpp"

namespace isorbit::core {

/// An op that can be differentiated and says how factors on channels show in it (OpCard::scaling).
[[nodiscard]] bool is_model_op(const OpCard& card);

/// Their names, in order.
[[nodiscard]] std::vector<std::string> model_ops(const OpSet& ops);

}  // namespace isorbit::core
