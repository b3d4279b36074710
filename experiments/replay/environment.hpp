// What besides a document and its data decides the bits of a run, and where a record's differ from those
// here.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace isorbit::experiments {

/// One setting of /provenance: version, build, compiler, onednn, isa, threads, ranks, dtype, cpu.
struct Setting {
  std::string name, recorded, here;
  [[nodiscard]] bool differs() const { return recorded != here; }
};

/// All of them, in that order; "not recorded" where a record lacks one, but 1 rank.
[[nodiscard]] std::vector<Setting> settings(const std::map<std::string, std::string>& recorded,
                                            const std::map<std::string, std::string>& here);

/// "threads recorded 2, here 1; isa recorded avx512_core, here avx2", of those that differ.
[[nodiscard]] std::string differences_text(const std::vector<Setting>& settings);

/// The shell command `replay FILE [options]` in front of which stands what makes this machine compute as was
/// recorded: nothing where more differs than threads, ranks and instruction set, or where the machine lacks
/// the recorded one. `replay` is the command without --threads, since the document has the recorded threads.
[[nodiscard]] std::optional<std::string> remedy(const std::vector<Setting>& settings,
                                                const std::string& replay);

}  // namespace isorbit::experiments
