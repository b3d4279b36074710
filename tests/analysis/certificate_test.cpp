#include "analysis/certificate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace isorbit::analysis {
namespace {

using core::RunRecord;

/// A record of one weight with two singular values, written row by row.
class Record {
 public:
  Record& spectrum(std::int64_t step, float first, float second, const std::string& weight = "w") {
    auto at = std::ranges::find_if(record_.spectra, [&](const auto& s) { return s.parameter == weight; });
    if (at == record_.spectra.end()) at = record_.spectra.insert(at, {weight, {}, 2, {}, {2, 2}, ""});
    at->steps.push_back(step);
    at->values.insert(at->values.end(), {first, second});
    return *this;
  }
  Record& event(std::int64_t step, const std::string& kind, double factor, double defect, double bound,
                const std::string& weight = "w") {
    core::Series& s = series("event");
    add<std::int64_t>(s, "step", step);
    add<std::string>(s, "kind", kind);
    add<std::string>(s, "parameter", weight);
    add(s, "factor", factor);
    add(s, "defect", defect);
    add(s, "bound", bound);
    return *this;
  }
  Record& merge(std::int64_t step, double defect, double bound) {
    return event(step, "merge", NAN, defect, bound);
  }
  Record& unmerged(std::int64_t step, double defect, double bound) {
    core::Series& s = series("measure/w");
    add<std::int64_t>(s, "step", step);
    add(s, "defect", defect);
    add(s, "defect_bound", bound);
    return *this;
  }
  Record& ulp(double value) {
    add(series("event"), "ulp", value);
    return *this;
  }
  Record& version(std::int64_t schema_version) {
    record_.schema_version = schema_version;
    return *this;
  }
  /// Where the coordinates of w are.
  Record& place(std::int64_t step, double left, double right) {
    core::Series& s = series("measure/w");
    add<std::int64_t>(s, "step", step);
    add(s, "defect", 0.0);
    add(s, "defect_bound", 1e-6);
    add(s, "probe_left", left);
    add(s, "probe_right", right);
    return *this;
  }
  [[nodiscard]] Certificate certificate(double tolerance = kDriftTolerance,
                                        std::optional<Declared> declared = {}) const {
    return certify(record_, tolerance, std::move(declared));
  }

 private:
  core::Series& series(const std::string& path) { return record_.series_at(path); }
  template <class T>
  void add(core::Series& s, const std::string& name, T value) {
    for (core::Column& c : s.columns)
      if (c.name == name) return std::get<std::vector<T>>(c.values).push_back(value);
    s.columns.push_back({name, std::vector<T>{value}, "", ""});
  }
  RunRecord record_;
};

/// 3000 merges whose every eigenvalue pair +-0.1 i of Q is truncated after k terms.
Record merged(int terms) {
  const double modulus = terms == 3 ? 1 - 1e-4 : std::hypot(1.0, 1e-5);
  const double defect = std::abs(modulus - 1);
  Record record;
  record.spectrum(0, 2, 1).unmerged(0, 0, 4e-6);
  double s = 2;
  for (int i = 1; i <= 3000; ++i) {
    s *= modulus;
    record.merge(i, defect, 1.01 * defect + 4e-6);
    if (i % 1000 == 0) record.spectrum(i, static_cast<float>(s), static_cast<float>(s / 2));
  }
  return record;
}

TEST(Certificate, CondemnsOddTruncationWhoseMergesAreEachWithinTheirBound) {
  const Certificate odd = merged(3).certificate(), even = merged(4).certificate();
  ASSERT_EQ(odd.weights.size(), 1U);
  EXPECT_EQ(odd.verdict, Verdict::broken);
  EXPECT_LE(odd.weights[0].defect, odd.weights[0].bound);
  EXPECT_NEAR(odd.weights[0].drift, 1 - 0.741, 1e-3);
  EXPECT_EQ(odd.weights[0].drift_step, 3000);
  EXPECT_NE(odd.weights[0].reason.find("drifted by 0.259"), std::string::npos) << odd.weights[0].reason;
  EXPECT_NE(odd.weights[0].reason.find("3000 merges, each within its bound"), std::string::npos);
  EXPECT_EQ(even.verdict, Verdict::kept);
  EXPECT_LT(even.weights[0].drift, 1e-6);
  EXPECT_EQ(even.weights[0].merges, 3000U);
  EXPECT_EQ(even.weights[0].bound_before, 4e-6);
}

TEST(Certificate, NamesTheMoveThatPassedItsBound) {
  Record record;
  record.spectrum(0, 2, 1)
      .unmerged(0, 0, 1e-6)
      .merge(10, 1e-5, 2e-5)
      .merge(20, 3e-5, 1e-5)
      .merge(30, 9e-5, 1e-4);
  const Certificate c = record.spectrum(30, 2, 1).certificate();
  EXPECT_EQ(c.verdict, Verdict::broken);
  EXPECT_EQ(c.weights[0].defect_step, 20);
  EXPECT_NE(c.weights[0].reason.find("the move at step 20 was 3e-05"), std::string::npos)
      << c.weights[0].reason;
}

TEST(Certificate, ADriftThatIsNoNumberIsBroken) {
  Record record;
  record.unmerged(0, 0, 1e-6).spectrum(0, 2, 1).spectrum(5, NAN, NAN);
  EXPECT_EQ(record.certificate().verdict, Verdict::broken);
  Record defect;
  defect.spectrum(0, 2, 1).merge(1, NAN, 1e-6).merge(2, 1e-7, 1e-6).spectrum(5, 2, 1);
  EXPECT_EQ(defect.certificate().verdict, Verdict::broken);
}

TEST(Certificate, OneSnapshotProvesNothing) {
  Record record;
  record.spectrum(0, 2, 1).unmerged(0, 0, 1e-6);
  const Certificate c = record.certificate();
  EXPECT_EQ(c.verdict, Verdict::not_measured);
  EXPECT_NE(c.weights[0].reason.find("1 times"), std::string::npos);
}

TEST(Certificate, FollowsAWeightThroughRescales) {
  Record record;
  record.unmerged(0, 0, 1e-6).spectrum(0, 2, 1).event(5, "rescale", 2, 1e-7, 1e-5).spectrum(6, 4, 2);
  record.event(8, "rescale", 0.25, 1e-7, 1e-5).spectrum(10, 1, 0.5);
  EXPECT_EQ(record.certificate().verdict, Verdict::kept);
  EXPECT_EQ(record.certificate().weights[0].drift, 0);
  // Several factors in one weight: its spectrum is another from there on, and is kept from there on.
  record.event(12, "rescale", NAN, 1e-7, 1e-5).spectrum(13, 3, 0.1f).spectrum(14, 3, 0.1f);
  EXPECT_EQ(record.certificate().verdict, Verdict::kept);
  record.spectrum(16, 3, 0.4f);
  const Certificate c = record.certificate();
  EXPECT_EQ(c.verdict, Verdict::broken);
  EXPECT_NEAR(c.weights[0].drift, 0.1, 1e-6);
}

TEST(Certificate, ASpectrumIsTakenBeforeTheEventsOfItsStepButForStepZeroAndInRecordsOfVersionOne) {
  Record record;
  record.unmerged(0, 0, 1e-6).event(0, "rescale", 3, 1e-7, 1e-5).spectrum(0, 6, 3);
  record.event(5, "rescale", 2, 1e-7, 1e-5).spectrum(5, 6, 3).spectrum(10, 12, 6);
  EXPECT_EQ(record.certificate().weights[0].drift, 0);
  EXPECT_NEAR(record.version(1).certificate().weights[0].drift, 0.5, 1e-6);
  Record old;
  old.unmerged(0, 0, 1e-6).spectrum(0, 6, 3).event(5, "rescale", 2, 1e-7, 1e-5).spectrum(5, 12, 6);
  EXPECT_EQ(old.version(1).certificate().weights[0].drift, 0);
  EXPECT_NEAR(old.version(2).certificate().weights[0].drift, 1, 1e-6);
}

TEST(Certificate, ARescaleKeepsTheLogitsWithinItsTolerance) {
  Record record;
  record.event(0, "rescale", 1.5, 2e-7, 1e-5, "q").event(0, "rescale", 1 / 1.5, 2e-7, 1e-5, "k");
  record.event(100, "rescale", 1.5, 3e-4, 1e-5, "q").event(100, "rescale_skipped", NAN, NAN, NAN, "v");
  const Certificate c = record.certificate();
  ASSERT_EQ(c.rescales.size(), 2U);
  EXPECT_EQ(c.rescales[0].weights, 2U);
  EXPECT_EQ(c.rescales[0].verdict, Verdict::kept);
  EXPECT_TRUE(std::isnan(c.rescales[0].ulp)) << "this record has none";
  EXPECT_EQ(c.rescales[1].verdict, Verdict::broken);
  EXPECT_EQ(c.verdict, Verdict::broken);
  Record with;
  with.event(0, "rescale", 1.5, 2e-7, 1e-5).ulp(3);
  EXPECT_EQ(with.certificate().rescales[0].ulp, 3);
}

TEST(Certificate, OfFreeWeightsNothingIsClaimed) {
  Record record;
  record.spectrum(0, 2, 1, "a").spectrum(9, 7, 3, "a").spectrum(0, 2, 1, "b").spectrum(9, 7, 3, "b");
  record.event(9, "merge", NAN, 0.5, NAN, "a");  // a merge that states no bound
  const Certificate c = record.certificate();
  EXPECT_EQ(c.verdict, Verdict::none);
  EXPECT_EQ(c.free_weights, 2U);
  EXPECT_TRUE(c.weights.empty());
}

TEST(Certificate, AWeightOfZerosIsDeadAndNotKept) {
  Record record;
  record.spectrum(0, 0, 0).unmerged(0, 0, 1e-6).merge(5, 0, 1e-6).spectrum(9, 0, 0);
  const Certificate c = record.certificate();
  EXPECT_EQ(c.verdict, Verdict::dead);
  EXPECT_EQ(c.weights.at(0).reason, "its singular values are 0 in all 2 snapshots");
  EXPECT_STREQ(name_of(c.verdict), "dead: never moved");
}

TEST(Certificate, AWeightWhoseCoordinatesStayIsDeadAndOneWhoseGoIsKept) {
  Record stays, goes;
  stays.spectrum(0, 2, 1).place(0, 1, 1).spectrum(9, 2, 1).place(9, 1, 1);
  goes.spectrum(0, 2, 1).place(0, 1, 1).spectrum(9, 2, 1).place(9, 0.75, 1);
  EXPECT_EQ(stays.certificate().verdict, Verdict::dead);
  EXPECT_EQ(goes.certificate().verdict, Verdict::kept);
  EXPECT_EQ(stays.certificate(kDriftTolerance, Declared{{}, {"other"}}).verdict, Verdict::kept)
      << "its method does not train it";
}

TEST(Certificate, AFreeWeightThatIsTrainedAndKeepsEveryBitIsDead) {
  Record record;
  record.spectrum(0, 2, 1, "a").spectrum(9, 2, 1, "a").spectrum(0, 2, 1, "b").spectrum(9, 2, 0.5, "b");
  EXPECT_EQ(record.certificate().verdict, Verdict::none) << "nobody said that it is trained";
  const Certificate c = record.certificate(kDriftTolerance, Declared{{}, {"a", "b"}});
  EXPECT_EQ(c.verdict, Verdict::dead);
  ASSERT_EQ(c.weights.size(), 1U);
  EXPECT_EQ(c.weights[0].weight, "a");
  EXPECT_EQ(c.free_weights, 1U);
  Record once;
  once.spectrum(0, 2, 1, "a");
  EXPECT_EQ(once.certificate(kDriftTolerance, Declared{{}, {"a"}}).verdict, Verdict::none)
      << "one snapshot tells of no move";
}

TEST(Certificate, AnEventThatIsDeclaredAndNeverHappenedIsNotKept) {
  Record record;
  record.spectrum(0, 2, 1).place(0, 1, 1).spectrum(9, 2, 1).place(9, 0.75, 1);
  record.event(5, "rescale_skipped", NAN, NAN, NAN, "q");
  const Certificate c = record.certificate(kDriftTolerance, Declared{{"merge", "rescale"}, {"w"}});
  EXPECT_EQ(c.verdict, Verdict::idle);
  EXPECT_STREQ(name_of(c.verdict), "nothing happened");
  EXPECT_EQ(c.never, (std::vector<std::string>{"merge", "rescale"}));
  EXPECT_EQ(c.weights.at(0).verdict, Verdict::kept);
  record.merge(6, 0, 1e-6).event(7, "rescale_rates", 2, NAN, NAN, "q");
  EXPECT_TRUE(record.certificate(kDriftTolerance, Declared{{"merge", "rescale"}, {"w"}}).never.empty());
}

}  // namespace
}  // namespace isorbit::analysis
