#include "experiments/training/live_log.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "core/record/journal.hpp"
#include "core/record/live_file.hpp"
#include "experiments/training/record_row.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using core::LiveColumn;

constexpr std::size_t kSteps = 100;         // at most between two flushes
constexpr std::chrono::seconds kPeriod{1};  // likewise
constexpr std::size_t kMostRows = 20000;    // waiting: more than a disk that works ever leaves
constexpr std::size_t kKindBytes = 32, kParameterBytes = 128;

struct NamedValue {
  LiveColumn column;
  core::LiveValue value;
};

struct NamedRow {
  std::string table;
  std::vector<NamedValue> values;
};

bool is_train(const Json& row) { return row.value("t", "") == "train"; }

NamedValue named(RecordValue&& v) {
  using Kind = LiveColumn::Kind;
  if (auto* text = std::get_if<std::string>(&v.value))
    return {{v.column, Kind::text, v.column == "kind" ? kKindBytes : kParameterBytes}, std::move(*text)};
  const auto* integer = std::get_if<std::int64_t>(&v.value);
  return {{v.column, Kind::number, 1},
          integer != nullptr ? static_cast<double>(*integer) : std::get<double>(v.value)};
}

std::optional<NamedRow> named_row(const Json& row, std::span<const std::string> groups = {}) {
  NamedRow out;
  if (row.value("t", "") == "spectrum") {
    std::vector<float> values = core::unpack_floats(row.at("singular_values"));
    out.table = "spectrum/" + row.at("parameter").get<std::string>();
    out.values.push_back({{"step"}, row.at("step").get<double>()});
    out.values.push_back({{"singular_values", LiveColumn::Kind::floats, values.size()}, std::move(values)});
    return out;
  }
  std::optional<RecordRow> recorded = record_row(row, groups);
  if (!recorded) return std::nullopt;
  out.table = std::move(recorded->series);
  for (RecordValue& value : recorded->values) out.values.push_back(named(std::move(value)));
  return out;
}

// What the thread keeps: rows until the tables are known, then the file.
class View {
 public:
  explicit View(std::filesystem::path file) : file_(std::move(file)) {}

  /// Removes what was made of the file.
  void drop() {
    if (!live_) return;
    live_.reset();
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }

  void write(const std::vector<Json>& rows) {
    bool trained = false;
    for (const Json& row : rows) {
      trained = trained || is_train(row);
      if (std::optional<std::vector<std::string>> names = group_names(row)) groups_ = std::move(*names);
      if (std::optional<NamedRow> found = named_row(row, groups_)) waiting_.push_back(std::move(*found));
    }
    if (!live_ && !trained) return;
    if (!live_) make();
    std::map<std::string, std::vector<core::LiveRow>> batches;
    for (NamedRow& row : waiting_) {
      core::LiveRow ordered = in_order(row);
      batches[row.table].push_back(std::move(ordered));
    }
    waiting_.clear();
    for (const auto& [table, batch] : batches) live_->append(table, batch);
    live_->flush();
  }

 private:
  void make() {
    std::vector<core::LiveTable> tables;
    const NamedRow no_event = *named_row({{"t", "event"}, {"step", 0}, {"kind", ""}, {"parameter", ""}});
    add_columns(no_event);
    for (const NamedRow& row : waiting_) add_columns(row);
    for (const auto& [path, columns] : columns_) tables.push_back({path, columns});
    live_ = std::make_unique<core::LiveFile>(file_, tables);
  }

  void add_columns(const NamedRow& row) {
    std::vector<LiveColumn>& columns = columns_[row.table];
    for (const NamedValue& v : row.values)
      if (std::ranges::find(columns, v.column.name, &LiveColumn::name) == columns.end())
        columns.push_back(v.column);
  }

  // A value for each column of the row's table; NaN where the row has none.
  core::LiveRow in_order(NamedRow& row) const {
    const auto found = columns_.find(row.table);
    if (found == columns_.end())
      throw std::runtime_error(file_.string() + ": a row of " + row.table + " came after the first step");
    const std::vector<LiveColumn>& columns = found->second;
    core::LiveRow out(columns.size(), core::LiveValue(NAN));
    for (NamedValue& v : row.values) {
      const auto at = std::ranges::find(columns, v.column.name, &LiveColumn::name);
      if (at == columns.end())
        throw std::runtime_error(file_.string() + ": column " + v.column.name + " of " + row.table +
                                 " came after the first step");
      out[static_cast<std::size_t>(at - columns.begin())] = std::move(v.value);
    }
    return out;
  }

  std::filesystem::path file_;
  std::vector<NamedRow> waiting_;
  std::vector<std::string> groups_;
  std::map<std::string, std::vector<LiveColumn>> columns_;
  std::unique_ptr<core::LiveFile> live_;
};

}  // namespace

LiveLog::LiveLog(std::filesystem::path file, std::vector<Json> rows,
                 std::function<void(const std::string&)> note)
    : file_(std::move(file)), note_(std::move(note)), rows_(std::move(rows)) {
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error& error) {
    off_ = true;
    trouble_ = error.what();
  }
}

LiveLog::~LiveLog() { close(); }

void LiveLog::push(Json row) {
  std::string trouble;
  bool full = false;
  {
    const std::scoped_lock lock(mutex_);
    trouble = std::exchange(trouble_, {});
    if (!off_) {
      if (is_train(row)) ++steps_;
      rows_.push_back(std::move(row));
      off_ = ++pushed_ > kMostRows;
      if (off_) trouble = file_.string() + ": the disk is behind by " + std::to_string(pushed_) + " rows";
      full = off_ || steps_ >= kSteps;
    }
  }
  if (full) woken_.notify_one();
  tell(trouble);
}

void LiveLog::close() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
  }
  woken_.notify_one();
  if (thread_.joinable()) thread_.join();
  tell(std::exchange(trouble_, {}));
}

void LiveLog::work() {
  View view(file_);
  std::unique_lock lock(mutex_);
  try {
    while (!off_ && !(ended_ && rows_.empty())) {
      woken_.wait_for(lock, kPeriod, [this] { return ended_ || off_ || steps_ >= kSteps; });
      if (rows_.empty() || off_) continue;
      const std::vector<Json> rows = std::exchange(rows_, {});
      steps_ = pushed_ = 0;
      lock.unlock();
      view.write(rows);
      lock.lock();
    }
  } catch (const std::exception& error) {
    if (!lock.owns_lock()) lock.lock();
    off_ = true;
    trouble_ = error.what();
  }
  if (!off_) return;
  rows_.clear();
  lock.unlock();
  view.drop();
}

void LiveLog::tell(const std::string& trouble) const {
  if (!trouble.empty() && note_) note_("live.h5 is switched off, and the run goes on without it: " + trouble);
}

}  // namespace isorbit::experiments
