#include "experiments/program/display.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <ostream>

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

bool measured(double before, double now) { return !std::isnan(now) && (std::isnan(before) || now != before); }

}  // namespace

bool wants_color(bool terminal, bool no_color) {
  const char* set = std::getenv("NO_COLOR");
  return terminal && !no_color && (set == nullptr || *set == '\0');
}

std::string Display::colored(const std::string& text, const char* code) const {
  return color_ ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
}

std::string Display::heading(const Cell& cell) const {
  const std::string label = label_of(cell.changed);
  return "[" + std::to_string(index_) + "/" + std::to_string(count_) + "] " + cell.arm +
         (label.empty() ? "" : " " + label) + " seed " + std::to_string(cell.seed);
}

void Display::clear() {
  if (on_line_) err_ << "\r\033[K";
  on_line_ = false;
}

void Display::begin(const Cell& cell, std::size_t index, std::size_t count) {
  index_ = index;
  count_ = count;
  last_valid_ = std::numeric_limits<double>::quiet_NaN();
  begun_ = drawn_ = Clock::now();
  if (style_ == Style::lines) err_ << heading(cell) << " " << short_id(cell.id) << std::endl;
}

void Display::step(const Cell& cell, const Progress& progress) {
  const Clock::time_point now = Clock::now();
  if (style_ == Style::live && (now - drawn_ >= kRedraw || progress.step == progress.steps)) {
    drawn_ = now;
    draw(cell, progress);
  }
  if (style_ != Style::lines) return;
  const bool validated = measured(last_valid_, progress.valid_loss);
  if (now - drawn_ < (validated ? kValidation : kLine)) return;
  drawn_ = now;
  print(cell, progress);
  last_valid_ = progress.valid_loss;
}

void Display::draw(const Cell& cell, const Progress& p) {
  clear();
  err_ << colored(heading(cell), "1") << " " << bar(p) << " " << p.step << "/" << p.steps << " loss "
       << fixed(p.loss, 4) << (std::isnan(p.valid_loss) ? "" : " valid " + fixed(p.valid_loss, 4)) << " "
       << scaled(p.tokens_per_second) << " tok/s, " << duration(p.seconds_left) << " left" << std::flush;
  on_line_ = true;
}

void Display::print(const Cell& cell, const Progress& p) {
  err_ << heading(cell) << " step " << p.step << "/" << p.steps << " loss " << fixed(p.loss, 4)
       << (std::isnan(p.valid_loss) ? "" : " valid " + fixed(p.valid_loss, 4)) << " "
       << scaled(p.tokens_per_second) << " tok/s, " << duration(p.seconds_left) << " left" << std::endl;
}

void Display::end(const Cell& cell, const CellResult& result) {
  clear();
  if (style_ == Style::quiet && result.outcome != Outcome::failed) return;
  const std::chrono::duration<double> seconds = Clock::now() - begun_;
  err_ << heading(cell) << " ";
  if (result.outcome == Outcome::complete)
    err_ << colored("done", "32") << " valid " << fixed(result.valid_loss, 4) << " after "
         << duration(seconds.count());
  else if (result.outcome == Outcome::stopped)
    err_ << colored("stopped", "33") << " at step " << result.step << ", state saved";
  else
    err_ << colored("failed", "31") << ": " << result.reason;
  err_ << std::endl;
}

void Display::note(const Cell& cell, const std::string& text) {
  clear();
  err_ << heading(cell) << " " << text << std::endl;
}

void Display::busy(const Cell& cell) {
  clear();
  const std::string label = label_of(cell.changed);
  err_ << cell.arm << (label.empty() ? "" : " " + label) << " seed " << cell.seed
       << " is left to another process, which holds its lock" << std::endl;
}

}  // namespace isorbit::experiments
