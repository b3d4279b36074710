// A corpus is a folder of the data directory; its files say of which kind it is:
//   text    train.txt, valid.txt
//   images  train-images, train-labels, valid-images, valid-labels   (IDX, uncompressed)
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/data/data_error.hpp"

namespace isorbit::experiments {

enum class CorpusKind { text, images };

struct Corpus {
  std::string name;
  CorpusKind kind = CorpusKind::text;
  std::filesystem::path folder;
  std::map<std::string, std::string> file_sha256;  // by file name
  std::string sha256;  // of all its files: what a record's data fingerprint starts from

  [[nodiscard]] std::filesystem::path file(std::string_view name) const { return folder / name; }
};

/// $ISORBIT_DATA where set, else `data` in the current folder.
[[nodiscard]] std::filesystem::path default_data_dir();

/// The corpora found in `data_dir`, sorted.
[[nodiscard]] std::vector<std::string> corpora(const std::filesystem::path& data_dir);

/// Throws DataError naming what was looked for, which corpora are there and the command that fetches one.
[[nodiscard]] Corpus open_corpus(const std::string& name,
                                 const std::filesystem::path& data_dir = default_data_dir());

}  // namespace isorbit::experiments
