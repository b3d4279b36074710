// A sweep: one document that multiplies out to cells, each a resolved document with an identity and a folder.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/document/problem.hpp"
#include "core/document/spec.hpp"

namespace isorbit::experiments {

/// One value of an axis: "method.block_size" = 64.
struct Assignment {
  std::string name;
  core::Json value;
};

/// What a cell will do and leave, known before it runs.
struct CellFacts {
  std::int64_t steps = 0;
  std::int64_t tokens = 0;      // targets it trains on
  std::int64_t parameters = 0;  // elements
  double spectra_bytes = 0;     // singular values in its record
  double unigram_entropy = 0;   // of the validation targets, nats
  std::string model = {};       // SHA-256 of the resolved model, but for its batch
  std::string data = {};        // corpus and tokenizer: "austen bytes"
  std::string data_sha256 = {};
  std::string targets_sha256 = {};  // of what the validation covers (validation_sha256)
  // Not in a manifest:
  std::int64_t batch = 0;          // sequences or images a step
  std::int64_t valid_batches = 0;  // a validation takes
  std::int64_t matrices = 0;       // among the weights
  std::int64_t parametrized = 0;   // among the matrices
};

/// Where a value of a resolved document was last set: "training.steps", "command line training.steps=10".
struct Origin {
  std::string name;
  core::Json value;
  std::string source;
};

/// What a cell's weights start from: another cell of the sweep, or a file.
struct CellStart {
  std::string arm, id;           // of the cell; empty: a file
  std::filesystem::path folder;  // of the cell, relative to the sweep's
  std::filesystem::path file;
  std::string sha256;    // of the file
  std::string run = {};  // of the cell; not in a manifest

  /// "adamw 1a2b3c4d"
  [[nodiscard]] std::string text() const;
};

/// A line of the sweep: an arm with values of its axes (the seed is the cell's).
struct Row {
  std::string arm;
  std::vector<Assignment> changed;
  std::size_t place = 0;  // among all rows of the sweep
};

/// What is trained. It stands in the sweep under its own arm and values, and under those of `also`, whose
/// documents are the same.
struct Cell {
  std::string arm;
  std::vector<Assignment> changed;  // tune, parameters, zip, in this order
  std::int64_t seed = 0;
  core::Json document;           // resolved
  std::string id;                // SHA-256, 64 digits
  std::filesystem::path folder;  // relative to the sweep's: <arm>/<changed values>-s<seed>-<id8>
  CellFacts facts;
  std::optional<CellStart> from = {};
  std::vector<Origin> origins;
  std::string plan = {};  // of its folder, an earlier one (kept_plans.hpp) that it is of; empty: today's
  std::size_t place = 0;
  std::vector<Row> also = {};
  /// SHA-256 of what is computed: equal for cells that are one run under several documents, because something
  /// in them does nothing; `idle` says what, "never rescales in 20 steps".
  std::string run = {};
  std::vector<std::string> idle = {};
};

/// A combination that is no cell, and the clause that says so. No seed: every seed.
struct Dropped {
  std::string arm;
  std::vector<Assignment> changed;
  std::optional<std::int64_t> seed;
  std::string clause;
};

struct Sweep {
  std::string name;
  std::string metric = "valid/loss";
  bool minimize = true;
  std::string baseline;
  std::vector<std::pair<std::string, std::string>> controls;  // arm, and the arm that is its control
  std::vector<Cell> cells;
  std::vector<Dropped> dropped;
  std::vector<std::string> notes;       // clauses that never applied, arms without a control
  std::vector<core::Problem> warnings;  // what is no error, and does not do what it says
  bool strict = false;                  // warnings are to be errors
};

struct SweepRequest {
  std::filesystem::path file;
  std::vector<std::string> overrides;  // "training.steps=100", "model.kv_heads=1,4"
  std::filesystem::path data_dir;
  std::optional<core::Document> document = {};  // the file's, where it was read: a pipe is read once
  std::optional<std::int64_t> seed = {};        // joins the document's seeds where it is none of them
};

/// The fields of a sweep document.
[[nodiscard]] core::Spec sweep_spec();

/// Reads a sweep with every model and method it names, checks all of it, and multiplies it out: arms, then
/// tune, parameters, zip and seeds, the last varying fastest. Every problem of every document is in the one
/// DocumentError it throws; nothing is written.
[[nodiscard]] Sweep read_sweep(const SweepRequest& request);

/// The first eight digits of an id.
[[nodiscard]] inline std::string short_id(const std::string& id) { return id.substr(0, 8); }

/// "block_size=64,kv_heads=4": the last word of each name, or the whole where two share it.
[[nodiscard]] std::string label_of(const std::vector<Assignment>& changed);
/// A value as labels show it: texts bare, objects as one line of JSON.
[[nodiscard]] std::string value_text(const core::Json& value);

}  // namespace isorbit::experiments
