// The batch sources of the cells of one process: cells that ask for the same data share one, and those that
// only cut it differently share the open files of the tokens and one tokenizer.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "experiments/data/batch_source.hpp"

namespace isorbit::experiments {

/// Thread-safe. What was opened stays open while the object lives; a corpus that changed is opened anew.
class SharedSources {
 public:
  /// As open_batches(). Throws DataError.
  [[nodiscard]] std::shared_ptr<const BatchSource> open(const std::string& corpus,
                                                        const std::filesystem::path& data_dir,
                                                        const TokenizerChoice& tokenizer,
                                                        const BatchRequest& request);

 private:
  std::mutex mutex_;
  std::map<std::string, TokenizedCorpus> texts_;
  std::map<std::string, std::shared_ptr<const BatchSource>> sources_;
};

}  // namespace isorbit::experiments
