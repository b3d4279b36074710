#include "experiments/data/corpus.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <system_error>

#include "core/document/digest.hpp"
#include "core/document/problem.hpp"
#include "experiments/data/fingerprint.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::array<std::string_view, 2> text_files = {"train.txt", "valid.txt"};
constexpr std::array<std::string_view, 4> image_files = {"train-images", "train-labels", "valid-images",
                                                         "valid-labels"};
constexpr std::array<std::string_view, 3> fetched = {"austen", "kjv", "fashion-mnist"};

bool has(const std::filesystem::path& folder, std::string_view file) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(folder / file, ignored);
}

template <std::size_t n>
bool has_all(const std::filesystem::path& folder, const std::array<std::string_view, n>& files) {
  return std::all_of(files.begin(), files.end(), [&](std::string_view file) { return has(folder, file); });
}

// A name is one path component, so that no document reaches out of the data directory.
bool is_plain(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

/// The names in a folder, the first few, in quotes, folders with a slash.
std::string held_by(const std::filesystem::path& folder) {
  constexpr std::size_t most = 6;
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const bool is_folder = entry->is_directory(ignored);
    names.push_back(core::shown(core::Json(entry->path().filename().string() + (is_folder ? "/" : ""))));
  }
  if (error) return "cannot be read: " + error.message();
  if (names.empty()) return "is empty";
  std::ranges::sort(names);
  const std::size_t more = names.size() > most ? names.size() - most : 0;
  names.resize(names.size() - more);
  return "holds " + joined(names) + (more == 0 ? "" : " and " + std::to_string(more) + " more");
}

template <std::size_t n>
std::vector<std::string> lacking(const std::filesystem::path& folder,
                                 const std::array<std::string_view, n>& files) {
  std::vector<std::string> out;
  for (const std::string_view file : files)
    if (!has(folder, file)) out.emplace_back(file);
  return out;
}

[[noreturn]] void not_found(const std::string& name, const std::filesystem::path& data_dir) {
  std::vector<std::string> known = corpora(data_dir);
  std::string text = "corpus \"" + name + "\": looked for " + (data_dir / name).string() + ", " +
                     kCorpusLayout + "; corpora there: " + joined(known);
  for (const std::string_view f : fetched)
    if (std::find(known.begin(), known.end(), f) == known.end()) known.emplace_back(f);
  if (std::find(fetched.begin(), fetched.end(), name) != fetched.end())
    text += "; fetch it with: experiments/data/fetch.sh " + name;
  else if (const auto near = core::nearest(name, known))
    text += "; did you mean \"" + *near + "\"?";
  else
    text += "; austen, kjv and fashion-mnist can be fetched: experiments/data/fetch.sh NAME";
  throw DataError(text);
}

}  // namespace

std::filesystem::path default_data_dir() {
  const char* set = std::getenv("ISORBIT_DATA");
  return set != nullptr && *set != '\0' ? set : "data";
}

std::vector<std::string> corpora(const std::filesystem::path& data_dir) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(data_dir, error), end; !error && entry != end;
       entry.increment(error))
    if (has_all(entry->path(), text_files) || has_all(entry->path(), image_files))
      found.push_back(entry->path().filename().string());
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<std::string> lack_of(const std::string& name, const std::filesystem::path& data_dir) {
  if (!is_plain(name)) return std::nullopt;
  const std::filesystem::path folder = data_dir / name;
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(folder, error);
  if (status.type() == std::filesystem::file_type::not_found) return std::nullopt;
  if (status.type() != std::filesystem::file_type::directory) return folder.string() + " is no folder";
  const std::vector<std::string> texts = lacking(folder, text_files), images = lacking(folder, image_files);
  if (texts.empty() || images.empty()) return std::nullopt;
  const bool is_images = images.size() < image_files.size() && texts.size() == text_files.size();
  return folder.string() + " " + held_by(folder) + " and lacks " + joined(is_images ? images : texts);
}

Corpus open_corpus(const std::string& name, const std::filesystem::path& data_dir) {
  if (!is_plain(name))
    throw DataError("corpus " + core::shown(name) + ": expected the name of a folder of " +
                    data_dir.string() + "; corpora there: " + joined(corpora(data_dir)));
  Corpus corpus;
  corpus.name = name;
  corpus.folder = data_dir / name;
  std::span<const std::string_view> files = text_files;
  if (has_all(corpus.folder, image_files)) {
    corpus.kind = CorpusKind::images;
    files = image_files;
  } else if (!has_all(corpus.folder, text_files)) {
    const std::optional<std::string> lack = lack_of(name, data_dir);
    if (!lack) not_found(name, data_dir);
    throw DataError("corpus \"" + name + "\": " + *lack + "; expected " + kCorpusLayout);
  }
  std::string lines;
  for (const std::string_view file : files) {
    const std::string hash = file_sha256(corpus.file(file));
    corpus.file_sha256.emplace(file, hash);
    lines += hash + "  " + std::string(file) + "\n";
  }
  corpus.sha256 = core::sha256_hex(lines);
  return corpus;
}

}  // namespace isorbit::experiments
