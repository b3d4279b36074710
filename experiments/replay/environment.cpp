#include "experiments/replay/environment.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace isorbit::experiments {

namespace {

constexpr const char* kNames[] = {"version", "build", "compiler", "onednn", "isa",
                                  "threads", "ranks", "dtype",    "cpu"};

/// As core::effective_isa() names them, each holding all before it.
constexpr std::array kIsas = {
    "sse41",          "avx", "avx2", "avx2_vnni", "avx512_core", "avx512_core_vnni", "avx512_core_bf16",
    "avx512_core_amx"};

const Setting& named(const std::vector<Setting>& settings, const std::string& name) {
  return *std::ranges::find(settings, name, &Setting::name);
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::vector<Setting> settings(const std::map<std::string, std::string>& recorded,
                              const std::map<std::string, std::string>& here) {
  const auto value = [](const std::map<std::string, std::string>& all, const char* name) {
    const auto it = all.find(name);
    if (it != all.end()) return it->second;
    return std::string(name == std::string_view("ranks") ? "1" : "not recorded");
  };
  std::vector<Setting> out;
  for (const char* name : kNames) out.push_back({name, value(recorded, name), value(here, name)});
  return out;
}

std::string differences_text(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& s : settings)
    if (s.differs())
      text += (text.empty() ? "" : "; ") + s.name + " recorded " + s.recorded + ", here " + s.here;
  return text;
}

std::optional<std::string> remedy(const std::vector<Setting>& settings, const std::string& verb) {
  const std::string& ranks = named(settings, "ranks").recorded;
  const std::string replay = (ranks == "1" ? "" : "mpirun -n " + ranks + " ") + verb;
  const Setting& isa = named(settings, "isa");
  for (const Setting& s : settings) {
    const bool can_be_set = s.name == "threads" || s.name == "ranks" || s.name == "isa";
    const bool follows_isa = s.name == "dtype" && isa.differs();
    if (s.differs() && !can_be_set && !follows_isa) return std::nullopt;
  }
  if (!isa.differs()) return replay;
  const auto recorded = std::ranges::find(kIsas, isa.recorded), here = std::ranges::find(kIsas, isa.here);
  if (recorded == kIsas.end() || here == kIsas.end()) return std::nullopt;
  if (recorded < here) return "ONEDNN_MAX_CPU_ISA=" + upper(isa.recorded) + " " + replay;
  const bool is_limited = std::getenv("ONEDNN_MAX_CPU_ISA") != nullptr;
  return is_limited ? std::optional("env -u ONEDNN_MAX_CPU_ISA " + replay) : std::nullopt;
}

}  // namespace isorbit::experiments
