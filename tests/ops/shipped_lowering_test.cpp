// No shipped model, trained by any shipped method, may reach one of oneDNN's reference implementations.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/passes/compile.hpp"
#include "experiments/training/learner.hpp"
#include "ops/registry.hpp"

namespace isorbit {
namespace {

namespace fs = std::filesystem;

void expect_no_reference(const core::Document& document, const std::string& size, const core::OpSet& ops) {
  const core::Model model = core::read_model(document, ops, size);
  core::Engine engine(2);
  for (const bool training : {true, false}) {
    core::CompileOptions options;
    options.differentiate = training;
    const core::LoweredGraph lowered =
        core::place_reorders(core::lower(core::transform(model.graph, ops, options), engine), engine);
    for (std::size_t n = 0; n < lowered.kernels.size(); ++n) {
      EXPECT_EQ(lowered.kernels[n].implementation.find("ref"), std::string::npos)
          << document.file << " size \"" << size << "\": " << lowered.graph.nodes[n].name << " is lowered to "
          << lowered.kernels[n].implementation;
    }
  }
}

TEST(ShippedLowering, ContainsNoReferenceImplementation) {
  const core::OpSet ops(ops::registered());
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(ISORBIT_SOURCE_DIR) / "experiments" / "models")) {
    const core::Document document = core::read_document(entry.path());
    expect_no_reference(document, "", ops);
    if (!document.root.contains("sizes")) continue;
    for (const auto& [size, constants] : document.root.at("sizes").items())
      expect_no_reference(document, size, ops);
  }
}

TEST(ShippedLowering, OfEveryShippedMethodContainsNoReferenceImplementation) {
  const core::OpSet ops(ops::registered());
  const fs::path folder = fs::path(ISORBIT_SOURCE_DIR) / "experiments";
  for (const char* size : {"micro", "tiny"}) {
    const core::Model model =
        core::read_model(core::read_document(folder / "models" / "llama.json"), ops, size);
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder / "methods")) {
      if (entry.is_directory()) continue;
      const experiments::Method method = experiments::read_method(core::read_document(entry.path()));
      const experiments::Learner learner(model, method, ops, 0, {2});
      for (const core::Step& step : learner.program().steps()) {
        EXPECT_EQ(step.implementation.find("ref"), std::string::npos)
            << entry.path() << " at " << size << ": " << step.name << " is lowered to "
            << step.implementation;
      }
    }
  }
}

}  // namespace
}  // namespace isorbit
