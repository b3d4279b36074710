// One tensor under a chain of update words, for tests.
#pragma once
#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/random/philox.hpp"
#include "experiments/method.hpp"

namespace isorbit::experiments::testing_support {

inline const Update& update_word(const std::string& name) {
  for (const Update& update : Vocabulary::all().updates)
    if (update.name == name) return update;
  throw std::out_of_range(name);
}

/// The fields of a word with its defaults, "kind" among them.
inline core::Json fields_of(const Update& update, const core::Json& given) {
  core::Problems problems;
  core::Json fields = core::resolve(given, core::Spec::object(update.fields), {}, problems);
  problems.throw_if_any();
  fields["kind"] = update.name;
  return fields;
}

/// Values for the fields that have no default.
inline core::Json required(const Update& update) {
  core::Json given = core::Json::object();
  for (const core::Field& field : update.fields) {
    if (field.fallback || field.optional) continue;
    const bool whole = field.spec.description().kind == core::Spec::Kind::integer;
    given[field.name] = whole ? core::Json(2) : core::Json(0.5);
  }
  return given;
}

/// A word that has no learning rate of its own gets one behind it.
inline core::Json chain_with_rate(const Update& word, double rate) {
  core::Json fields = required(word);
  fields["kind"] = word.name;
  core::Json chain = core::Json::array({fields});
  if (!word.expand && word.name != "learning_rate")
    chain.push_back({{"kind", "learning_rate"}, {"value", rate}});
  return chain;
}

struct Chain {
  struct Link {
    const Update* update;
    core::Json fields;
    std::vector<Moment> described;
    std::vector<std::vector<float>> moments;
  };
  std::vector<float> tensor;
  core::Shape shape;
  std::vector<Link> links = {};
  std::int64_t age = 0, step = 0;

  /// Appends a word, or what an alias stands for.
  void add(const core::Json& given) {
    core::Json own = given;
    own.erase("kind");
    const Update& update = update_word(given.at("kind").get<std::string>());
    const core::Json fields = fields_of(update, own);
    if (update.expand) {
      for (const core::Json& part : update.expand(fields)) add(part);
      return;
    }
    links.push_back({&update, fields, moments_of(update, fields, shape), {}});
    for (const Moment& moment : links.back().described)
      links.back().moments.emplace_back(static_cast<std::size_t>(moment.shape.value_or(shape).elements()),
                                        0.0F);
  }

  /// One update, chunk by chunk where the words allow it, the last chunk shorter.
  void update(std::vector<float> direction, std::int64_t steps = 100) {
    ++age;
    for (Link& link : links) {
      const ChunkUpdate change = link.update->prepare(link.fields, {age, step, steps});
      const std::size_t size = link.update->whole_tensor ? tensor.size() : 1024;
      for (std::size_t at = 0; at < tensor.size(); at += size) {
        const std::size_t n = std::min(size, tensor.size() - at);
        std::vector<std::span<float>> moments;
        for (std::vector<float>& moment : link.moments) {
          const std::span<float> all(moment);
          moments.push_back(link.update->whole_tensor ? all : all.subspan(at, n));
        }
        change({std::span(direction).subspan(at, n), std::span<const float>(tensor).subspan(at, n), moments,
                shape});
      }
    }
    ++step;
    for (std::size_t i = 0; i < tensor.size(); ++i) tensor[i] -= direction[i];
  }
};

inline std::vector<float> normal(std::size_t n, std::uint64_t stream, double scale = 1.0) {
  std::vector<float> out(n);
  core::Philox(5, stream).fill_normal(out, scale);
  return out;
}

}  // namespace isorbit::experiments::testing_support
