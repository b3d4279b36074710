// GaLore (Zhao et al., arXiv 2403.03507): words run in a projection of the direction D [m, n] on its r
// leading singular vectors of the shorter side. With P [r, min(m, n)], orthonormal rows,
//   m <= n:  d = P D [r, n],   d <- word(d) for each word,   D = scale P^T d
//   m >  n:  d = D P^T [m, r],                               D = scale d P
// P is kept, and taken anew from the direction at every refresh-th update, counted from when the moments were
// last zero; the words' moments, of the shape of d, stay as they are then, as the paper's do. Signs are no
// part of singular vectors: each new row of P points to the side of the row it replaces. A word that reads
// the tensor ("weight_decay") reads its projection. P does not change where gradients are scaled.
#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "core/linalg/products.hpp"
#include "core/linalg/subspace.hpp"
#include "experiments/updates/word.hpp"

namespace isorbit::experiments::updates {

namespace {

using core::Json;
using core::Matrix;
using core::Shape;

/// Of the direction in the projection.
Shape projected(const Json& fields, const Shape& tensor) {
  const auto rank = fields.at("rank").get<std::int64_t>();
  return tensor[0] <= tensor[1] ? Shape{rank, tensor[1]} : Shape{tensor[0], rank};
}

std::vector<Moment> moments(const Json& fields, const Shape& tensor) {
  const Shape inner = projected(fields, tensor);
  std::vector<Moment> all = {
      {"projector", 0, Shape{fields.at("rank").get<std::int64_t>(), std::min(tensor[0], tensor[1])}}};
  for (const Json& part : fields.at("update")) {
    const Update& word = word_of(part);
    for (Moment& moment : moments_of(word, part, inner))
      all.push_back({word.name + "." + moment.name, moment.power, moment.shape.value_or(inner)});
  }
  return all;
}

std::vector<Misfit> misfits(const Json& fields, const Shape& tensor) {
  if (tensor.rank() != 2)
    return {{"kind", "\"galore\"", "a word that fits tensors that are no matrices",
             "is " + tensor.text() + " and has no singular vectors",
             "a group before this one for it, with \"adam\""}};
  const std::int64_t side = std::min(tensor[0], tensor[1]), rank = fields.at("rank").get<std::int64_t>();
  if (rank > side)
    return {{"rank", std::to_string(rank), "at most " + std::to_string(side), "is " + tensor.text(),
             std::to_string(side)}};
  std::vector<Misfit> all;
  const Shape inner = projected(fields, tensor);
  const Json& words = fields.at("update");
  for (std::size_t i = 0; i < words.size(); ++i) {
    const Update& word = word_of(words[i]);
    if (!word.misfits) continue;
    for (Misfit& misfit : word.misfits(words[i], inner)) {
      misfit.field = "update/" + std::to_string(i) + "/" + misfit.field;
      all.push_back(std::move(misfit));
    }
  }
  return all;
}

/// A matrix of the tensor's shape and its projector.
struct Projection {
  std::size_t rows, cols, rank;
  std::span<float> projector;

  [[nodiscard]] bool wide() const { return rows <= cols; }
  [[nodiscard]] std::size_t side() const { return std::min(rows, cols); }
  [[nodiscard]] Matrix matrix(bool transposed = false) const { return {projector, rank, side(), transposed}; }
  /// Leaves the projector as it is where an entry is not finite, which the projection then shows.
  void refresh(std::span<const float> of) const {
    if (!std::ranges::all_of(of, [](float x) { return std::isfinite(x); })) return;
    const std::vector<float> fresh = core::leading_singular_vectors(of, rows, cols, rank);
    for (std::size_t k = 0; k < rank; ++k) {
      const std::span<const float> vector = std::span(fresh).subspan(k * side(), side());
      const std::span<float> kept = projector.subspan(k * side(), side());
      const double along = std::inner_product(vector.begin(), vector.end(), kept.begin(), 0.0);
      std::ranges::transform(vector, kept.begin(), [&](float x) { return along < 0 ? -x : x; });
    }
  }
  [[nodiscard]] std::vector<float> into(std::span<const float> full) const {
    std::vector<float> out(rank * std::max(rows, cols));
    const Matrix of{full, rows, cols};
    if (wide()) {
      core::multiply(matrix(), of, out);
    } else {
      core::multiply(of, matrix(true), out);
    }
    return out;
  }
  void back(std::span<const float> small, float scale, std::span<float> full) const {
    if (wide()) {
      core::multiply(matrix(true), {small, rank, cols}, full, scale);
    } else {
      core::multiply({small, rows, rank}, matrix(), full, scale);
    }
  }
};

struct Inner {
  const Update* word;
  const Json* fields;
  ChunkUpdate change;
};

void change(const Chunk& chunk, const Json& fields, std::span<const Inner> words, bool refreshes) {
  const Shape inner = projected(fields, chunk.shape);
  const Projection projection{static_cast<std::size_t>(chunk.shape[0]),
                              static_cast<std::size_t>(chunk.shape[1]), fields.at("rank").get<std::size_t>(),
                              chunk.moments[0]};
  if (refreshes) projection.refresh(chunk.direction);
  std::vector<float> direction = projection.into(chunk.direction);
  const std::vector<float> tensor = projection.into(chunk.tensor);
  std::span<const std::span<float>> left = chunk.moments.subspan(1);
  for (const Inner& word : words) {
    const std::size_t own = moments_of(*word.word, *word.fields, inner).size();
    word.change({direction, tensor, left.first(own), inner});
    left = left.subspan(own);
  }
  projection.back(direction, fields.at("scale").get<float>(), chunk.direction);
}

std::vector<Idle> idle(const Json& fields, const RunFacts& run) {
  std::vector<Idle> all;
  if (fields.at("scale") == 0)
    all.push_back({{"scale", "a factor of 0", "a number above 0", "nothing that it trains would ever move",
                    "\"update\": []"},
                   "has a factor of 0"});
  const auto refresh = fields.at("refresh").get<std::int64_t>();
  if (run.is_known() && refresh >= run.steps)
    all.push_back(
        {{"refresh", "a new projector every " + std::to_string(refresh) + " updates",
          "fewer than " + std::to_string(run.steps), run.text() + ", and keeps its first projector", ""},
         "never refreshes its projector"});
  const Json& words = fields.at("update");
  for (std::size_t i = 0; i < words.size(); ++i) {
    const Update& word = word_of(words[i]);
    if (!word.idle) continue;
    for (Idle& one : word.idle(words[i], run)) {
      one.misfit.field = "update/" + std::to_string(i) + "/" + one.misfit.field;
      all.push_back(std::move(one));
    }
  }
  return all;
}

ChunkUpdate prepare(const Json& fields, const Turn& turn) {
  const auto kept = std::make_shared<const Json>(fields);
  std::vector<Inner> words;
  for (const Json& part : kept->at("update")) {
    const Update& word = word_of(part);
    words.push_back({&word, &part, word.prepare(part, turn)});
  }
  const bool refreshes = (turn.age - 1) % fields.at("refresh").get<std::int64_t>() == 0;
  return [kept, words = std::move(words), refreshes](const Chunk& chunk) {
    change(chunk, *kept, words, refreshes);
  };
}

}  // namespace

Update galore() {
  const core::Spec count = core::Spec::integer().at_least(1).at_most(1e9);
  return {.name = "galore",
          .doc = "runs words in a projection on the gradient's leading singular vectors",
          .fields = {{"rank", count, "of the projection", {}},
                     {"scale", core::Spec::number().at_least(0), "factor of what comes back", Json(0.25)},
                     {"refresh", count, "updates from one projector to the next", Json(200)},
                     {"update", held_words(), "the words that run within it, in order",
                      Json::array({{{"kind", "adam"}}})}},
          .moments_on = moments,
          .misfits = misfits,
          .prepare = prepare,
          .idle = idle,
          .whole_tensor = true,
          .holds_words = true};
}

}  // namespace isorbit::experiments::updates
