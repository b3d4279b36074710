#include "analysis/comparable.hpp"

namespace isorbit::analysis {
namespace {

std::string other_source(const RunBasis& a, const RunBasis& b, const char* otherwise) {
  if (a.corpus != b.corpus) return "other data";
  if (a.tokenizer != b.tokenizer) return "other tokenizer";
  return otherwise;
}

std::string count_text(std::int64_t a, std::int64_t b, const char* of) {
  return std::to_string(a) + " " + of + ", not " + std::to_string(b);
}

}  // namespace

std::string obstacle(const RunBasis& a, const RunBasis& b, std::string_view metric) {
  if (metric.starts_with("valid/") && a.targets != b.targets)
    return other_source(a, b, "other validation set");
  if (metric.starts_with("train/") && a.data != b.data) return other_source(a, b, "other data");
  if (metric.starts_with("eval/") && a.corpus != b.corpus) return "other data";
  return {};
}

std::vector<std::string> also_differs(const RunBasis& a, const RunBasis& b) {
  std::vector<std::string> out;
  if (a.model != b.model) out.emplace_back("another model");
  if (a.data != b.data) out.emplace_back("other training data");
  if (a.steps != b.steps) out.push_back(count_text(a.steps, b.steps, "steps"));
  // Longer runs of the same batches are told by their steps.
  if (a.tokens * b.steps != b.tokens * a.steps) out.push_back(count_text(a.tokens, b.tokens, "tokens"));
  return out;
}

}  // namespace isorbit::analysis
