// A span of time. One that is read is more than none, and reads the same in each of its other forms.
#include "experiments/program/duration.hpp"

#include <cmath>

#include "tests/fuzz/target.hpp"

namespace isorbit::fuzz {

void duration(Input input) {
  const std::optional<double> seconds = experiments::seconds_from(std::string(text_of(input)));
  if (!seconds) return;
  claim(std::isfinite(*seconds) && *seconds > 0, "a span of time is finite and more than none");
  if (*seconds != std::floor(*seconds) || *seconds >= 1e10) return;
  const auto whole = static_cast<std::int64_t>(*seconds);
  const auto text = [](std::int64_t number) { return std::to_string(number); };
  const std::int64_t days = whole / 86400, hours = whole / 3600 % 24, minutes = whole / 60 % 60;
  for (const std::string& form :
       {text(whole), text(whole) + "s", text(whole / 60) + ":" + text(whole % 60),
        text(days) + "-" + text(hours) + ":" + text(minutes) + ":" + text(whole % 60),
        text(days) + "d" + text(hours) + "h" + text(minutes) + "m" + text(whole % 60) + "s"})
    claim(experiments::seconds_from(form) == seconds, "the same time in another form: " + form);
}

}  // namespace isorbit::fuzz
