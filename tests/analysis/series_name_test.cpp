#include "analysis/series_name.hpp"

#include <gtest/gtest.h>

namespace isorbit::analysis {
namespace {

void expect(const SeriesName& found, const SeriesName& expected) {
  EXPECT_EQ(found.series, expected.series);
  EXPECT_EQ(found.parameter, expected.parameter);
  EXPECT_EQ(found.layer, expected.layer);
  EXPECT_EQ(found.kind, expected.kind);
}

TEST(SeriesName, TellsTheParameterFromTheSeries) {
  const std::string q = "layers.11.attn.q.weight";
  expect(series_name("measure/" + q), {"measure", q, "11", "attn.q"});
  expect(series_name("spectrum/" + q), {"spectrum", q, "11", "attn.q"});
  expect(series_name("ratio/q-k/" + q), {"ratio/q-k", q, "11", "attn.q"});
  expect(series_name("train"), {"train", "", "", ""});
  expect(series_name("eval/wordnet_cloze/items"), {"eval/wordnet_cloze/items", "", "", ""});
}

TEST(SeriesName, CutsLayerAndKindOutOfAParameter) {
  expect(parameter_name("s", "embed.weight"), {"s", "embed.weight", "", "embed"});
  expect(parameter_name("s", "layers.0.n1.weight"), {"s", "layers.0.n1.weight", "0", "n1"});
  expect(parameter_name("s", "layers.2.attn.q.bias"), {"s", "layers.2.attn.q.bias", "2", "attn.q.bias"});
  expect(parameter_name("s", "layers.1.experts.3.up.weight"),
         {"s", "layers.1.experts.3.up.weight", "1", "experts.3.up"});
  expect(parameter_name("s", "net.layers.4.up.weight"), {"s", "net.layers.4.up.weight", "4", "net.up"});
  expect(parameter_name("s", "weight"), {"s", "weight", "", "weight"});
  expect(parameter_name("s", "w"), {"s", "w", "", "w"});
}

}  // namespace
}  // namespace isorbit::analysis
