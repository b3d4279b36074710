#include "experiments/launchers/packing.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>

namespace isorbit::experiments {
namespace {

class Packing : public testing::Test {
 protected:
  const Cell* add(const std::string& id, std::int64_t cost, const std::string& from = {}) {
    Cell& cell = *cells_.emplace_back(std::make_unique<Cell>());
    cell.id = id;
    cell.facts.tokens = cost;
    if (!from.empty()) cell.from = CellStart{"arm", from, {}, {}, {}};
    pointers_.push_back(&cell);
    return &cell;
  }
  std::vector<std::string> packed(std::size_t most) const {
    std::vector<std::string> out;
    const CostOf cost = [](const Cell& cell) { return static_cast<double>(cell.facts.tokens); };
    for (const auto& task : pack(pointers_, cost, most)) {
      out.emplace_back();
      for (const Cell* cell : task) out.back() += cell->id;
    }
    return out;
  }
  std::vector<std::unique_ptr<Cell>> cells_;
  std::vector<const Cell*> pointers_;
};

TEST_F(Packing, FillsTasksEvenlyDearestFirst) {
  for (const auto& [id, cost] : std::map<std::string, int>{{"a", 1}, {"b", 9}, {"c", 2}, {"d", 3}, {"e", 5}})
    add(id, cost);
  EXPECT_EQ(packed(2), (std::vector<std::string>{"ba", "edc"}));
  EXPECT_EQ(packed(100), (std::vector<std::string>{"b", "e", "d", "c", "a"}));
  EXPECT_EQ(packed(0), (std::vector<std::string>{"bedca"}));
}

TEST_F(Packing, KeepsACellWithTheOneItStartsFromAndBehindIt) {
  add("z", 1, "y");
  add("y", 1, "x");
  add("a", 2);
  add("x", 1);
  add("w", 1, "complete elsewhere");
  EXPECT_EQ(packed(100), (std::vector<std::string>{"xyz", "a", "w"}));
}

}  // namespace
}  // namespace isorbit::experiments
