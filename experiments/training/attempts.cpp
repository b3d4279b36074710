#include "experiments/training/attempts.hpp"

#include <algorithm>
#include <charconv>

#include "core/record/unreadable.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::string_view kPrefix = "attempt-";
constexpr std::size_t kDigits = 4;

}  // namespace

std::string attempt_name(std::int64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return std::string(kPrefix) + digits;
}

std::optional<std::int64_t> attempt_number(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::int64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data() + kPrefix.size(), end, number);
  if (error != std::errc() || stopped != end || number < 1 || attempt_name(number) != name)
    return std::nullopt;
  return number;
}

std::vector<Attempt> attempts_in(const std::filesystem::path& cell_folder) {
  std::vector<Attempt> out;
  if (!core::is_there(cell_folder / ".")) return out;
  for (const auto& entry : std::filesystem::directory_iterator(cell_folder))
    if (const auto number = attempt_number(entry.path().filename().string()))
      out.push_back({*number, entry.path()});
  std::ranges::sort(out, std::ranges::greater(), &Attempt::number);
  return out;
}

std::optional<std::filesystem::path> newest_file(const std::filesystem::path& cell_folder, const char* name) {
  for (const Attempt& attempt : attempts_in(cell_folder))
    if (core::is_there(attempt.folder / name)) return attempt.folder / name;
  return std::nullopt;
}

}  // namespace isorbit::experiments
