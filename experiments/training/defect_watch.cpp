#include "experiments/training/defect_watch.hpp"

#include <cmath>
#include <sstream>

#include "core/record/journal.hpp"
#include "experiments/training/failure.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;

double number(const Json& row, const char* key) {
  return row.contains(key) && row.at(key).is_number() ? row.at(key).get<double>() : NAN;
}

}  // namespace

DefectWatch::DefectWatch(const Json& training, std::function<void(const std::string&)> note)
    : action_(training.value("on_defect", std::string())),
      note_(std::move(note)),
      certifier_(training.value("defect_tolerance", analysis::kDriftTolerance)) {}

void DefectWatch::row(const Json& row) {
  if (!is_on()) return;
  const auto kind = row.at("t").get<std::string>();
  const auto step = row.contains("step") ? row.at("step").get<std::int64_t>() : 0;
  if (kind == "event") {
    certifier_.event({step, row.at("kind").get<std::string>(), row.at("parameter").get<std::string>(),
                      number(row, "factor"), number(row, "defect"), number(row, "bound"),
                      number(row, "ulp")});
  } else if (kind == "spectrum") {
    certifier_.spectrum(step, row.at("parameter").get<std::string>(),
                        core::unpack_floats(row.at("singular_values")));
  } else if (kind == "measure") {
    constexpr std::string_view measures = "measure/";
    const auto series = row.at("series").get<std::string>();
    const Json& values = row.at("values");
    if (!series.starts_with(measures) || !values.contains("defect_bound")) return;
    certifier_.unmerged(step, series.substr(measures.size()), number(values, "defect"),
                        number(values, "defect_bound"));
  } else {
    return;
  }
  changed_ = true;
}

void DefectWatch::check(std::int64_t step) {
  if (!changed_) return;
  changed_ = false;
  const analysis::Certificate now = certifier_.certificate();
  if (now.verdict != analysis::Verdict::broken) return;
  for (const analysis::WeightCertificate& w : now.weights)
    if (w.verdict == analysis::Verdict::broken) report(w.weight, w.reason, step);
  for (const analysis::RescaleCertificate& r : now.rescales) {
    if (r.verdict != analysis::Verdict::broken) continue;
    std::ostringstream text;
    text << "moved the logits by " << r.defect << " of the largest, more than the tolerance " << r.tolerance;
    report("the rescale at step " + std::to_string(r.step), text.str(), step);
  }
}

void DefectWatch::report(const std::string& what, const std::string& text, std::int64_t step) {
  const std::string said =
      "an invariant is broken at step " + std::to_string(step) + ": " + what + ": " + text;
  if (action_ == "fail") throw BrokenInvariant(said);
  if (noted_.insert(what).second && note_) note_(said);
}

}  // namespace isorbit::experiments
