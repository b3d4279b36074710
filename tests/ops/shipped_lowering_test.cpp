// No shipped model, trained by any shipped method, may reach one of oneDNN's reference implementations.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/passes/compile.hpp"
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

}  // namespace
}  // namespace isorbit
