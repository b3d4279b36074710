#include "analysis/certificate.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>

namespace isorbit::analysis {

namespace {

/// The record rounds both spectra to single precision.
constexpr double kRecordRounding = 0x1p-23;

std::string text(double value) {
  std::ostringstream out;
  out.precision(3);
  out << value;
  return out.str();
}

/// How far a move is from its bound: above 1 it passed it. Nothing moved is within any bound.
double share(double defect, double bound) {
  if (defect == 0) return 0;
  return defect / bound;
}

bool within(double defect, double bound) { return defect <= bound; }  // false for NaN

Verdict worse(Verdict a, Verdict b) { return std::max(a, b); }  // they are in this order

/// Whether a weight kept its singular values, and why not.
void judge(WeightCertificate& w, double tolerance) {
  if (!std::isnan(w.bound) && !within(w.defect, w.bound)) {
    w.verdict = Verdict::broken;
    w.reason = "the move at step " + std::to_string(w.defect_step) + " was " + text(w.defect) +
               " of the largest singular value, more than its bound " + text(w.bound);
  } else if (w.comparisons > 0 && !within(w.drift, tolerance + kRecordRounding)) {
    w.verdict = Verdict::broken;
    w.reason = "its singular values drifted by " + text(w.drift) + " of the largest until step " +
               std::to_string(w.drift_step) + ", more than the tolerance " + text(tolerance) +
               (w.merges > 1 ? " (" + std::to_string(w.merges) + " merges, each within its bound)" : "");
  } else if (w.comparisons == 0) {
    w.verdict = Verdict::not_measured;
    w.reason = "its singular values were recorded " + std::to_string(w.snapshots) +
               " times; expected two or more without a rescale by channel between them";
  } else {
    w.verdict = Verdict::kept;
  }
}

/// Whether there is a row of an event: of its name, alone or before "_...", but for what was skipped.
bool has_happened(const std::string& event, const std::set<std::string>& kinds) {
  return std::ranges::any_of(kinds, [&](const std::string& kind) {
    return kind == event || (kind.starts_with(event + "_") && !kind.ends_with("_skipped"));
  });
}

/// The column as numbers; NaN throughout where there is none.
std::vector<double> numbers(const core::Series& series, const char* column) {
  const core::Column* found = series.find(column);
  return found == nullptr ? std::vector<double>(series.columns.front().size(), kUnknown) : found->doubles();
}

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kept:
      return "kept";
    case Verdict::broken:
      return "broken";
    case Verdict::not_measured:
      return "not measured";
    case Verdict::idle:
      return "nothing happened";
    case Verdict::dead:
      return "dead: never moved";
    case Verdict::none:
      break;
  }
  return "nothing to keep";
}

Certifier::Weight& Certifier::weight(const std::string& name) {
  const auto [at, is_new] = index_.emplace(name, weights_.size());
  if (is_new) weights_.emplace_back().facts.weight = name;
  return weights_[at->second];
}

void Certifier::moved(Weight& w, std::int64_t step, double defect, double bound) {
  if (std::isnan(bound)) return;  // nothing was stated
  w.facts.claims = true;
  const bool first = std::isnan(w.facts.bound);
  if (!first && !(share(defect, bound) > share(w.facts.defect, w.facts.bound)) && !std::isnan(defect)) return;
  w.facts.defect = defect;
  w.facts.bound = bound;
  w.facts.defect_step = step;
}

void Certifier::scaled(const EventFacts& row) {
  if (rescales_.empty() || rescales_.back().step != row.step) {
    rescales_.emplace_back();
    rescales_.back().step = row.step;
    rescales_.back().defect = row.defect;
  }
  RescaleCertificate& all = rescales_.back();
  ++all.weights;
  if (!(row.defect <= all.defect)) all.defect = row.defect;
  all.tolerance = std::isnan(all.tolerance) ? row.bound : std::min(all.tolerance, row.bound);
  if (!std::isnan(row.ulp)) all.ulp = std::isnan(all.ulp) ? row.ulp : std::max(all.ulp, row.ulp);
  Weight& w = weight(row.parameter);
  if (std::isnan(row.factor))
    w.uneven = true;
  else
    w.factor *= row.factor;
}

void Certifier::event(const EventFacts& row) {
  happened_.insert(row.kind);
  if (row.kind == "rescale") scaled(row);
  if (row.kind != "merge") return;
  Weight& w = weight(row.parameter);
  moved(w, row.step, row.defect, row.bound);
  ++w.facts.merges;
  w.facts.explained = (1 + w.facts.explained) * (1 + row.defect) - 1;
}

void Certifier::unmerged(std::int64_t step, const std::string& name, double defect, double bound) {
  Weight& w = weight(name);
  if (w.facts.merges == 0 && std::isnan(w.facts.bound_before)) w.facts.bound_before = bound;
  moved(w, step, defect, bound);
}

void Certifier::spectrum(std::int64_t step, const std::string& name, std::span<const float> values) {
  Weight& w = weight(name);
  ++w.facts.snapshots;
  if (w.first.empty()) w.first.assign(values.begin(), values.end());
  w.changed = w.changed || !std::ranges::equal(w.first, values);
  if (w.reference.empty() || w.uneven || w.reference.size() != values.size()) {
    w.reference.assign(values.begin(), values.end());
    w.factor = 1;
    w.uneven = false;
    return;
  }
  ++w.facts.comparisons;
  double most = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double d = std::abs(static_cast<double>(values[k]) - std::abs(w.factor) * w.reference[k]);
    if (!(d <= most)) most = d;
  }
  const double drift = most == 0 ? 0 : most / (std::abs(w.factor) * w.reference.front());
  if (!std::isnan(w.facts.drift) && drift <= w.facts.drift) return;
  w.facts.drift = drift;
  w.facts.drift_step = step;
}

void Certifier::place(const std::string& name, std::span<const double> numbers) {
  Weight& w = weight(name);
  if (w.begun.empty()) w.begun.assign(numbers.begin(), numbers.end());
  w.went = w.went || !std::ranges::equal(w.begun, numbers);
}

bool Certifier::is_trained(const Weight& w) const {
  if (!declared_) return w.facts.claims;
  return std::ranges::find(declared_->trained, w.facts.weight) != declared_->trained.end();
}

/// Empty: it moved, or nobody can tell.
std::string Certifier::why_dead(const Weight& w) const {
  if (w.facts.snapshots < 2 || !is_trained(w)) return {};
  const std::string over = " in all " + std::to_string(w.facts.snapshots) + " snapshots";
  if (!w.changed && !w.first.empty() && w.first.front() == 0) return "its singular values are 0" + over;
  if (!w.begun.empty() && !w.went) return "its coordinates are where they started" + over;
  if (!w.facts.claims && !w.changed) return "its singular values are the same bits" + over;
  return {};
}

Certificate Certifier::certificate() const {
  Certificate out;
  out.tolerance = tolerance_;
  for (const Weight& w : weights_) {
    const std::string dead = why_dead(w);
    if (!w.facts.claims && dead.empty()) {
      out.free_weights += w.facts.snapshots > 0 ? 1 : 0;
      continue;
    }
    out.weights.push_back(w.facts);
    WeightCertificate& judged = out.weights.back();
    if (w.facts.claims) judge(judged, tolerance_);
    if (!dead.empty() && judged.verdict != Verdict::broken) {
      judged.verdict = Verdict::dead;
      judged.reason = dead;
    }
    out.verdict = worse(out.verdict, judged.verdict);
  }
  if (declared_)
    for (const std::string& event : declared_->events)
      if (!has_happened(event, happened_)) out.never.push_back(event);
  if (!out.never.empty()) out.verdict = worse(out.verdict, Verdict::idle);
  out.rescales = rescales_;
  for (RescaleCertificate& r : out.rescales) {
    r.verdict = within(r.defect, r.tolerance) ? Verdict::kept : Verdict::broken;
    out.verdict = worse(out.verdict, r.verdict);
  }
  return out;
}

namespace {

/// Rows of several tables in the order they were made: by step, snapshots before events; at step 0, and
/// everywhere in records of the first version, events before snapshots.
class Rows {
 public:
  explicit Rows(std::int64_t schema_version) : events_first_(schema_version < 2) {}

  void events(const core::Series& series) {
    const auto& steps = series.at("step").integers();
    const auto &kinds = series.at("kind").texts(), &parameters = series.at("parameter").texts();
    const std::vector<double> factor = numbers(series, "factor"), defect = numbers(series, "defect"),
                              bound = numbers(series, "bound"), ulp = numbers(series, "ulp");
    for (std::size_t i = 0; i < steps.size(); ++i)
      add(steps[i], kEvent,
          [row = EventFacts{steps[i], kinds[i], parameters[i], factor[i], defect[i], bound[i], ulp[i]}](
              Certifier& c) { c.event(row); });
  }

  void spectrum(const core::Spectrum& s) {
    for (std::size_t t = 0; t < s.steps.size(); ++t)
      add(s.steps[t], snapshot_at(s.steps[t]), [&s, t](Certifier& c) {
        c.spectrum(s.steps[t], s.parameter, std::span(s.values).subspan(t * s.rank, s.rank));
      });
  }

  void measures(const core::Series& series, const std::string& weight) {
    const auto& steps = series.at("step").integers();
    const std::vector<double> defect = numbers(series, "defect"), bound = numbers(series, "defect_bound");
    std::vector<std::vector<double>> places(steps.size());
    for (const core::Column& column : series.columns)
      if (column.name.starts_with("probe_"))
        for (std::size_t t = 0; t < steps.size(); ++t) places[t].push_back(column.doubles().at(t));
    for (std::size_t t = 0; t < steps.size(); ++t)
      add(steps[t], snapshot_at(steps[t]),
          [weight, step = steps[t], d = defect[t], b = bound[t], at = places[t]](Certifier& c) {
            c.unmerged(step, weight, d, b);
            if (!at.empty()) c.place(weight, at);
          });
  }

  void give(Certifier& certifier) {
    std::ranges::stable_sort(rows_, [](const Row& a, const Row& b) {
      return std::pair(a.step, a.order) < std::pair(b.step, b.order);
    });
    for (const Row& row : rows_) row.give(certifier);
  }

 private:
  using Give = std::function<void(Certifier&)>;
  struct Row {
    std::int64_t step;
    int order;
    Give give;
  };
  static constexpr int kEvent = 1;
  [[nodiscard]] int snapshot_at(std::int64_t step) const { return events_first_ || step == 0 ? 2 : 0; }
  void add(std::int64_t step, int order, Give give) { rows_.push_back({step, order, std::move(give)}); }
  bool events_first_;
  std::vector<Row> rows_;
};

}  // namespace

Certificate certify(const core::RunRecord& record, double tolerance, std::optional<Declared> declared) {
  constexpr std::string_view measures = "measure/";
  Rows rows(record.schema_version);
  if (const core::Series* events = record.find("event")) rows.events(*events);
  for (const core::Spectrum& spectrum : record.spectra) rows.spectrum(spectrum);
  for (const core::Series& series : record.series)
    if (series.path.starts_with(measures) && series.find("defect_bound") != nullptr)
      rows.measures(series, series.path.substr(measures.size()));
  Certifier certifier(tolerance, std::move(declared));
  rows.give(certifier);
  return certifier.certificate();
}

}  // namespace isorbit::analysis
