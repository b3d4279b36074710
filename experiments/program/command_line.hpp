// Options of a verb, by Boost.Program_options, with errors that name what is near.
#pragma once
#include <boost/program_options.hpp>
#include <optional>
#include <string>
#include <vector>

#include "experiments/program/verb.hpp"

namespace isorbit::experiments {

class CommandLine {
 public:
  /// `usage`: "run SWEEP [name=value ...] [options]"; `doc`: what the verb does, for --help.
  CommandLine(std::string usage, std::string doc);

  /// Adds an option: "output,o" takes a value where `value` names one ("DIR"), else it is a switch.
  CommandLine& option(const std::string& name, const std::string& value, const std::string& doc);

  /// Parses; false when --help was asked for and printed. Throws UsageError.
  [[nodiscard]] bool parse(Console& console, const std::vector<std::string>& arguments);

  [[nodiscard]] bool has(const std::string& name) const { return values_.count(name) > 0; }
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const;
  /// Every value of an option that was given several times.
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
  /// Throws UsageError unless the value is an integer from `low` to 2^53, up to which documents and
  /// records hold them exactly.
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& name, std::int64_t low) const;
  /// The value, which must be one of these. Throws UsageError.
  [[nodiscard]] std::string choice(const std::string& name, const std::vector<std::string>& allowed,
                                   const std::string& fallback) const;

  /// Arguments that are no options.
  [[nodiscard]] const std::vector<std::string>& positional() const { return positional_; }
  /// The first of them, called `what` in the error when there is none; the rest are returned by rest().
  [[nodiscard]] std::string first(const std::string& what) const;
  [[nodiscard]] std::vector<std::string> rest() const;
  /// Throws UsageError when there are more arguments than `most`.
  void at_most(std::size_t most) const;

 private:
  std::string usage_, doc_;
  boost::program_options::options_description options_;
  boost::program_options::variables_map values_;
  std::vector<std::string> names_;  // "--output", "-o"
  std::vector<std::string> positional_;
};

}  // namespace isorbit::experiments
