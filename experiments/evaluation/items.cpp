#include "experiments/evaluation/items.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "core/document/digest.hpp"
#include "core/document/json.hpp"
#include "experiments/data/cache_folder.hpp"
#include "experiments/data/fingerprint.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;

Json sources_of(const Task& task, const Corpus& corpus, const std::filesystem::path& data_dir) {
  Json out = {{"train.txt", corpus.file_sha256.at("train.txt")},
              {"valid.txt", corpus.file_sha256.at("valid.txt")}};
  for (const std::string& source : task.sources) {
    const std::filesystem::path file = data_dir / source;
    if (!std::filesystem::exists(file))
      throw DataError("task \"" + task.name + "\": found no " + file.string() +
                      "; fetch it with: experiments/data/fetch.sh " +
                      std::filesystem::path(source).begin()->string());
    out[source] = file_sha256(file);
  }
  return out;
}

Json json_of(const Item& item) {
  return {{"before", item.before}, {"after", item.after}, {"choices", item.choices}, {"answer", item.answer}};
}

Item item_from(const Json& json) {
  Item item{json.at("before").get<std::string>(), json.at("after").get<std::string>(),
            json.at("choices").get<std::vector<std::string>>(), json.at("answer").get<std::size_t>()};
  if (item.answer >= item.choices.size()) throw std::out_of_range("answer");
  return item;
}

/// What is kept, where it is of these sources; else nothing.
std::vector<Item> kept(const std::filesystem::path& file, const Json& head) {
  std::ifstream in(file);
  if (!in) return {};
  const Json json = Json::parse(in, nullptr, false);
  std::vector<Item> items;
  try {
    if (!json.is_object() || json.at("head") != head) return {};
    for (const Json& item : json.at("items")) items.push_back(item_from(item));
  } catch (const std::exception&) {  // damaged: it is made again
    return {};
  }
  return items;
}

}  // namespace

const Task& task_named(const std::string& name) {
  static const std::vector<Task> all = tasks::registered();
  const auto it = std::ranges::find_if(all, [&](const Task& task) { return task.name == name; });
  if (it == all.end()) throw std::out_of_range("no task \"" + name + "\"");
  return *it;
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Task& task : tasks::registered()) names.push_back(task.name);
  return names;
}

std::vector<Item> items_of(const Task& task, const Corpus& corpus, const std::filesystem::path& data_dir) {
  if (corpus.kind != CorpusKind::text)
    throw DataError("task \"" + task.name + "\": corpus \"" + corpus.name + "\" holds images; expected text");
  const Json head = {
      {"task", task.name}, {"format", task.format}, {"sources", sources_of(task, corpus, data_dir)}};
  const std::filesystem::path file =
      std::filesystem::path("items") / (core::sha256_hex(head.dump()).substr(0, 32) + ".json");
  std::vector<Item> items = kept(cache_folder() / file, head);
  if (!items.empty()) return items;
  items = task.build(corpus, data_dir);
  if (items.empty())
    throw DataError("task \"" + task.name + "\": corpus \"" + corpus.name +
                    "\" gives no item; it is too short, or unlike the sentences the task asks about");
  Json all = Json::array();
  for (const Item& item : items) all.push_back(json_of(item));
  const std::string text = Json{{"head", head}, {"items", std::move(all)}}.dump(1) + "\n";
  keep_in_cache(file, std::as_bytes(std::span(text)));
  return items;
}

}  // namespace isorbit::experiments
