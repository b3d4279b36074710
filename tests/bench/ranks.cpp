// Time of a training step over ranks, and how much of it the gradients of the other ranks hold it up, with
// their reduction beside the backward pass and behind it.
//   bench_ranks SIZE METHOD THREADS STEPS        llama of a size; a method of experiments/methods
// THREADS are those of all ranks together, and so are the rows of a batch: started by mpirun -n N, each rank
// has an N-th of both. Prints one line (rank 0): medians in ms.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "experiments/distributed/launch.hpp"
#include "experiments/distributed/meeting.hpp"
#include "experiments/sweep/resolve_cells.hpp"
#include "experiments/timing/rehearsal.hpp"

namespace {

using namespace isorbit;
using namespace isorbit::experiments;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 4;  // of both ways in turn, so that a busy moment meets both

struct Times {
  std::vector<double> step, held_up;

  void add(Rehearsal& subject, Communicator& ranks, std::int64_t step_number) {
    (void)meet(ranks);
    const Clock::time_point start = Clock::now();
    subject.fill(subject.learner().train_inputs(), step_number);
    (void)subject.learner().backward();
    (void)subject.learner().update(step_number, 100000);
    step.push_back(1e3 * std::chrono::duration<double>(Clock::now() - start).count());
    held_up.push_back(1e3 * subject.learner().seconds_held_up());
  }
};

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

int bench(Communicator& ranks, const std::string& size, const std::string& name, int threads, int steps) {
  const std::filesystem::path folder = std::filesystem::path(ISORBIT_SOURCE_DIR) / "experiments";
  const core::Document model = core::read_document(folder / "models" / "llama.json");
  const std::int64_t batch = model.root.at("sizes").at(size).at("batch").get<std::int64_t>() / ranks.size();
  core::Model part = core::read_model(model, every_op(), size, {{"batch", batch}});
  Method method = read_method_for(part, core::read_document(folder / "methods" / (name + ".json")));
  Rehearsal subject(std::move(part), std::move(method), every_op(),
                    compute_from(std::max(1, threads / ranks.size()), "f32", "none"));
  Times beside, behind;
  for (int round = 0; round < kRounds; ++round)
    for (Times* times : {&beside, &behind}) {
      if (ranks.size() > 1) subject.learner().share_gradients(ranks, times == &beside);
      for (int step = 0; step < steps / kRounds + 1; ++step) {
        times->add(subject, ranks, step);
        if (step == 0) times->step.pop_back(), times->held_up.pop_back();
      }
    }
  if (ranks.rank() > 0) return 0;
  const auto& reducer = subject.learner().reducer();
  std::printf("%-6s %-8s %d rank%s x %d  %8.2f ms", size.c_str(), name.c_str(), ranks.size(),
              ranks.size() == 1 ? " " : "s", subject.compute().threads, median(beside.step));
  if (reducer)
    std::printf(
        ", held up %.2f (%.1f %%); not overlapped %.2f, held up %.2f (%.1f %%); %.2f MB in %zu buckets",
        median(beside.held_up), 100 * median(beside.held_up) / median(beside.step), median(behind.step),
        median(behind.held_up), 100 * median(behind.held_up) / median(behind.step),
        1e-6 * static_cast<double>(reducer->bytes()), reducer->buckets());
  std::printf("\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: bench_ranks SIZE METHOD THREADS STEPS\n");
    return 2;
  }
  const auto ranks = join_ranks();
  return bench(*ranks, argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
}
