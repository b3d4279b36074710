#include "core/graph/op.hpp"

namespace isorbit::core {

namespace {

void refuse_incomplete(const OpCard& card) {
  const auto refuse = [&](const std::string& what) {
    throw std::logic_error("op \"" + card.name + "\" " + what);
  };
  if (!card.infer) refuse("has no shape rule");
  if (card.expand && card.lower) refuse("is an expansion and must have no lowering");
  if (card.expand && !card.grad && card.ref)
    refuse("is an expansion before differentiation and must have no reference");
  if (card.expand && !card.grad) return;
  if (!card.ref) refuse("has no reference");
  if (card.expand) return;
  if (!card.lower && !card.view) refuse("has no lowering");
}

}  // namespace

OpSet::OpSet(std::vector<OpFamily> families) {
  for (OpFamily& family : families) {
    for (OpCard& card : family) {
      refuse_incomplete(card);
      const std::string name = card.name;
      if (!cards_.emplace(name, std::move(card)).second)
        throw std::logic_error("op \"" + name + "\" is declared twice");
    }
  }
}

const OpCard* OpSet::find(std::string_view name) const {
  const auto it = cards_.find(name);
  return it == cards_.end() ? nullptr : &it->second;
}

const OpCard& OpSet::at(std::string_view name) const {
  const OpCard* card = find(name);
  if (card == nullptr) throw std::out_of_range("no op is named \"" + std::string(name) + "\"");
  return *card;
}

const OpCard& OpSet::with(Duty duty) const {
  for (const auto& [name, card] : cards_) {
    if (card.duty == duty) return card;
  }
  throw std::logic_error("the op set lacks an op for a duty the compiler needs");
}

std::vector<std::string> OpSet::names() const {
  std::vector<std::string> names;
  for (const auto& [name, card] : cards_) names.push_back(name);
  return names;
}

}  // namespace isorbit::core
