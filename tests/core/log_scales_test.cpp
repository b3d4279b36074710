#include "core/graph/log_scales.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace isorbit::core {
namespace {

using Variable = LogScales::Variable;

/// The powers of v over `unknowns`, in order.
std::vector<double> powers(const LogScales& scales, Variable v, const std::vector<Variable>& unknowns) {
  std::vector<double> out;
  std::size_t found = 0;
  for (const Variable unknown : unknowns) {
    out.push_back(0);
    for (const LogScales::Term& term : scales.of(v))
      if (term.unknown == unknown) out.back() = term.power, ++found;
  }
  EXPECT_EQ(found, scales.of(v).size()) << "of other unknowns";
  return out;
}

TEST(LogScales, AChainOfRelationsHasOneUnknownAndCarriesItsPower) {
  LogScales s;
  const Variable v = s.add(4);
  s.relate(v + 3, 2, v + 2);
  s.relate(v + 1, -1, v);
  s.relate(v + 2, -1, v + 1);
  s.solve();
  for (const auto& [i, power] : {std::pair{0, 1.0}, {1, -1.0}, {2, 1.0}, {3, 2.0}})
    EXPECT_EQ(powers(s, v + i, {v}), std::vector{power}) << i;
}

TEST(LogScales, APinReachesItsWholeClassAndKeepsTheFirstReason) {
  LogScales s;
  const Variable v = s.add(4);
  s.relate(v, 1, v + 1);
  s.pin(v + 1, 7);
  s.pin(v + 2, 3);
  s.relate(v + 2, -1, v);
  s.solve();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(s.reason(v + i), 3);
  EXPECT_FALSE(s.reason(v + 3));
}

TEST(LogScales, WhatMustBeItsOwnInverseIsZero) {
  LogScales s;
  const Variable v = s.add(2);
  s.relate(v, 1, v + 1);
  s.relate(v + 1, -1, v);
  s.solve();
  EXPECT_EQ(s.reason(v), LogScales::kContradiction);
}

TEST(LogScales, ASumWithAZeroIsAnEqualityWhereverTheZeroComesFrom) {
  LogScales s;
  const Variable v = s.add(6);
  s.sum(v + 4, v + 3, v + 5);  // known only after the next sum
  s.sum(v + 2, v, v + 1);
  s.relate(v + 5, 1, v + 2);
  s.pin(v, 0);
  s.pin(v + 1, 1);
  s.solve();
  EXPECT_EQ(s.reason(v + 5), 0);
  EXPECT_EQ(powers(s, v + 4, {v + 3}), std::vector{1.0});
}

TEST(LogScales, ASumOfOneVariableWithItselfIsItsDouble) {
  LogScales s;
  const Variable v = s.add(2);
  s.sum(v + 1, v, v);
  s.solve();
  EXPECT_EQ(powers(s, v + 1, {v}), std::vector{2.0});
}

TEST(LogScales, WhatSumsLeaveIsEliminated) {
  LogScales s;
  const Variable a = s.add(1), b = s.add(1), y = s.add(1), z = s.add(1);
  s.sum(y, a, b);
  s.sum(z, y, b);
  s.solve();
  EXPECT_EQ(powers(s, y, {a, b}), (std::vector{1.0, 1.0}));
  EXPECT_EQ(powers(s, z, {a, b}), (std::vector{1.0, 2.0}));
  LogScales closed;  // a + b = y, a + y = b: so a is 0
  const Variable v = closed.add(3);
  closed.sum(v + 2, v, v + 1);
  closed.sum(v + 1, v, v + 2);
  closed.solve();
  EXPECT_TRUE(closed.of(v).empty());
  EXPECT_EQ(closed.reason(v), LogScales::kContradiction);
  EXPECT_EQ(powers(closed, v + 2, {v + 1}), std::vector{1.0});
}

TEST(LogScales, AMillionVariablesTakeFarLessThanASecondsWork) {
  LogScales s;
  const Variable v = s.add(1000000);
  for (Variable i = 0; i + 1000 < 1000000; ++i) s.relate(v + i, -1, v + i + 1000);
  for (Variable i = 0; i < 1000; i += 3) s.sum(v + i + 2, v + i, v + i + 1);
  s.solve();
  EXPECT_EQ(powers(s, v + 999002, {v, v + 1}), (std::vector{-1.0, -1.0}));
}

}  // namespace
}  // namespace isorbit::core
