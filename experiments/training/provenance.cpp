#include "experiments/training/provenance.hpp"

#include <fstream>

#include "core/document/printable.hpp"
#include "core/runtime/build_id.hpp"
#include "core/runtime/engine.hpp"

namespace isorbit::experiments {

namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

std::string version() { return ISORBIT_VERSION; }

std::map<std::string, std::string> provenance(const Compute& compute, const std::string& data_sha256,
                                              const std::string& cell_id,
                                              const std::vector<std::string>& argv) {
  std::string command;
  for (const std::string& word : argv) command += (command.empty() ? "" : " ") + core::as_utf8(word);
  return {{"version", version()},
          {"build", core::build_id()},
          {"compiler", "g++ " __VERSION__},
          {"onednn", core::onednn_version()},
          {"isa", core::effective_isa()},
          {"threads", std::to_string(compute.threads)},
          {"dtype", core::name_of(compute.precision)},
          {"cpu", cpu_model()},
          {"data_sha256", data_sha256},
          {"cell_id", cell_id},
          {"argv", command}};
}

}  // namespace isorbit::experiments
