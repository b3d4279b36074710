// A corpus is a folder of the data directory, data/NAME; its files say of which kind it is:
//   text    train.txt, valid.txt
//   images  train-images, train-labels, valid-images, valid-labels   (IDX, uncompressed)
#pragma once
#include <filesystem>
#include <map>
#include <optional>
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

/// The two kinds, as an error says them.
inline constexpr const char* kCorpusLayout =
    "a folder with train.txt and valid.txt, or with train-images, train-labels, valid-images and "
    "valid-labels (IDX)";

/// Why what has that name in `data_dir` is no corpus: what it holds and what it lacks, in words. Nothing
/// where it is one, or where there is none.
[[nodiscard]] std::optional<std::string> lack_of(const std::string& name,
                                                 const std::filesystem::path& data_dir);

/// Throws DataError: what the folder of that name lacks; where there is none, which corpora there are and the
/// command that fetches one.
[[nodiscard]] Corpus open_corpus(const std::string& name,
                                 const std::filesystem::path& data_dir = default_data_dir());

}  // namespace isorbit::experiments
