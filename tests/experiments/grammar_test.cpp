// experiments/sweeps/grammar.json, shortened: the words of the grammar go together.
#include <gtest/gtest.h>

#include "core/document/json.hpp"
#include "tests/experiments/run_program.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

TEST(Grammar, EveryMethodAndUnlikelyMixtureTrainsAndKeepsWhatItClaims) {
  const TemporaryFolder here;
  const Ran ran =
      run_program(ISORBIT_SOURCE_DIR,
                  "run experiments/sweeps/grammar.json training.steps=24 training.validate_every=12 "
                  "training.spectra_every=8 training.valid_targets=1024 training.threads=1 training.batch=4 "
                  "model.ffn=128 model.seq=32 --jobs auto -o '" +
                      (here.path() / "runs").string() + "'");
  ASSERT_EQ(ran.code, 0) << ran.err;  // a loss that is not finite fails its cell
  const Ran certified = run_program(here.path(), "certify runs --json");
  EXPECT_EQ(certified.code, 0) << certified.out;
  std::size_t kept = 0, cells = 0;
  std::istringstream lines(certified.out);
  for (std::string line; std::getline(lines, line); ++cells) {
    const auto verdict = Json::parse(line).at("verdict").get<std::string>();
    EXPECT_TRUE(verdict == "kept" || verdict == "nothing to keep") << line;
    kept += verdict == "kept" ? 1 : 0;
  }
  EXPECT_GE(cells, 25U);
  EXPECT_GE(kept, 14U) << "arms with POET or a rescale claim something";
}

}  // namespace
}  // namespace isorbit::experiments
