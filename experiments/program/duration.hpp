// Spans of time as people and Slurm write them.
#pragma once
#include <optional>
#include <string>

namespace isorbit::experiments {

/// Seconds of "90" (seconds), "90s", "30m", "1h30m", "2d", "30:00" (minutes and seconds), "1:30:00", "1-12"
/// (days and hours), "1-12:30", "1-12:30:00". Nothing for any other text, and for no time at all.
[[nodiscard]] std::optional<double> seconds_from(const std::string& text);

}  // namespace isorbit::experiments
