// Tasks without training: sentences with a gap, and words that may fill it, of which one is right. The words
// stand in experiments/tasks/, one task a file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "experiments/data/corpus.hpp"

namespace isorbit::experiments {

struct Item {
  std::string before, after;  // what stands around the gap; plain ASCII
  std::vector<std::string> choices;
  std::size_t answer = 0;
};

struct Task {
  std::string name;
  std::string doc;
  std::size_t choices = 0;  // of every item
  int format = 1;           // raised whenever the same sources give other items
  /// What it reads beside the corpus, relative to the data directory.
  std::vector<std::string> sources = {};
  /// The items for models trained on a text corpus: the same for the same files, in an order that is a fixed
  /// shuffle, so that the first n are a sample. Throws DataError.
  std::function<std::vector<Item>(const Corpus& corpus, const std::filesystem::path& data_dir)> build;
};

namespace tasks {
[[nodiscard]] std::vector<Task> registered();
}

/// The task of that name. Throws std::out_of_range.
[[nodiscard]] const Task& task_named(const std::string& name);
[[nodiscard]] std::vector<std::string> task_names();

}  // namespace isorbit::experiments
