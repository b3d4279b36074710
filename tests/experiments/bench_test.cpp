#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/document/json.hpp"
#include "experiments/program/bench_products.hpp"
#include "experiments/program/bench_profile.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "tests/experiments/run_program.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

const std::string kSource = ISORBIT_SOURCE_DIR;
const std::string kMicro = "'" + kSource + "/experiments/models/llama.json' --size micro";
const std::string kPoet = " --method '" + kSource + "/experiments/methods/poet_bs.json'";

double sum_of(const Json& object, std::initializer_list<const char*> keys) {
  double sum = 0;
  for (const char* key : keys) sum += object.at(key).get<double>();
  return sum;
}

TEST(Bench, PrintsOneObjectWhosePartsArePositiveAndFitInTheWhole) {
  const TemporaryFolder here;
  const Ran ran = run_program(here.path(), "bench " + kMicro + " --steps 2 --warmup 1 --json" + kPoet);
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 1);
  const Json j = Json::parse(ran.out);
  for (const char* key : {"ms",
                          "tokens_per_second",
                          "data_ms",
                          "forward_ms",
                          "backward_ms",
                          "update_ms",
                          "events_ms",
                          "record_ms",
                          "spectra_ms",
                          "gflop",
                          "bytes",
                          "gflop_per_second",
                          "ceiling_ms",
                          "ceiling_share",
                          "ceiling_gflop",
                          "arena_bytes",
                          "arena_lower_bound_bytes",
                          "peak_bytes",
                          "planned_bytes",
                          "compile_ms"}) {
    ASSERT_TRUE(j.contains(key)) << key;
    const double value = j.at(key).get<double>();
    EXPECT_TRUE(std::isfinite(value)) << key;
    EXPECT_GT(value, 0) << key;
  }
  for (const char* key : {"cpu", "isa", "onednn", "version", "dtype", "threads", "method", "size"})
    EXPECT_TRUE(j.contains(key)) << key;
  EXPECT_EQ(j.at("step_ms").size(), 2U);
  EXPECT_LE(sum_of(j, {"data_ms", "forward_ms", "backward_ms", "update_ms"}),
            j.at("ms").get<double>() * (1 + 1e-9));
  EXPECT_LE(j.at("arena_lower_bound_bytes"), j.at("arena_bytes"));
  EXPECT_LE(j.at("arena_bytes"), j.at("planned_bytes"));
  EXPECT_LE(j.at("arena_bytes"), j.at("peak_bytes")) << "a step writes all of the arena";
  EXPECT_NEAR(j.at("tokens_per_second").get<double>(), 16 * 128 / j.at("ms").get<double>() * 1e3, 1);
}

TEST(Bench, TakesConstantsOfModelAndMethod) {
  const TemporaryFolder here;
  const std::string quick = "bench " + kMicro + kPoet + " --steps 1 --warmup 0 --skip all --json";
  const Ran plain = run_program(here.path(), quick);
  const Ran set =
      run_program(here.path(), quick + " --set batch=4 --set method.block_size=32 --batches fixed");
  ASSERT_EQ(plain.code, 0) << plain.err;
  ASSERT_EQ(set.code, 0) << set.err;
  EXPECT_LT(Json::parse(set.out).at("gflop"), Json::parse(plain.out).at("gflop"));
  EXPECT_FALSE(Json::parse(set.out).contains("ceiling_ms"));
  EXPECT_HOLDS(run_program(here.path(), "bench " + kMicro + " --steps 1 --skip all").out, "tokens/s");
}

TEST(Bench, RefusesWrongArgumentsWithTwo) {
  const TemporaryFolder here;
  for (const std::string& arguments :
       std::vector<std::string>{"bench", "bench " + kMicro + " --steps 0", "bench " + kMicro + " --dtype f64",
                                "bench " + kMicro + " --set width", "bench " + kMicro + " --batches same",
                                "bench " + kMicro + " --skip steps --skip all", "bench nowhere.json",
                                "bench " + kMicro + " --method nowhere.json",
                                "bench " + kMicro + " --set method.block_size=7" + kPoet, "profile",
                                "profile " + kMicro + " --limit -1", "profile " + kMicro + " --size vast"}) {
    const Ran ran = run_program(here.path(), arguments);
    EXPECT_EQ(ran.code, 2) << arguments << "\n" << ran.err;
    EXPECT_EQ(ran.out, "") << arguments;
  }
}

TEST(Profile, WritesATraceOfConsecutiveEventsThatFillAStep) {
  const TemporaryFolder here;
  const Ran ran =
      run_program(here.path(), "profile " + kMicro + " --steps 2 --trace trace.json --json --limit 5");
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json trace = Json::parse(contents(here.path() / "trace.json"));
  ASSERT_TRUE(trace.is_array());
  std::set<std::string> categories;
  double end = 0;
  for (const Json& event : trace) {
    EXPECT_EQ(event.at("ph"), "X");
    EXPECT_TRUE(event.contains("pid") && event.contains("tid"));
    EXPECT_GE(event.at("dur"), 0);
    EXPECT_NEAR(event.at("ts").get<double>(), end, 1e-3) << event.at("name");
    end = event.at("ts").get<double>() + event.at("dur").get<double>();
    categories.insert(event.at("cat").get<std::string>());
  }
  EXPECT_EQ(categories, (std::set<std::string>{"data", "forward", "backward", "update"}));
}

TEST(Profile, SharesOutTheStepByKindAndByNodeMostFirst) {
  const TemporaryFolder here;
  const Ran ran = run_program(here.path(), "profile " + kMicro + " --steps 2 --json --limit 5");
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json j = Json::parse(ran.out);
  EXPECT_EQ(j.at("nodes").size(), 5U);
  for (const char* level : {"kinds", "nodes"}) {
    double before = j.at("ms").get<double>(), shares = 0;
    for (const Json& row : j.at(level)) {
      EXPECT_LE(row.at("ms"), before) << row.dump();
      EXPECT_NE(row.at("implementation"), "");
      before = row.at("ms").get<double>();
      shares += row.at("share").get<double>();
    }
    EXPECT_GT(shares, 0);
    EXPECT_LE(shares, 1);
  }
  double forward = 0;
  for (const Json& row : j.at("kinds"))
    forward += row.at("pass") == "forward" ? row.at("ms").get<double>() : 0.0;
  EXPECT_NEAR(forward, j.at("forward_ms").get<double>(), 0.05 * forward);
  EXPECT_HOLDS(run_program(here.path(), "profile " + kMicro + " --steps 1").out, "backward");
}

/// A program of one op, bound in its own store.
core::Program program_of(core::Engine& engine, core::TensorStore& store, const std::string& op,
                         const std::vector<core::Shape>& inputs, const Json& attributes) {
  core::Graph graph;
  std::vector<core::ValueId> ids;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    ids.push_back(graph.add_input("x" + std::to_string(i), {inputs[i], core::DType::f32}));
  core::Builder builder(graph, every_op(), "product", "");
  graph.outputs.push_back({"y", builder.op(op, ids, attributes)});
  core::CompileOptions options;
  options.differentiate = false;
  return core::compile(std::move(graph), every_op(), options, engine, store);
}

TEST(Ceiling, AddsUpEveryProductOfTheNodes) {
  core::Engine engine(1);
  core::TensorStore store;
  const core::Program program =
      program_of(engine, store, "attention", {{2, 8, 32}, {2, 8, 32}, {2, 8, 16}}, {{"heads", 4}});
  const Ceiling ceiling = measure_ceiling(program, 1);
  EXPECT_EQ(ceiling.flops, 2.0 * 2 * 4 * 8 * 16 * (8 + 4)) << "queries are taken 16 at a time";
  EXPECT_TRUE(std::isfinite(ceiling.ms));
  EXPECT_GT(ceiling.ms, 0);
}

TEST(Ceiling, OfAProgramWithoutProductsIsNothing) {
  core::Engine engine(1);
  core::TensorStore store;
  const core::Program program = program_of(engine, store, "add", {{4, 4}, {4, 4}}, Json::object());
  EXPECT_EQ(measure_ceiling(program, 1).ms, 0);
  EXPECT_EQ(measure_ceiling(program, 1).flops, 0);
}

TEST(Profile, BooksTheForwardProductOfAFusedHeadWithTheForwardPass) {
  const TemporaryFolder here;
  const Ran ran = run_program(here.path(), "profile " + kMicro + " --steps 2 --json --limit 500");
  ASSERT_EQ(ran.code, 0) << ran.err;
  std::map<std::string, double> ms;
  const Json j = Json::parse(ran.out);
  for (const Json& row : j.at("nodes"))
    if (row.at("op") == "linear_cross_entropy_grad") ms[row.at("pass")] += row.at("ms").get<double>();
  ASSERT_EQ(ms.size(), 2U);
  EXPECT_NEAR(ms.at("forward"), ms.at("backward") / 2, 0.02 * ms.at("backward")) << "one of three products";
}

}  // namespace
}  // namespace isorbit::experiments
