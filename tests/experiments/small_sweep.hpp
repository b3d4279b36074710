// The documents of tests/errors/common with a corpus beside them: a sweep that can be read, and run in
// seconds.
#pragma once
#include <filesystem>

#include "experiments/sweep/sweep.hpp"
#include "tests/experiments/temporary_folder.hpp"

namespace isorbit::experiments {

class SmallSweep {
 public:
  SmallSweep() {
    std::filesystem::copy(std::filesystem::path(ISORBIT_SOURCE_DIR) / "tests" / "errors" / "common",
                          folder_.path(), std::filesystem::copy_options::recursive);
    folder_.write("data/prose/train.txt", made_text(4096));
    folder_.write("data/prose/valid.txt", made_text(1024, 2));
  }

  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }
  [[nodiscard]] core::Json document() const { return core::read_document(path() / "sweep.json").root; }
  void write(const core::Json& sweep) const { folder_.write("sweep.json", sweep.dump(1)); }
  [[nodiscard]] Sweep read(std::vector<std::string> overrides = {}) const {
    return read_sweep({path() / "sweep.json", std::move(overrides), path() / "data"});
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace isorbit::experiments
