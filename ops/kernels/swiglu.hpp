// SwiGLU and its gradient over elements [begin, end), as in ops/swiglu.cpp. Outputs may be inputs.
#pragma once
#include "ops/kernels/stored.hpp"

namespace isorbit::ops::kernels {

void swiglu(Input gate, Input up, Output y, std::int64_t begin, std::int64_t end);
void swiglu_grad(Input gate, Input up, Input dy, Output dgate, Output dup, std::int64_t begin,
                 std::int64_t end);

}  // namespace isorbit::ops::kernels
