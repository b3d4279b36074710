// From combinations to cells: reads every distinct model, method and data set once and checks that they fit.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "experiments/data/batch_source.hpp"
#include "experiments/method.hpp"
#include "experiments/sweep/effects.hpp"
#include "experiments/sweep/expand.hpp"

namespace isorbit::experiments {

class CellResolver {
 public:
  CellResolver(const SweepSources& sources, std::filesystem::path data_dir, core::Problems& problems)
      : s_(sources),
        arms_(sources.arms()),
        data_dir_(std::move(data_dir)),
        problems_(problems),
        effects_(sources) {}

  /// The cell, without folder and origins. Problems are added once, with the first combination that has them.
  /// `from` is what it starts from, `source` the candidate of that cell, null where it is a file.
  [[nodiscard]] Cell resolve(const Candidate& candidate, std::optional<CellStart> from = {},
                             const Candidate* source = nullptr);
  /// What the user should know of the files that cells start from, each once.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  /// What does nothing in the runs, each once.
  [[nodiscard]] const std::vector<core::Problem>& warnings() const { return effects_.warnings(); }

 private:
  /// Tells models apart.
  std::string model_key(const Candidate& candidate) const;
  const core::Model* model_of(const Candidate& candidate, const std::string& key);
  const Method* method_of(const Candidate& candidate, const std::string& key);
  const BatchSource* data_of(const Candidate& candidate, const core::Model& model);
  std::shared_ptr<BatchSource> open_data(const Candidate& candidate, const core::Model& model);
  void check_inputs(const Candidate& candidate, const core::Model& model, const BatchSource& source);
  std::string data_pointer(const Candidate& candidate, const std::string& field) const;
  std::string own_arm(const Candidate& candidate) const;
  void check_start(const Candidate& candidate, const Method& method, const core::Model& model,
                   const CellStart& from, const Candidate* source);
  std::string misfit_of_start(const Candidate& candidate, const Method& method, const core::Model& model,
                              const CellStart& from, const Candidate* source);
  void check(const Candidate& candidate, const Method& method, const core::Model& model);
  /// That its ranks can share its batches.
  void check_ranks(const Candidate& candidate, const core::Model& model);
  /// Adds what is new; what is not among `without`, the problems of the documents by themselves, says the
  /// constants it comes from.
  void add(std::span<const core::Problem> problems, const std::set<std::string>& without,
           const std::string& context);
  void add(core::Problem problem);

  const SweepSources& s_;
  const std::vector<std::string>& arms_;
  std::filesystem::path data_dir_;
  core::Problems& problems_;
  Effects effects_;
  std::set<std::string> reported_, checked_;
  std::vector<std::string> notes_;
  std::map<std::string, std::shared_ptr<core::Model>> models_;
  struct ModelFacts {
    std::string id;
    std::int64_t parameters = 0;
  };
  std::map<std::string, ModelFacts> model_facts_;  // by model_key
  std::map<std::string, std::shared_ptr<Method>> methods_;
  std::map<std::string, std::shared_ptr<BatchSource>> data_;
  std::map<const BatchSource*, std::string> validated_on_;  // validation_sha256 of those
};

/// Every op there is.
[[nodiscard]] const core::OpSet& every_op();

}  // namespace isorbit::experiments
