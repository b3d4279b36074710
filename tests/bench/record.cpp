// What the record costs beside training: milliseconds of a row a step, of a link of the chain it is replayed
// by (with its row), of a measurement of all weights (singular values and measures), and of a checkpoint, and
// their share of the time of training at the default cadence; and what live.h5 adds to a row.
//   bench_record [size] [threads] [method]      from the root of the repository; tiny, 2, adamw
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "experiments/training/cell_document.hpp"
#include "experiments/training/checkpoint.hpp"
#include "experiments/training/learner.hpp"
#include "experiments/training/measurement.hpp"
#include "experiments/training/replay_chain.hpp"
#include "ops/registry.hpp"
#include "tests/bench/timing.hpp"

namespace {

using namespace isorbit;
using namespace isorbit::experiments;
using bench::best_ms;

double cadence(const char* field) {
  core::Problems problems;
  const core::Json given = {{"steps", 1}};
  return core::resolve(given, training_spec(), {}, problems).at(field).get<double>();
}

/// Microseconds of a row on average, of the thread that trains and of the processor.
struct RowCost {
  double wall = 0, cpu = 0;
};

RowCost row_cost(Recorder& recorder, std::span<const double> rates, std::int64_t& step) {
  constexpr int kRows = 20000;
  const std::clock_t before = std::clock();
  const double wall = best_ms(1, [&] {
    for (int i = 0; i < kRows; ++i) recorder.train(step++, 1, rates, 1, 1, 1);
  });
  const double cpu = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  return {1e3 * wall / kRows, 1e6 * cpu / kRows};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string size = argc > 1 ? argv[1] : "tiny", method_name = argc > 3 ? argv[3] : "adamw";
  Compute compute;
  compute.threads = argc > 2 ? std::max(1, std::atoi(argv[2])) : 2;
  const core::OpSet ops(ops::registered());
  const core::Model model =
      core::read_model(core::read_document("experiments/models/llama.json"), ops, size, core::Json::object());
  const Method method = read_method(core::read_document("experiments/methods/" + method_name + ".json"));
  Learner learner(model, method, ops, 0, compute);
  for (auto& [name, buffer] : learner.train_inputs()) {
    std::int32_t next = 0;
    if (auto* ids = std::get_if<std::span<std::int32_t>>(&buffer))
      for (std::int32_t& id : *ids) id = next++ % 256;
  }
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "isorbit-bench-record";
  std::filesystem::remove_all(folder);  // of a run that was cut off
  std::filesystem::create_directories(folder);
  std::int64_t step = 0;
  const int times = size == "small" ? 3 : 10;
  const double train = best_ms(times, [&] {
    (void)learner.backward();
    (void)learner.update(step++, 1000);
  });
  const analysis::MeasureSet measures;
  Recorder recorder(folder, std::nullopt);
  const std::vector<double> rates = learner.learning_rates(1, 10);
  const double row = best_ms(200, [&] { recorder.train(step++, 1, rates, 1, 1, 1); });
  ReplayChain chain(learner);
  double link = std::numeric_limits<double>::infinity();
  for (int i = 0; i < times; ++i) {  // each after a step, which leaves little of the weights in the caches
    (void)learner.backward();
    (void)learner.update(step++, 1000);
    link = std::min(link, best_ms(1, [&] {
                      const ReplayLink made = chain.next(step, 1);
                      recorder.replay(step, made.link, made.digests);
                    }));
  }
  const double measure = best_ms(2, [&] { measure_weights(learner, measures, step++, recorder); });
  const double save = best_ms(2, [&] { write_checkpoint(folder / "checkpoint.safetensors", learner, {}); });
  const RowCost journal = row_cost(recorder, rates, step);
  recorder.show_live([](const std::string& note) { std::printf("%s\n", note.c_str()); });
  const RowCost both = row_cost(recorder, rates, step);
  std::filesystem::remove_all(folder);
  const double measured_every = cadence("spectra_every"), saved_every = cadence("checkpoint_every");
  std::printf("%s %s, %d threads: step %.1f ms, row %.3f ms, measurement %.0f ms, checkpoint %.0f ms\n",
              size.c_str(), method_name.c_str(), compute.threads, train, row, measure, save);
  std::printf("link %.3f ms: %zu tensors of %.1f MB, %.3f %% of a step, %zu bytes\n", link,
              chain.tensors().size(), static_cast<double>(learner.stored_bytes()) / 1e6, 100 * link / train,
              sizeof(std::int64_t) + 16 + ReplayChain::kDigits * chain.tensors().size());
  std::printf(
      "microseconds of a row: journal %.2f (processor %.2f), with the view of readers %.2f (processor "
      "%.2f)\n",
      journal.wall, journal.cpu, both.wall, both.cpu);
  std::printf("share of a step: record and spectra %.2f %% (every %.0f), checkpoints %.2f %% (every %.0f)\n",
              100 * (row + measure / measured_every) / train, measured_every,
              100 * save / saved_every / train, saved_every);
}
