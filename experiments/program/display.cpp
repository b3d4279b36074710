#include "experiments/program/display.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <ostream>

#include "core/document/printable.hpp"
#include "experiments/sweep/text_table.hpp"

namespace isorbit::experiments {
namespace {

constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kLine(10);       // between plain lines
constexpr std::chrono::seconds kValidation(1);  // the same, where there is a new validation
constexpr int kBar = 20;

std::string bar(const Progress& p) {
  const auto filled = p.steps > 0 ? static_cast<int>(kBar * p.step / p.steps) : 0;
  return "[" + std::string(static_cast<std::size_t>(filled), '#') +
         std::string(static_cast<std::size_t>(kBar - filled), '.') + "]";
}

std::string name_of(const Cell& cell) {
  const std::string label = label_of(cell.changed);
  return core::printable(cell.arm + (label.empty() ? "" : " " + label)) + " seed " +
         std::to_string(cell.seed);
}

bool measured(double before, double now) { return !std::isnan(now) && (std::isnan(before) || now != before); }

}  // namespace

bool wants_color(bool terminal, bool no_color) {
  const char* set = std::getenv("NO_COLOR");
  return terminal && !no_color && (set == nullptr || *set == '\0');
}

std::string Display::colored(const std::string& text, const char* code) const {
  return color_ ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
}

Display::AtWork* Display::find(const Cell& cell) {
  const auto at = std::ranges::find(at_work_, &cell, &AtWork::cell);
  return at == at_work_.end() ? nullptr : &*at;
}

std::string Display::heading(const Cell& cell) {
  const AtWork* at = find(cell);
  return (at == nullptr ? "" : "[" + std::to_string(at->index) + "/" + std::to_string(count_) + "] ") +
         name_of(cell);
}

std::string Display::time_left() const {
  const std::optional<double> seconds = clock_.seconds_left();
  return seconds ? "about " + duration(*seconds) + " left for the sweep" : "";
}

void Display::clear() {
  if (lines_ == 0) return;
  err_ << "\r";
  for (std::size_t i = 1; i < lines_; ++i) err_ << "\033[A";
  err_ << "\033[J";
  lines_ = 0;
}

void Display::begin(const Cell& cell, std::size_t index, std::size_t count) {
  count_ = count;
  drawn_ = Clock::now();
  at_work_.push_back({&cell, index, drawn_, drawn_, std::numeric_limits<double>::quiet_NaN()});
  clock_.begin(cell);
  if (style_ != Style::lines) return;
  const std::string left = time_left();
  err_ << heading(cell) << " " << short_id(cell.id) << (left.empty() ? "" : "; ") << left << std::endl;
}

void Display::step(const Cell& cell, const Progress& progress) {
  AtWork* at = find(cell);
  if (at == nullptr) return;
  const Clock::time_point now = Clock::now();
  at->progress = progress;
  clock_.step(cell, progress.step, progress.seconds_left);
  if (style_ == Style::live && (now - drawn_ >= kRedraw || progress.step == progress.steps)) {
    drawn_ = now;
    draw();
  }
  if (style_ != Style::lines) return;
  const bool validated = measured(at->last_valid, progress.valid_loss);
  if (now - at->printed < (validated ? kValidation : kLine)) return;
  at->printed = now;
  print(cell, progress);
  at->last_valid = progress.valid_loss;
}

/// A line a cell, cut at the terminal's margin: one that wrapped could not be cleared.
void Display::draw() {
  clear();
  err_ << "\033[?7l";
  for (const AtWork& at : at_work_) {
    if (!at.progress) continue;
    const Progress& p = *at.progress;
    err_ << (lines_++ == 0 ? "" : "\n") << colored(heading(*at.cell), "1") << " " << bar(p) << " " << p.step
         << "/" << p.steps << " loss " << fixed(p.loss, 4)
         << (std::isnan(p.valid_loss) ? "" : " valid " + fixed(p.valid_loss, 4)) << " "
         << scaled(p.tokens_per_second) << " tok/s, " << duration(p.seconds_left) << " left";
  }
  if (const std::string left = time_left(); lines_ > 0 && count_ > 1 && !left.empty())
    err_ << "\n" << left, ++lines_;
  err_ << "\033[?7h" << std::flush;
}

void Display::print(const Cell& cell, const Progress& p) {
  err_ << heading(cell) << " step " << p.step << "/" << p.steps << " loss " << fixed(p.loss, 4)
       << (std::isnan(p.valid_loss) ? "" : " valid " + fixed(p.valid_loss, 4)) << " "
       << scaled(p.tokens_per_second) << " tok/s, " << duration(p.seconds_left) << " left" << std::endl;
}

void Display::end(const Cell& cell, const CellResult& result) {
  clear();
  const AtWork* at = find(cell);
  const std::string name = heading(cell), reason = core::printable(result.reason);
  const std::chrono::duration<double> seconds = at == nullptr ? Clock::duration(0) : Clock::now() - at->begun;
  clock_.end(cell, seconds.count(), result.outcome == Outcome::complete);
  std::erase_if(at_work_, [&](const AtWork& other) { return other.cell == &cell; });
  if (style_ == Style::quiet && result.outcome != Outcome::failed) return;
  err_ << name << " ";
  if (result.outcome == Outcome::complete)
    err_ << colored("done", "32") << " valid " << fixed(result.valid_loss, 4) << " after "
         << duration(seconds.count());
  else if (result.outcome == Outcome::stopped)
    err_ << colored("stopped", "33") << " at step " << result.step << ", "
         << (reason.empty() ? "state saved" : reason);
  else if (result.outcome == Outcome::superseded)
    err_ << colored("given up", "33") << ": " << reason;
  else
    err_ << colored("failed", "31") << ": " << reason;
  err_ << std::endl;
}

void Display::note(const Cell& cell, const std::string& text) {
  clear();
  err_ << heading(cell) << " " << core::printable(text) << std::endl;
}

void Display::busy(const Cell& cell, const std::string& who) {
  clear();
  clock_.leave(cell);
  err_ << name_of(cell) << " is left to " << core::printable(who) << std::endl;
}

}  // namespace isorbit::experiments
