// The updater against the words applied one after another to whole tensors.
#include "experiments/training/updater.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "core/random/philox.hpp"
#include "update_chain.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

Method method_of(const Json& update) {
  const Json group = {{"parameters", "*"}, {"update", update}};
  return read_method({"m", {{"name", "m"}, {"groups", Json::array({group})}}, {}});
}

Json chain_of(const Json& word) { return Json::array({word}); }

const Json kAdamw = chain_of({{"kind", "adamw"}, {"learning_rate", 0.01}});
const Json kSgd = chain_of({{"kind", "sgd"}, {"learning_rate", 1.0}, {"beta", 0.9}}),
           kMuon = chain_of({{"kind", "muon"}, {"learning_rate", 0.01}}),
           kGalore = testing_support::chain_with_rate(testing_support::update_word("galore"), 0.01),
           kPlain = chain_of({{"kind", "sgd"}, {"learning_rate", 1.0}});

bool fits(const Group& group, const core::Shape& shape) {
  return std::ranges::all_of(group.update, [&](const Word<Update>& word) {
    return !word.word->misfits || word.word->misfits(word.fields, shape).empty();
  });
}

/// Tensors of several chunks, one chunk and less, with gradients; those that the words fit.
struct Tensors {
  std::vector<core::Tensor> values, gradients;
  std::vector<Trained> trained;

  explicit Tensors(const Method& method) {
    const std::vector<core::Shape> shapes = {{300, 200}, {7}, {64, 64}, {3, 4099}};
    for (const core::Shape& shape : shapes) {
      if (!fits(method.groups[0], shape)) continue;
      values.emplace_back(core::TensorType{shape, core::DType::f32});
      gradients.emplace_back(core::TensorType{shape, core::DType::f32});
      core::Philox(1, values.size()).fill_normal(values.back().values(), 1.0);
    }
    for (core::Tensor& value : values) {
      trained.push_back({"t", "t", &value, &method.groups[0], {}, {}, {}, 0});
      for (const Word<Update>& word : method.groups[0].update)
        for (const Moment& moment : moments_of(*word.word, word.fields, value.shape()))
          trained.back().moments.push_back(
              core::Tensor({moment.shape.value_or(value.shape()), core::DType::f32}));
    }
  }
  void draw(std::uint64_t step) {
    for (std::size_t i = 0; i < gradients.size(); ++i)
      core::Philox(100 + step, i).fill_normal(gradients[i].values(), 0.5);
  }
  std::vector<std::span<const float>> spans() const {
    std::vector<std::span<const float>> out;
    for (const core::Tensor& g : gradients) out.emplace_back(g.values());
    return out;
  }
  std::vector<float> all() const {
    std::vector<float> out;
    for (const core::Tensor& v : values) out.insert(out.end(), v.values().begin(), v.values().end());
    return out;
  }
  double norm() const {
    double sum = 0;
    for (const core::Tensor& g : gradients)
      for (const float x : g.values()) sum += static_cast<double>(x) * x;
    return std::sqrt(sum);
  }
};

/// The same by whole tensors.
void update_plainly(Tensors& tensors, std::int64_t step, float scale) {
  for (std::size_t i = 0; i < tensors.trained.size(); ++i) {
    Trained& t = tensors.trained[i];
    std::vector<float> d(tensors.gradients[i].values().begin(), tensors.gradients[i].values().end());
    for (float& x : d) x *= scale;
    std::size_t next = 0;
    ++t.age;
    for (const Word<Update>& word : t.group->update) {
      std::vector<std::span<float>> moments;
      for (std::size_t m = 0; m < moments_of(*word.word, word.fields, t.tensor->shape()).size(); ++m)
        moments.push_back(t.moments[next++].values());
      word.word->prepare(word.fields,
                         {t.age, step, 100})({d, t.tensor->values(), moments, t.tensor->shape()});
    }
    for (std::size_t k = 0; k < d.size(); ++k) t.tensor->values()[k] -= d[k];
  }
}

TEST(Updater, EqualsTheWordsAppliedToWholeTensorsBitForBit) {
  for (const Json& update : {kAdamw, kSgd, kMuon, kGalore}) {
    const Method method = method_of(update);
    Tensors ours(method), plain(method);
    core::Engine engine(2);
    Updater updater(ours.trained, ours.spans(), engine);
    for (std::int64_t step = 0; step < 4; ++step) {
      ours.draw(static_cast<std::uint64_t>(step));
      plain.draw(static_cast<std::uint64_t>(step));
      const double norm = updater.update(step, 100, std::nullopt);
      update_plainly(plain, step, 1);
      EXPECT_NEAR(norm, plain.norm(), 1e-12 * norm);
    }
    EXPECT_EQ(ours.all(), plain.all());
    for (std::size_t i = 0; i < ours.trained.size(); ++i)
      for (std::size_t m = 0; m < ours.trained[i].moments.size(); ++m)
        EXPECT_TRUE(
            std::ranges::equal(ours.trained[i].moments[m].values(), plain.trained[i].moments[m].values()));
  }
}

TEST(Updater, ClipsAllGradientsTogetherAndLeavesSmallOnesAlone) {
  const Method method = method_of(kAdamw);
  core::Engine engine(2);
  for (const double clip : {1.0, 1e6}) {
    Tensors ours(method), plain(method);
    Updater updater(ours.trained, ours.spans(), engine);
    ours.draw(1);
    plain.draw(1);
    const double norm = updater.update(0, 100, clip);
    EXPECT_NEAR(norm, plain.norm(), 1e-12 * norm);
    update_plainly(plain, 0, static_cast<float>(std::min(1.0, clip / norm)));
    EXPECT_EQ(ours.all(), plain.all()) << clip;
    EXPECT_EQ(updater.update(1, 100, std::nullopt), norm) << "whether or not it is needed before the update";
  }
}

TEST(Updater, GivesTheSameBitsOnAnyNumberOfThreadsForEveryWord) {
  for (const Update& word : Vocabulary::all().updates) {
    const Method method = method_of(testing_support::chain_with_rate(word, 0.1));
    std::vector<float> first;
    double first_norm = 0;
    for (const int threads : {1, 2, 3}) {
      Tensors tensors(method);
      core::Engine engine(threads);
      Updater updater(tensors.trained, tensors.spans(), engine);
      double norm = 0;
      for (std::int64_t step = 0; step < 3; ++step) {
        tensors.draw(static_cast<std::uint64_t>(step));
        norm = updater.update(step, 100, 1.0);
      }
      if (threads == 1) {
        first = tensors.all();
        first_norm = norm;
      }
      EXPECT_EQ(tensors.all(), first) << word.name << " on " << threads;
      EXPECT_EQ(norm, first_norm) << word.name << " on " << threads;
    }
  }
}

/// d <- d - mean(d) of the tensor: more than one element at a time.
Update centred() {
  return {.name = "centred",
          .doc = "",
          .fields = {},
          .prepare =
              [](const Json&, const Turn&) {
                return [](const Chunk& chunk) {
                  double sum = 0;
                  for (const float x : chunk.direction) sum += x;
                  const auto mean = static_cast<float>(sum / static_cast<double>(chunk.direction.size()));
                  for (float& x : chunk.direction) x -= mean;
                };
              },
          .whole_tensor = true};
}

TEST(Updater, GivesAWordThatAsksForItTheWholeTensor) {
  Method method = method_of(kAdamw);
  const Update word = centred();
  method.groups[0].update = {{&word, Json::object()}};
  Tensors ours(method), plain(method);
  core::Engine engine(2);
  Updater updater(ours.trained, ours.spans(), engine);
  ours.draw(0);
  plain.draw(0);
  (void)updater.update(0, 100, std::nullopt);
  update_plainly(plain, 0, 1);
  EXPECT_EQ(ours.all(), plain.all());
}

/// Every tensor waits until another one is being updated, or a minute.
TEST(Updater, SpreadsWholeTensorsOverThreads) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "this machine has one processor";
  std::atomic<int> inside = 0;
  Update word = centred();
  word.prepare = [&](const core::Json&, const Turn&) {
    return [&](const Chunk&) {
      ++inside;
      const auto start = std::chrono::steady_clock::now();
      while (inside < 2 && std::chrono::steady_clock::now() - start < std::chrono::minutes(1))
        std::this_thread::yield();
    };
  };
  Method method = method_of(kAdamw);
  method.groups[0].update = {{&word, Json::object()}};
  Tensors tensors(method);
  core::Engine engine(2);
  Updater updater(tensors.trained, tensors.spans(), engine);
  tensors.draw(0);
  const auto start = std::chrono::steady_clock::now();
  (void)updater.update(0, 100, std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(50));
  EXPECT_EQ(inside, 4);
}

TEST(Updater, CountsTheAgeOfEveryTensorByItself) {
  const Method method = method_of(kAdamw);
  Tensors ours(method), plain(method);
  core::Engine engine(2);
  Updater updater(ours.trained, ours.spans(), engine);
  for (Tensors* t : {&ours, &plain}) t->trained[2].age = 5;  // one that was not reset with the others
  ours.draw(0);
  plain.draw(0);
  (void)updater.update(7, 100, std::nullopt);
  update_plainly(plain, 7, 1);
  EXPECT_EQ(ours.all(), plain.all());
  EXPECT_EQ(ours.trained[2].age, 6);
  EXPECT_EQ(ours.trained[0].age, 1);
}

/// loss = sum(a * b): the gradient of a is b itself, which changes in the same update.
TEST(Updater, ReadsAGradientThatIsAnotherTensorBeforeThatChanges) {
  const Method method = method_of(kPlain);
  Tensors tensors(method);
  std::vector<Trained> pair;
  for (int i = 0; i < 2; ++i)
    pair.push_back({"t", "t", &tensors.values[0], &method.groups[0], {}, {}, {}, 0});
  core::Tensor other(tensors.values[0].type());
  std::ranges::fill(tensors.values[0].values(), 3.0F);
  std::ranges::fill(other.values(), 5.0F);
  pair[1].tensor = &other;
  core::Engine engine(2);
  Updater updater(pair, {other.values(), tensors.values[0].values()}, engine);
  (void)updater.update(0, 100, std::nullopt);
  for (const float x : tensors.values[0].values()) ASSERT_EQ(x, -2.0F);
  for (const float x : other.values()) ASSERT_EQ(x, 2.0F);
}

}  // namespace
}  // namespace isorbit::experiments
