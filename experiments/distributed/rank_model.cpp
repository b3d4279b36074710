#include "experiments/distributed/rank_model.hpp"

#include "experiments/training/cell_document.hpp"

namespace isorbit::experiments {

std::optional<core::Problem> misfit_of_ranks(const core::Document& document, const std::string& pointer,
                                             std::int64_t batch, std::int64_t ranks) {
  if (batch % ranks == 0) return std::nullopt;
  std::int64_t divisor = ranks;
  while (batch % divisor != 0) --divisor;
  const std::int64_t next = (batch / ranks + 1) * ranks;
  return core::Problem{document.file,
                       document.position(pointer),
                       pointer,
                       std::to_string(ranks),
                       "a divisor of the batch, " + std::to_string(batch),
                       "every rank takes as many rows of it; training.batch=" + std::to_string(next) +
                           " could be shared by " + std::to_string(ranks),
                       std::to_string(divisor)};
}

core::Model read_rank_model(const core::Document& document, const core::OpSet& ops, const std::string& size,
                            core::Json constants, std::int64_t batch, std::int64_t ranks) {
  constants["batch"] = batch / ranks;
  core::Model model = core::read_model(document, ops, size, constants);
  const std::int64_t rows = batch_request(model, 1).batch;
  if (rows == batch / ranks) return model;
  core::Problems problems;
  problems.add(document, "/inputs",
               "inputs of " + std::to_string(rows) + " rows where the constant \"batch\" is " +
                   std::to_string(batch / ranks),
               "inputs whose first extent is \"batch\"", std::to_string(ranks) + " ranks share every batch");
  problems.throw_if_any();
  return model;
}

core::Model read_rank_model(const core::Json& cell, const core::OpSet& ops) {
  const core::Document document{"model", cell.at("model"), {}};
  core::Model whole = core::read_model(document, ops);
  const std::int64_t ranks = ranks_of(cell);
  if (ranks == 1) return whole;
  return read_rank_model(document, ops, {}, core::Json::object(), batch_request(whole, 1).batch, ranks);
}

std::int64_t ranks_of(const core::Json& cell) { return cell.at("training").value("ranks", std::int64_t{1}); }

}  // namespace isorbit::experiments
