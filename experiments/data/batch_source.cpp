#include "experiments/data/batch_source.hpp"

#include <algorithm>
#include <utility>

#include "experiments/data/batch_fill.hpp"

namespace isorbit::experiments {
namespace {

std::int64_t elements(const InputDescription& input) {
  std::int64_t product = 1;
  for (const std::int64_t extent : input.shape) product *= extent;
  return product;
}

void check(const BatchRequest& request) {
  if (request.batch < 1)
    throw DataError("batch: found " + std::to_string(request.batch) + "; expected at least 1");
  if (request.valid_targets < 0)
    throw DataError("valid_targets: found " + std::to_string(request.valid_targets) + "; expected 0 or more");
}

std::string type_name(bool is_float) { return is_float ? "f32" : "s32"; }

}  // namespace

void check_buffers(const std::vector<InputDescription>& inputs, const BatchBuffers& buffers) {
  for (const auto& [name, buffer] : buffers) {
    const auto input =
        std::find_if(inputs.begin(), inputs.end(), [&name = name](const auto& i) { return i.name == name; });
    if (input == inputs.end()) {
      std::string names;
      for (const InputDescription& i : inputs) names += (names.empty() ? "" : ", ") + i.name;
      throw DataError("input \"" + name + "\": the data has no such input; it feeds " + names);
    }
    const bool is_float = std::holds_alternative<std::span<float>>(buffer);
    const auto size = static_cast<std::int64_t>(std::visit([](auto span) { return span.size(); }, buffer));
    if (is_float != (input->type == InputType::f32) || size != elements(*input))
      throw DataError("input \"" + name + "\": found a buffer of " + std::to_string(size) + " " +
                      type_name(is_float) + "; expected " + std::to_string(elements(*input)) + " " +
                      type_name(input->type == InputType::f32));
  }
}

void check_step(std::int64_t step) {
  if (step < 0) throw DataError("training step " + std::to_string(step) + ": expected 0 or more");
}

void check_valid_index(std::int64_t index, std::int64_t batches) {
  if (index < 0 || index >= batches)
    throw DataError("validation batch " + std::to_string(index) + ": expected 0 to " +
                    std::to_string(batches - 1));
}

std::unique_ptr<BatchSource> open_batches(const Corpus& corpus, const TokenizerChoice& tokenizer,
                                          const BatchRequest& request) {
  check(request);
  if (corpus.kind == CorpusKind::text)
    return open_batches(corpus, tokenizer, tokenize(corpus, tokenizer), request);
  return image_batches(corpus, request);
}

std::unique_ptr<BatchSource> open_batches(const Corpus& corpus, const TokenizerChoice& tokenizer,
                                          TokenizedCorpus tokens, const BatchRequest& request) {
  check(request);
  return text_batches(corpus, tokenizer, std::move(tokens), request);
}

}  // namespace isorbit::experiments
