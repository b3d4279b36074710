#include "experiments/distributed/lead.hpp"

#include "core/document/problem.hpp"
#include "experiments/data/shared_sources.hpp"
#include "experiments/distributed/meeting.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;

Json order_of(const CellRequest& request) {
  Json earlier = Json::array();
  for (const std::filesystem::path& folder : request.earlier) earlier.push_back(folder.string());
  return {{"document", request.document},
          {"data_dir", request.data_dir.string()},
          {"from", request.from.string()},
          {"id", request.id},
          {"earlier", std::move(earlier)}};
}

CellRequest request_of(const Json& order) {
  CellRequest request;
  request.document = order.at("document");
  request.data_dir = order.at("data_dir").get<std::string>();
  request.from = order.at("from").get<std::string>();
  request.id = order.at("id").get<std::string>();
  for (const Json& folder : order.at("earlier")) request.earlier.emplace_back(folder.get<std::string>());
  return request;
}

}  // namespace

Leader::~Leader() {
  std::vector<std::uint8_t> nothing;
  if (ranks_.size() > 1) share(ranks_, nothing);
}

CellResult Leader::run(CellRequest request) const {
  if (ranks_.size() > 1) {
    std::vector<std::uint8_t> order = Json::to_cbor(order_of(request));
    share(ranks_, order);
    request.ranks = &ranks_;
  }
  return run_cell(request);
}

void follow(Communicator& ranks) {
  SharedSources sources;
  while (true) {
    std::vector<std::uint8_t> order;
    share(ranks, order);
    if (order.empty()) return;
    CellRequest request = request_of(Json::from_cbor(order));
    request.sources = &sources;
    request.ranks = &ranks;
    try {
      (void)run_cell(request);
    } catch (const core::DocumentError&) {
      continue;  // rank 0 has read the same document
    }
  }
}

}  // namespace isorbit::experiments
