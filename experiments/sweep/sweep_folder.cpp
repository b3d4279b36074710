#include "experiments/sweep/sweep_folder.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace isorbit::experiments {

struct SweepFolder::Index {
  std::once_flag once;
  std::unordered_map<std::string, std::filesystem::path> by_tail;  // "s1-0123abcd", the first by name
};

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOwnNames[] = {"plan.json", "plans",       "expected.json", "forecast.json",
                                          "slurm",     "compare.txt", "compare.json"};

/// What a cell's folder is called after its changed values: "s1-0123abcd".
std::string tail_of(const std::string& name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string::npos || dash == 0) return name;
  return name.substr(name.rfind('-', dash - 1) + 1);
}

/// False where there is none; throws where that cannot be told.
bool is_folder(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error && status.type() != fs::file_type::not_found)
    throw std::system_error(error, path.string() + ": cannot be looked at");
  return fs::is_directory(status);
}

}  // namespace

SweepFolder::SweepFolder(fs::path path) : path_(std::move(path)), index_(std::make_shared<Index>()) {}

bool is_own_name(std::string_view name) {
  std::string lower(name);  // some file systems tell no cases apart
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::ranges::any_of(kOwnNames, [&](std::string_view own) {
    return lower == own || lower.starts_with(std::string(own) + ".");
  });
}

fs::path SweepFolder::of(const Cell& cell) const {
  if (is_folder(path_ / cell.folder)) return path_ / cell.folder;
  std::call_once(index_->once, [&] {
    std::unordered_map<std::string, fs::path> by_tail;
    if (is_folder(path_))
      for (const fs::directory_entry& arm : fs::directory_iterator(path_)) {
        if (!is_folder(arm.path())) continue;
        for (const fs::directory_entry& entry : fs::directory_iterator(arm.path())) {
          const auto [at, is_new] = by_tail.emplace(tail_of(entry.path().filename().string()), entry.path());
          if (!is_new && entry.path() < at->second) at->second = entry.path();
        }
      }
    index_->by_tail = std::move(by_tail);
  });
  const auto found = index_->by_tail.find("s" + std::to_string(cell.seed) + "-" + short_id(cell.id));
  return found == index_->by_tail.end() ? path_ / cell.folder : found->second;
}

}  // namespace isorbit::experiments
