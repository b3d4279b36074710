#include "analysis/export.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <sstream>

namespace isorbit::analysis {
namespace {

core::RunRecord record_of(double loss) {
  core::RunRecord record;
  record.series = {{"event",
                    {{"step", std::vector<std::int64_t>{2, 2}, "", ""},
                     {"kind", std::vector<std::string>{"merge", "merge"}, "", ""},
                     {"parameter", std::vector<std::string>{"a,b", "c"}, "", ""}}},
                   {"train",
                    {{"step", std::vector<std::int64_t>{1, 2}, "", ""},
                     {"loss", std::vector<double>{loss, std::numeric_limits<double>::quiet_NaN()}, "", ""}}}};
  record.spectra = {{"w", {0, 2}, 2, {3.0F, 1.5F, 2.5F, 0.1F}, {2, 4}, "svd"}};
  return record;
}

std::vector<LabelledRun> runs() {
  return {{{"id0", "poet", {{"method.block_size", "64"}}, 0, {}}, [] { return record_of(0.1); }},
          {{"id1", "adamw", {}, 1, {}}, [] { return record_of(1.0 / 3); }},
          {{"id2", "adamw", {}, 2, {}}, {}}};
}

std::string csv(CsvShape shape) {
  std::ostringstream out;
  export_csv(runs(), shape, out);
  return out.str();
}

TEST(Export, WritesALineForEveryValueOfTheRecord) {
  EXPECT_EQ(csv(CsvShape::tall),
            "cell_id,arm,seed,method.block_size,series,step,value\n"
            "id0,poet,0,64,event/kind,2,merge\n"
            "id0,poet,0,64,event/kind,2,merge\n"
            "id0,poet,0,64,event/parameter,2,\"a,b\"\n"
            "id0,poet,0,64,event/parameter,2,c\n"
            "id0,poet,0,64,train/loss,1,0.1\n"
            "id0,poet,0,64,train/loss,2,nan\n"
            "id0,poet,0,64,spectrum/w/0,0,3\n"
            "id0,poet,0,64,spectrum/w/0,2,2.5\n"
            "id0,poet,0,64,spectrum/w/1,0,1.5\n"
            "id0,poet,0,64,spectrum/w/1,2,0.1\n"
            "id1,adamw,1,,event/kind,2,merge\n"
            "id1,adamw,1,,event/kind,2,merge\n"
            "id1,adamw,1,,event/parameter,2,\"a,b\"\n"
            "id1,adamw,1,,event/parameter,2,c\n"
            "id1,adamw,1,,train/loss,1,0.3333333333333333\n"
            "id1,adamw,1,,train/loss,2,nan\n"
            "id1,adamw,1,,spectrum/w/0,0,3\n"
            "id1,adamw,1,,spectrum/w/0,2,2.5\n"
            "id1,adamw,1,,spectrum/w/1,0,1.5\n"
            "id1,adamw,1,,spectrum/w/1,2,0.1\n");
}

TEST(Export, PutsSeriesSideBySideInWideShape) {
  EXPECT_EQ(csv(CsvShape::wide),
            "cell_id,arm,seed,method.block_size,step,event/kind,event/parameter,train/loss,spectrum/w/"
            "0,spectrum/w/1\n"
            "id0,poet,0,64,0,,,,3,1.5\n"
            "id0,poet,0,64,1,,,0.1,,\n"
            "id0,poet,0,64,2,merge,\"a,b\",nan,2.5,0.1\n"
            "id0,poet,0,64,2,merge,c,,,\n"
            "id1,adamw,1,,0,,,,3,1.5\n"
            "id1,adamw,1,,1,,,0.3333333333333333,,\n"
            "id1,adamw,1,,2,merge,\"a,b\",nan,2.5,0.1\n"
            "id1,adamw,1,,2,merge,c,,,\n");
}

TEST(Export, WritesFloatsThatReadBackEqual) {
  for (const double value : {0.1, 1.0 / 3, 1e-300, -2.5e17, 5e-324, 123456789.125})
    EXPECT_EQ(std::strtod(shortest(value).c_str(), nullptr), value);
  for (const float value : {0.1F, 1.0F / 3, 1e-38F})
    EXPECT_EQ(std::strtof(shortest(value).c_str(), nullptr), value);
  EXPECT_EQ(shortest(0.1F), "0.1");
  EXPECT_EQ(shortest(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(shortest(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(Export, SaysWhenTheOutputFails) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  EXPECT_THROW(export_csv(runs(), CsvShape::tall, out), std::runtime_error);
}

}  // namespace
}  // namespace isorbit::analysis
