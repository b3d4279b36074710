// Every sample of every op card, for tests that a new op takes by existing.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/ops/run_op.hpp"

namespace isorbit::ops::testing {

struct Case {
  std::string op;
  std::size_t index = 0;
  [[nodiscard]] const core::OpCard& card() const { return all_ops().at(op); }
  [[nodiscard]] const core::Sample& sample() const { return card().samples[index]; }
};

inline std::ostream& operator<<(std::ostream& out, const Case& c) {
  out << c.op << " " << c.sample().attributes.dump();
  for (const core::SampleInput& in : c.sample().inputs) out << " " << in.shape.text();
  return out;
}

inline std::vector<Case> cases(const std::function<bool(const core::OpCard&, const core::Sample&)>& wanted) {
  std::vector<Case> out;
  for (const auto& [name, card] : all_ops().cards()) {
    for (std::size_t i = 0; i < card.samples.size(); ++i) {
      if (wanted(card, card.samples[i])) out.push_back({name, i});
    }
  }
  return out;
}

inline std::vector<Operand> operands(const Case& c) {
  std::vector<Operand> out;
  for (const core::SampleInput& in : c.sample().inputs) {
    const std::string name = c.op + std::to_string(c.index) + "/" + std::to_string(out.size());
    out.push_back(in.dtype == core::DType::f32 ? normal(in.shape, name)
                                               : indices(in.shape, in.below, in.distinct, name));
  }
  return out;
}

inline std::string test_name(const ::testing::TestParamInfo<Case>& info) {
  return info.param.op + "_" + std::to_string(info.param.index);
}

}  // namespace isorbit::ops::testing
