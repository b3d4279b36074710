#include "experiments/program/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <ostream>

#include "core/document/problem.hpp"

namespace isorbit::experiments {
namespace {

namespace po = boost::program_options;

constexpr std::int64_t kMost = std::int64_t{1} << 53;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

/// Of an option there is none of; `takes_values`: the verb takes name=value too.
std::string unknown_option(const std::string& option, const std::vector<std::string>& names,
                           bool takes_values) {
  std::string message = "found option " + quoted(option) + "; expected one of ";
  std::vector<std::string> likely;  // a letter is no typo of another
  for (const std::string& name : names) {
    message += (name == names.front() ? "" : ", ") + name;
    if (name.size() > 2 && option.size() > 2) likely.push_back(name);
  }
  if (const auto near = core::nearest(option, likely)) return message + "; did you mean " + *near + "?";
  return message + (takes_values ? "; values of the sweep stand without dashes, as training.steps=100" : "");
}

}  // namespace

CommandLine::CommandLine(std::string usage, std::string doc)
    : usage_(std::move(usage)), doc_(std::move(doc)), options_("options", 100) {
  option("help,h", "", "this text");
}

CommandLine& CommandLine::option(const std::string& name, const std::string& value, const std::string& doc) {
  if (value.empty()) {
    options_.add_options()(name.c_str(), doc.c_str());
  } else {
    options_.add_options()(
        name.c_str(), po::value<std::vector<std::string>>()->value_name(value)->composing(), doc.c_str());
  }
  const std::size_t comma = name.find(',');
  names_.push_back("--" + name.substr(0, comma));
  if (comma != std::string::npos) names_.push_back("-" + name.substr(comma + 1));
  return *this;
}

bool CommandLine::parse(Console& console, const std::vector<std::string>& arguments) {
  using style = po::command_line_style::style_t;
  const int exact = po::command_line_style::default_style & ~static_cast<int>(style::allow_guessing);
  try {
    const auto parsed =
        po::command_line_parser(arguments).options(options_).style(exact).allow_unregistered().run();
    for (const auto& given : parsed.options) {
      if (given.unregistered) {
        const std::string word =
            given.original_tokens.empty() ? given.string_key : given.original_tokens.front();
        const std::string option = word.substr(0, word.find('='));
        throw UsageError(
            unknown_option(option, names_, usage_.find("[name=value ...]") != std::string::npos));
      }
      if (given.position_key >= 0)
        positional_.insert(positional_.end(), given.value.begin(), given.value.end());
    }
    po::store(parsed, values_);
  } catch (const po::error& error) {
    throw UsageError(std::string(error.what()) + "; usage: isorbit " + usage_);
  }
  if (!has("help")) return true;
  console.out << "usage: isorbit " << usage_ << "\n\n" << doc_ << "\n\n" << options_;
  return false;
}

std::optional<std::string> CommandLine::text(const std::string& name) const {
  const std::vector<std::string> all = texts(name);
  return all.empty() ? std::nullopt : std::optional(all.back());
}

std::vector<std::string> CommandLine::texts(const std::string& name) const {
  return has(name) ? values_[name].as<std::vector<std::string>>() : std::vector<std::string>{};
}

std::optional<std::int64_t> CommandLine::integer(const std::string& name, std::int64_t low) const {
  const std::optional<std::string> given = text(name);
  if (!given) return {};
  std::int64_t value = 0;
  const char* end = given->data() + given->size();
  const auto [stopped, error] = std::from_chars(given->data(), end, value);
  const bool is_integer = stopped == end && (error == std::errc() || error == std::errc::result_out_of_range);
  if (is_integer && !given->starts_with('-') && (error != std::errc() || value > kMost))
    throw UsageError("found --" + name + " " + quoted(*given) + "; expected an integer of at most " +
                     std::to_string(kMost));
  if (!is_integer || error != std::errc() || value < low)
    throw UsageError("found --" + name + " " + quoted(*given) + "; expected an integer of at least " +
                     std::to_string(low));
  return value;
}

std::string CommandLine::choice(const std::string& name, const std::vector<std::string>& allowed,
                                const std::string& fallback) const {
  const std::string given = text(name).value_or(fallback);
  if (std::find(allowed.begin(), allowed.end(), given) != allowed.end()) return given;
  std::string message = "found --" + name + " " + quoted(given) + "; expected one of ";
  for (const std::string& word : allowed) message += (word == allowed.front() ? "" : ", ") + word;
  const auto near = core::nearest(given, allowed);
  throw UsageError(message + (near ? "; did you mean " + *near + "?" : ""));
}

std::string CommandLine::first(const std::string& what) const {
  if (positional_.empty()) throw UsageError("found no " + what + "; usage: isorbit " + usage_);
  return positional_.front();
}

std::vector<std::string> CommandLine::rest() const {
  return positional_.empty() ? positional_
                             : std::vector<std::string>(positional_.begin() + 1, positional_.end());
}

void CommandLine::at_most(std::size_t most) const {
  if (positional_.size() > most)
    throw UsageError("found argument " + quoted(positional_[most]) + "; expected at most " +
                     std::to_string(most) + "; usage: isorbit " + usage_);
}

}  // namespace isorbit::experiments
