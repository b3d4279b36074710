// Time of one AdamW update of all tensors of a LLaMA-shaped model, as the trainer does it and pass by pass
// (norm, then every word over every tensor), beside what the memory allows: a pass that reads one array and
// reads and writes three, the 28 bytes a parameter that an update must move.
//   bench_updates [threads]        prints a line a size: milliseconds (best of many), GB/s at 28 bytes
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/document/json.hpp"
#include "core/random/philox.hpp"
#include "experiments/training/updater.hpp"
#include "tests/bench/timing.hpp"

namespace {

using namespace isorbit;
using namespace isorbit::experiments;
using bench::best_ms;

struct Size {
  const char* name;
  std::int64_t depth, width, ffn, vocab;
};

Method adamw(bool clip) {
  const core::Json rate = {{"schedule", "cosine"}, {"peak", 1e-3}, {"warmup", 10}};
  const core::Json word = {{"kind", "adamw"}, {"learning_rate", rate}};
  const core::Json group = {{"parameters", "*"}, {"update", core::Json::array({word})}};
  core::Json method = {{"name", "adamw"}, {"groups", core::Json::array({group})}};
  if (clip) method["clip_norm"] = 1.0;
  return read_method({"adamw", method, {}});
}

struct Model {
  std::vector<core::Tensor> tensors, gradients;
  std::vector<Trained> trained;
  std::int64_t parameters = 0;

  Model(const Size& s, const Method& method) {
    std::vector<core::Shape> shapes = {{s.vocab, s.width}, {s.vocab, s.width}, {s.width}};
    for (std::int64_t l = 0; l < s.depth; ++l)
      shapes.insert(shapes.end(), {{s.width, s.width},
                                   {s.width, s.width},
                                   {s.width, s.width},
                                   {s.width, s.width},
                                   {s.ffn, s.width},
                                   {s.ffn, s.width},
                                   {s.width, s.ffn},
                                   {s.width},
                                   {s.width}});
    for (const core::Shape& shape : shapes) {
      const core::TensorType type{shape, core::DType::f32};
      tensors.emplace_back(type);
      gradients.emplace_back(type);
      core::Philox(1, tensors.size()).fill_normal(tensors.back().values(), 0.02);
      core::Philox(2, tensors.size()).fill_normal(gradients.back().values(), 1e-3);
      parameters += shape.elements();
    }
    for (core::Tensor& tensor : tensors) {
      Trained t{"t" + std::to_string(trained.size()), "", &tensor, &method.groups[0], {}, {}, {}, 0};
      for (const Word<Update>& word : t.group->update)
        for (std::size_t m = 0; m < word.word->moments.size(); ++m) t.moments.emplace_back(tensor.type());
      trained.push_back(std::move(t));
    }
  }
};

void pass_by_pass(Model& model, core::Engine& engine, std::int64_t step) {
  double total = 0;
  for (const core::Tensor& g : model.gradients)
    for (const float x : g.values()) total += static_cast<double>(x) * x;
  const auto scale = static_cast<float>(std::min(1.0, 1 / std::sqrt(total)));
  const auto over = [&](const core::Tensor& tensor, const auto& body) {
    engine.parallel(static_cast<std::int64_t>(tensor.values().size()), 16384, body);
  };
  for (std::size_t i = 0; i < model.trained.size(); ++i) {
    Trained& t = model.trained[i];
    float* const d = model.gradients[i].values().data();
    float* const p = t.tensor->values().data();
    over(*t.tensor, [&](std::int64_t a, std::int64_t b) {
      for (std::int64_t k = a; k < b; ++k) d[k] *= scale;
    });
    std::size_t next = 0;
    for (const Word<Update>& word : t.group->update) {
      const ChunkUpdate update = word.word->prepare(word.fields, {step + 1, step, 1000});
      const std::size_t first = next;
      next += word.word->moments.size();
      over(*t.tensor, [&](std::int64_t a, std::int64_t b) {
        const auto at = static_cast<std::size_t>(a), n = static_cast<std::size_t>(b - a);
        std::vector<std::span<float>> moments;
        for (std::size_t m = first; m < next; ++m) moments.push_back(t.moments[m].values().subspan(at, n));
        update({{d + a, n}, {p + a, n}, moments, t.tensor->shape()});
      });
    }
    over(*t.tensor, [&](std::int64_t a, std::int64_t b) {
      for (std::int64_t k = a; k < b; ++k) p[k] -= d[k];
    });
  }
}

/// Reads an array, reads and writes three.
void memory_pass(Model& model, core::Engine& engine) {
  for (std::size_t i = 0; i < model.trained.size(); ++i) {
    Trained& t = model.trained[i];
    const float* const g = model.gradients[i].values().data();
    float* const p = t.tensor->values().data();
    float* const m = t.moments[0].values().data();
    float* const v = t.moments[1].values().data();
    engine.parallel(t.tensor->shape().elements(), 16384, [=](std::int64_t a, std::int64_t b) {
      const float* __restrict__ const from = g;
      float* __restrict__ const x = p, * __restrict__ const y = m, * __restrict__ const z = v;
      for (std::int64_t k = a; k < b; ++k) {
        x[k] += from[k];
        y[k] += from[k];
        z[k] += from[k];
      }
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : 2;
  core::Engine engine(threads);
  for (const Size& size : {Size{"micro", 2, 128, 320, 256}, Size{"tiny", 6, 256, 704, 4096},
                           Size{"small", 8, 512, 1280, 32000}}) {
    const Method clipped = adamw(true), plain = adamw(false);
    Model model(size, clipped);
    std::vector<std::span<const float>> gradients;
    for (const core::Tensor& g : model.gradients) gradients.emplace_back(g.values());
    Updater updater(model.trained, gradients, engine);
    std::int64_t step = 0;
    const int times = model.parameters > 20'000'000 ? 7 : 40;
    const double with_clip = best_ms(times, [&] { (void)updater.update(step++, 1000, 1.0); });
    const double without = best_ms(times, [&] { (void)updater.update(step++, 1000, {}); });
    const double passes = best_ms(times, [&] { pass_by_pass(model, engine, step++); });
    const double memory = best_ms(times, [&] { memory_pass(model, engine); });
    const auto rate = [&](double ms) { return 28e-6 * static_cast<double>(model.parameters) / ms; };
    std::printf(
        "%-6s %9lld parameters, %d threads: pass by pass %.2f ms; with clip %.2f ms (%.1f GB/s); without "
        "%.2f ms (%.1f GB/s); memory alone %.2f ms (%.1f GB/s)\n",
        size.name, static_cast<long long>(model.parameters), threads, passes, with_clip, rate(with_clip),
        without, rate(without), memory, rate(memory));
  }
}
