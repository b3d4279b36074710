// A checkpoint whose header is the input, before the data of a real one. A learner takes it up and writes the
// same state again, or refuses it and is as it was before.
#include "experiments/training/checkpoint.hpp"

#include <map>

#include "tests/fuzz/scratch.hpp"
#include "tests/fuzz/small_model.hpp"

namespace isorbit::fuzz {
namespace {

using experiments::CheckpointState;
using experiments::Learner;

const char* const cell_id = "0123456789abcdef";

class Subject {
 public:
  Subject()
      : model_(small_model()),
        method_(experiments::read_method_for(model_, core::parse_document(small_method_text, "both"))),
        learner_(model_, method_, experiments::every_op(), 1, compute()) {
    learner_.trained()[0].rates.scale({8, 4}, 0, std::vector<double>(8, 2.0), -1);
    std::string bytes = written({cell_id, 3, 1.5, {}, {}});
    std::size_t header = 0;
    for (std::size_t i = 0; i < 8; ++i)
      header |= std::size_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    header_ = bytes.substr(8, header);
    data_ = bytes.substr(8 + header);
  }

  /// The learner's state as a file.
  std::string written(const CheckpointState& state) {
    const std::filesystem::path file = Scratch::folder() / "written";
    experiments::write_checkpoint(file, learner_, state);
    return contents_of(file);
  }

  std::optional<CheckpointState> read(std::string_view header) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
    return experiments::read_checkpoint(scratch_file("checkpoint", bytes.append(header).append(data_)),
                                        learner_, cell_id);
  }

  [[nodiscard]] const std::string& header() const { return header_; }
  [[nodiscard]] Learner& learner() { return learner_; }

 private:
  static experiments::Compute compute() {
    experiments::Compute compute;
    compute.threads = 1;
    return compute;
  }

  core::Model model_;
  experiments::Method method_;
  Learner learner_;
  std::string header_, data_;
};

void check_rates(const experiments::Trained& t) {
  const auto fits = [](const std::vector<float>& factors, std::int64_t extent) {
    return factors.empty() || factors.size() == static_cast<std::size_t>(extent);
  };
  const core::Shape& shape = t.tensor->shape();
  const std::int64_t rows = shape.rank() == 0 ? 1 : shape[0];
  claim(fits(t.rates.rows, rows) && fits(t.rates.columns, shape.elements() / rows),
        "a tensor has a rate for each of its rows and columns: " + t.name);
}

}  // namespace

void checkpoint(Input input) {
  static Subject subject;
  static std::string before = subject.written({});
  std::optional<CheckpointState> state;
  try {
    state = subject.read(text_of(input));
  } catch (const std::runtime_error& error) {
    claim(is_utf8(error.what()), "an error is UTF-8");
    claim(subject.written({}) == before, "what refuses a checkpoint is as it was before");
    return;
  }
  claim(state.has_value() && state->step >= 0 && state->seconds >= 0, "a step and seconds are from 0");
  for (const experiments::Trained& t : subject.learner().trained()) check_rates(t);
  const std::string taken = subject.written(*state);
  (void)experiments::read_checkpoint(Scratch::folder() / "written", subject.learner(), cell_id);
  claim(subject.written(*state) == taken, "a state that is written comes back");
  (void)subject.read(subject.header());
  before = subject.written({});
}

}  // namespace isorbit::fuzz
