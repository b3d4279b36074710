#include "experiments/sweep/processors.hpp"

#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace isorbit::experiments {
namespace {

/// The first processor of the physical core that `id` belongs to: "0,64" or "0-1" begins with it.
int first_of_core(int id) {
  std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(id) + "/topology/thread_siblings_list");
  int first = id;
  in >> first;
  return in ? first : id;
}

}  // namespace

Processors processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  Processors out;
  if (::sched_getaffinity(::getpid(), sizeof allowed, &allowed) != 0) return {{0}, 1};
  std::vector<int> siblings;
  for (int id = 0; id < CPU_SETSIZE; ++id) {
    if (!CPU_ISSET(id, &allowed)) continue;
    const int first = first_of_core(id);
    const bool sibling = first != id && CPU_ISSET(first, &allowed);
    (sibling ? siblings : out.ids).push_back(id);
  }
  out.cores = out.ids.size();
  out.ids.insert(out.ids.end(), siblings.begin(), siblings.end());
  return out;
}

void run_on(std::span<const int> processors) {
  if (processors.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int id : processors) CPU_SET(id, &set);
  (void)::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace isorbit::experiments
