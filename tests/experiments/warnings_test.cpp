// Documents of which something does nothing in a run, as data: every folder of tests/warnings/ is a case. Its
// command succeeds and stderr is its `expected`, byte by byte; with --strict the same lines are errors.
#include <gtest/gtest.h>

#include <sstream>

#include "core/record/tensor_file.hpp"
#include "tests/experiments/document_cases.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

/// The lines without "warning: ".
std::string as_errors(const std::string& warnings) {
  std::istringstream lines(warnings);
  std::string text;
  for (std::string line; std::getline(lines, line);)
    text += line.substr(std::string("warning: ").size()) + "\n";
  return text;
}

class DoesNothing : public testing::TestWithParam<std::string> {};

TEST_P(DoesNothing, IsSaidAndStopsNothingUnlessAsked) {
  const std::filesystem::path folder = case_folder("warnings") / GetParam();
  const SmallSweep here;
  const std::string command = lay_out(folder, here), expected = contents(folder / "expected");
  const Ran ran = run_program(here.path(), command);
  EXPECT_EQ(ran.err, expected);
  EXPECT_EQ(ran.code, 0);
  const Ran strict = run_program(here.path(), command + " --strict");
  EXPECT_EQ(strict.err, as_errors(expected));
  EXPECT_EQ(strict.out, "");
  EXPECT_EQ(strict.code, 2);
}

INSTANTIATE_TEST_SUITE_P(Warnings, DoesNothing, testing::ValuesIn(cases_of("warnings")),
                         [](const auto& info) { return info.param; });

TEST(Warnings, AreSaidByRunWhichGoesOnAndStrictStartsNothing) {
  const SmallSweep here;
  (void)lay_out(case_folder("warnings") / "event_never_happens", here);
  const std::string expected = contents(case_folder("warnings") / "event_never_happens" / "expected");
  const Ran strict = run_program(here.path(), "run sweep.json --strict -q");
  EXPECT_EQ(strict.code, 2);
  EXPECT_EQ(strict.err, as_errors(expected));
  EXPECT_FALSE(std::filesystem::exists(here.path() / "runs"));
  const Ran ran = run_program(here.path(), "run sweep.json -q");
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, expected);
  const Ran planned = run_program(here.path(), "plan sweep.json --calibrate 0");
  EXPECT_EQ(planned.err, expected);
  EXPECT_EQ(run_program(here.path(), "submit sweep.json --time 1:00:00 --dry-run --strict").code, 2);
}

TEST(Warnings, OfWhatASweepSetsNameTheOverride) {
  const SmallSweep here;
  Json document = here.document();
  document["training"]["spectra_every"] = 4;
  here.write(document);
  const Ran ran = run_program(here.path(), "validate sweep.json training.spectra_every=40");
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err,
            "warning: command line training.spectra_every=40 #/training/spectra_every: found 40; expected at "
            "most 4; because the run has 4 steps (training.steps), and nothing is measured between its start "
            "and its end\n");
}

TEST(Warnings, DoNotSpeakOfDefaults) {
  const SmallSweep here;  // spectra_every is 200 by default, and the run has 4 steps
  EXPECT_EQ(run_program(here.path(), "validate sweep.json").err, "");
}

TEST(Warnings, KnowTheWeightsOfAFileThatAreZero) {
  const SmallSweep here;
  Json document = here.document();
  ASSERT_EQ(run_program(here.path(), "run sweep.json -q --only arm=adamw,seed=0 --limit 1").code, 0);
  const std::filesystem::path cell =
      std::filesystem::directory_iterator(here.path() / "runs/small/adamw")->path();
  core::TensorFile file = core::read_tensors(cell / "weights.safetensors");
  std::vector<core::TensorView> views;
  for (core::StoredTensor& tensor : file.tensors) {
    if (tensor.name == "layers.1.o.weight") std::ranges::fill(tensor.data, std::byte{0});
    views.push_back({tensor.name, tensor.type, tensor.shape, tensor.data});
  }
  core::write_tensors(here.path() / "given.safetensors", views, {});
  Json poet = core::read_document(here.path() / "poet.json").root;
  poet["groups"][0]["parametrization"]["init"] = "model";
  here.folder().write("poet.json", poet.dump(1));
  document["arms"] = {{"poet", {{"method", "poet.json"}, {"from", "given.safetensors"}}}};
  document.erase("compare");
  here.write(document);
  const Ran ran = run_program(here.path(), "validate sweep.json");
  EXPECT_EQ(ran.code, 0);
  EXPECT_HOLDS(ran.err,
               "#/groups/0/parametrization/init: found \"model\"; expected an init that draws the base");
  EXPECT_HOLDS(ran.err, "\"layers.1.o.weight\" is all zeros, which no rotation moves, with the weights of");
}

}  // namespace
}  // namespace isorbit::experiments
