// Why a word of a method does not fit a tensor.
#pragma once
#include <string>

namespace isorbit::experiments {

/// `field` is relative to the word's object ("block_size", "update/0/rank"); it may be empty.
struct Misfit {
  std::string field, found, expected, because, suggestion;
};

}  // namespace isorbit::experiments
