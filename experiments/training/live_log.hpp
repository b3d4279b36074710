// live.h5 of a run (core/record/live_file.hpp): a thread of its own writes what the journal holds.
//
// A table a series with its columns as fields, all numbers as doubles; "event" with kind and parameter as
// text; "spectrum/<parameter>" with step and singular_values. The file is made when the first training step
// is in, as by then every series of the run has had its first row.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/document/json.hpp"

namespace isorbit::experiments {

class LiveLog {
 public:
  /// `rows`: what the journal holds already. `note` is told once, by the thread that calls push or close,
  /// why the view was switched off: the file is removed then.
  LiveLog(std::filesystem::path file, std::vector<core::Json> rows,
          std::function<void(const std::string&)> note);
  ~LiveLog();
  LiveLog(const LiveLog&) = delete;
  LiveLog& operator=(const LiveLog&) = delete;

  /// Takes a row of the journal; never waits for the disk. Readers see it after 100 steps or a second,
  /// whichever comes first.
  void push(core::Json row);
  /// Writes what was pushed, closes the file and ends the thread.
  void close();

 private:
  void work();
  void tell(const std::string& trouble) const;

  const std::filesystem::path file_;
  const std::function<void(const std::string&)> note_;
  std::mutex mutex_;  // of what follows
  std::condition_variable woken_;
  std::vector<core::Json> rows_;
  std::size_t pushed_ = 0, steps_ = 0;  // of them, rows and steps pushed since the thread last took them
  bool ended_ = false, off_ = false;
  std::string trouble_;  // not told yet
  std::thread thread_;
};

}  // namespace isorbit::experiments
