#include "experiments/evaluation/scorer.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "experiments/sweep/resolve_cells.hpp"

namespace isorbit::experiments {

namespace {

constexpr const char* kInput = "tokens";

/// log softmax(row)[token].
double log_probability(std::span<const float> row, std::int32_t token) {
  const double most = *std::ranges::max_element(row);
  double sum = 0;
  for (const float x : row) sum += std::exp(static_cast<double>(x) - most);
  return static_cast<double>(row[static_cast<std::size_t>(token)]) - most - std::log(sum);
}

}  // namespace

Scorer::Scorer(const core::Json& document, const core::TensorFile& weights, int threads) : engine_(threads) {
  core::Model model = core::read_model({"model", document, {}}, every_op());
  const auto input = std::ranges::find_if(model.inputs, [](const core::ModelInput& i) {
    return i.name == kInput && i.type.dtype == core::DType::s32 && i.type.shape.rank() == 2;
  });
  if (input == model.inputs.end() || !model.graph.output("logits"))
    throw std::runtime_error(
        "model \"" + model.name + "\": found no " +
        (input == model.inputs.end() ? "input \"tokens\" [batch, seq]" : "output \"logits\"") +
        "; expected a language model");
  batch_ = static_cast<std::size_t>(input->type.shape[0]);
  seq_ = static_cast<std::size_t>(input->type.shape[1]);
  for (const core::Parameter& parameter : model.graph.parameters) {
    const core::Value& value = model.graph.value(parameter.value);
    const std::vector<float> values = weights.at(value.name).values<float>();
    core::Tensor& tensor = store_.add(value.name, value.type);
    if (values.size() != tensor.values().size())
      throw std::runtime_error("weight \"" + value.name + "\": found " + std::to_string(values.size()) +
                               " numbers; expected " + value.type.shape.text());
    std::ranges::copy(values, tensor.values().begin());
  }
  core::CompileOptions options;
  options.differentiate = false;
  options.keep_outputs = {"logits"};
  program_ = core::compile(std::move(model.graph), every_op(), options, engine_, store_);
  vocab_ = static_cast<std::size_t>(program_.output_type("logits").shape.back());
}

std::vector<Scorer::Window> Scorer::windows_of(std::span<const Passage> passages) const {
  std::vector<Window> out;
  for (std::size_t p = 0; p < passages.size(); ++p) {
    const std::size_t size = passages[p].tokens.size();
    for (std::size_t from = passages[p].first; from < size;) {
      // As much as can be seen before `from`; half a window where the passage goes on past this one.
      const std::size_t whole =
          size - 1 <= seq_ ? 0 : from - std::min(from, std::max<std::size_t>(seq_ / 2, 1));
      const std::size_t to = std::min(size, whole + seq_ + 1);
      out.push_back({p, whole, from, to});
      from = to;
    }
  }
  return out;
}

std::vector<double> Scorer::log_likelihoods(std::span<const Passage> passages) {
  std::vector<double> out(passages.size(), 0.0);
  const std::vector<Window> windows = windows_of(passages);
  for (std::size_t begin = 0; begin < windows.size(); begin += batch_)
    run(std::span(windows).subspan(begin, std::min(batch_, windows.size() - begin)), passages, out);
  return out;
}

void Scorer::run(std::span<const Window> windows, std::span<const Passage> passages, std::span<double> out) {
  const std::span<std::int32_t> input = program_.input_indices(kInput);
  std::ranges::fill(input, 0);  // what follows a passage is not seen by it
  for (std::size_t row = 0; row < windows.size(); ++row) {
    const std::vector<std::int32_t>& tokens = passages[windows[row].passage].tokens;
    const std::size_t end = std::min(tokens.size(), windows[row].begin + seq_);
    std::copy(tokens.begin() + static_cast<std::ptrdiff_t>(windows[row].begin),
              tokens.begin() + static_cast<std::ptrdiff_t>(end),
              input.begin() + static_cast<std::ptrdiff_t>(row * seq_));
  }
  program_.run();
  const std::span<const float> logits = program_.output("logits");
  std::vector<double> sums(windows.size(), 0.0);
  engine_.parallel(static_cast<std::int64_t>(windows.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto row = static_cast<std::size_t>(first); row < static_cast<std::size_t>(last); ++row) {
      const Window& window = windows[row];
      for (std::size_t t = window.from; t < window.to; ++t)
        sums[row] += log_probability(logits.subspan((row * seq_ + t - 1 - window.begin) * vocab_, vocab_),
                                     passages[window.passage].tokens[t]);
    }
  });
  for (std::size_t row = 0; row < windows.size(); ++row) out[windows[row].passage] += sums[row];
}

}  // namespace isorbit::experiments
