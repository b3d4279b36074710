// The architecture, held by a test: which room may include which, and what stands at the top of the tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::set<std::string>> kMayUse = {
    {"core", {"core"}},
    {"ops", {"core", "ops"}},
    {"analysis", {"core", "analysis"}},
    {"experiments", {"core", "ops", "analysis", "experiments"}},
};

const fs::path kRoot = ISORBIT_SOURCE_DIR;

bool is_source(const fs::path& p) { return p.extension() == ".cpp" || p.extension() == ".hpp"; }

/// Calls f(file, line) for every line of every source under a folder.
template <class F>
void over_lines(const fs::path& folder, const F& f) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || !is_source(entry.path())) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) f(entry.path(), line);
  }
}

/// Calls f(file, included path) for every #include "..." under a folder.
template <class F>
void over_includes(const fs::path& folder, const F& f) {
  const std::string start = "#include \"";
  over_lines(folder, [&](const fs::path& file, const std::string& line) {
    if (line.starts_with(start)) f(file, line.substr(start.size(), line.rfind('"') - start.size()));
  });
}

TEST(Rooms, IncludeOnlyWhatTheirArrowsAllow) {
  for (const auto& [room, allowed] : kMayUse) {
    over_includes(kRoot / room, [&, &room = room, &allowed = allowed](const fs::path& file,
                                                                      const std::string& included) {
      const std::string target = included.substr(0, included.find('/'));
      EXPECT_TRUE(allowed.contains(target)) << file << " in " << room << " includes " << included;
    });
  }
}

TEST(Rooms, UpdatesNeverSeeAGraphAndOpsNeverSeeAnOptimizer) {
  over_includes(kRoot / "experiments" / "updates", [](const fs::path& file, const std::string& included) {
    EXPECT_FALSE(included.starts_with("core/passes") || included == "core/graph/graph.hpp" ||
                 included == "core/graph/op.hpp" || included == "core/graph/builder.hpp" ||
                 included == "experiments/method.hpp" || included == "experiments/parametrization.hpp")
        << file << " includes " << included;
  });
}

TEST(Rooms, CoreAndOpsPrintNothingAndNeverAbort) {
  for (const char* room : {"core", "ops"}) {
    over_lines(kRoot / room, [](const fs::path& file, const std::string& line) {
      for (const char* forbidden :
           {"std::cout", "std::cerr", " printf(", "abort(", "std::exit(", " assert("}) {
        EXPECT_EQ(line.find(forbidden), std::string::npos) << file << ": " << line;
      }
    });
  }
}

TEST(Rooms, TheTopOfTheTreeIsWhatTheOwnerFixed) {
  const std::set<std::string> fixed = {
      "CMakeLists.txt", "core",      "ops",     "experiments",  "analysis",         "tests",
      "third_party",    "README.md", "LICENSE", "CITATION.cff", "CMakePresets.json"};
  const std::set<std::string> made_by_use = {"build", "data", "runs"};  // ignored by git
  for (const fs::directory_entry& entry : fs::directory_iterator(kRoot)) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(name.starts_with(".") || fixed.contains(name) || made_by_use.contains(name)) << name;
  }
}

TEST(Rooms, EveryRoomOfTheReadmesMapExists) {
  std::ifstream file(kRoot / "README.md");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (const char* room : {"core/", "ops/", "experiments/", "analysis/", "tests/", "third_party/"}) {
    EXPECT_NE(text.find(room), std::string::npos) << room << " is not in the README";
    EXPECT_TRUE(fs::is_directory(kRoot / room)) << room;
  }
}

}  // namespace
