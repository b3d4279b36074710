// The text of the two scripts a sweep's jobs run.
//
//   task.sh LIST           one task of an array: runs the cells that stand in its line of LIST, over several
//                          processes where they have ranks
//   finish.sh ARRAY ROUND  behind all of them: what is missing is submitted once more
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace isorbit::experiments {

struct TaskScript {
  std::string sweep;                 // its name
  std::vector<std::string> command;  // isorbit run ..., but for the cells and the number of jobs
  std::size_t threads = 1;           // of the widest cell
  std::int64_t ranks = 1;            // of every cell
  std::int64_t restarts = 0;         // times a task puts itself back into the queue
};

/// The task warns its run of the time limit (USR1), and goes back into the queue when that ends with exit
/// code 75. On TERM it is the batch system that decides what comes next: a cancelled task stays cancelled.
[[nodiscard]] std::string task_script(const TaskScript& script);

/// `command`: isorbit submit ..., but for the array and the round.
[[nodiscard]] std::string finish_script(const std::string& sweep, std::span<const std::string> command);

}  // namespace isorbit::experiments
