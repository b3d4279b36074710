#include "core/graph/model_op.hpp"

namespace isorbit::core {

bool is_model_op(const OpCard& card) { return (card.grad || card.expand) && card.scaling; }

std::vector<std::string> model_ops(const OpSet& ops) {
  std::vector<std::string> names;
  for (const auto& [name, card] : ops.cards())
    if (is_model_op(card)) names.push_back(name);
  return names;
}

}  // namespace isorbit::core
