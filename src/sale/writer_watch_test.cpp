#include "sale/writer_watch.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "sale/log_rule.hpp"

namespace market::sale {
namespace {

const Instant start{Millis(1'000'000)};

/// Ticks every 50 ms from `from` on, until it should open or `limit` is over; how long that took.
Millis opens_after(WriterWatch& watch, Instant from, Millis limit) {
  for (Millis passed{0}; passed < limit; passed += Millis(50)) {
    watch.tick(from + passed);
    if (watch.should_open(from + passed)) return passed;
  }
  return limit;
}

TEST(WriterWatch, OpensAfterASilenceAndSoonerForNobody) {
  WriterWatch watch({}, 7);
  const auto after = opens_after(watch, start, Millis(5'000));
  EXPECT_GE(after, Millis(1'200));
  EXPECT_LE(after, Millis(1'500));
}

TEST(WriterWatch, ASignOfLifeIsEnough) {
  WriterWatch watch({}, 7);
  for (Millis passed{0}; passed < Millis(20'000); passed += Millis(100)) {
    watch.tick(start + passed);
    if (passed % Millis(400) == Millis(0)) watch.heard(start + passed);
    ASSERT_FALSE(watch.should_open(start + passed)) << passed.count();
  }
}

TEST(WriterWatch, AnInstanceThatWasPausedListensAgainFirst) {
  WriterWatch watch({}, 7);
  watch.tick(start);
  watch.tick(start + Millis(10'000));  // We were stopped, perhaps the writer was not.
  EXPECT_FALSE(watch.should_open(start + Millis(10'000)));
  EXPECT_GE(opens_after(watch, start + Millis(10'000), Millis(5'000)), Millis(1'200));
}

TEST(WriterWatch, SeveralDoNotOpenAtTheSameMoment) {
  std::set<Millis> moments;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    WriterWatch watch({.tick_late_max = Millis(1'000)}, seed * 7919);
    moments.insert(opens_after(watch, start, Millis(5'000)));
  }
  EXPECT_GE(moments.size(), 3u);
}

TEST(WriterWatch, WhereWritersComeAndGoTheSilenceDoublesAndBecomesShortAgain) {
  WriterWatch watch({}, 7);
  watch.tick(start);
  watch.opened(start);
  EXPECT_EQ(watch.silence_before_open(start), Millis(1'200)) << "one change is as quick as ever";
  for (int i = 0; i < 3; ++i) watch.opened(start);
  EXPECT_EQ(watch.silence_before_open(start), Millis(2'000));
  for (int i = 0; i < 9; ++i) watch.opened(start);
  EXPECT_EQ(watch.silence_before_open(start), Millis(2'000)) << "bounded";
  EXPECT_EQ(watch.silence_before_open(start + Millis(30'001)), Millis(1'200));
}

TEST(WriterWatch, AWriterThatLeftIsNotWaitedFor) {
  WriterWatch watch({}, 7);
  watch.tick(start);
  watch.left();
  EXPECT_TRUE(watch.should_open(start));
  watch.opened(start);
  EXPECT_FALSE(watch.should_open(start)) << "another was quicker";
}

// ---- Several instances on a slow log ----

struct Written {
  wire::Term after = 0, term = 0;  ///< A barrier: `after` is 0.
  Place first = 0;
  Instant shown{};
};

/// A log whose records come to everybody late, in order.
struct SlowLog {
  Millis least, most;
  std::mt19937_64 random;
  std::vector<Written> records;

  Millis way() {
    return Millis(std::uniform_int_distribution<std::int64_t>(least.count(), most.count())(random));
  }
  Instant append(Written record, Instant now) {
    record.shown = now + way();
    if (!records.empty()) record.shown = std::max(record.shown, records.back().shown);
    records.push_back(record);
    return record.shown;
  }
};

/// What the thread of sale/gate.cpp does with its watch: an append and a question keep it.
struct OnSlowLog {
  static constexpr Millis append_time_max{1'000};
  WriterWatch watch;
  SlowLog& log;
  LogRule rule{};
  std::size_t next = 0;
  wire::Term term = 0;  ///< Ours, while we write.
  Instant busy_until{}, own_shown{};
  bool asks = false;
  std::vector<Instant> opened{};
  int barriers = 0;

  void follow(Instant now) {
    for (; next < log.records.size() && log.records[next].shown <= now; ++next) {
      const Written& record = log.records[next];
      wire::Open open;
      open.log = LogId{1, 1, 0};
      open.after = record.after;
      open.nonce = record.term;
      if (record.first == 0 && rule.judge(open)) {
        watch.opened(now);
        opened.push_back(now);
        if (record.term != term) term = 0;
      }
      wire::GroupHead group;
      group.term = record.term;
      group.first = record.first;
      group.count = 1;
      if (record.first == 0 || !rule.judge(group)) continue;
      watch.heard(now);
      ++barriers;
    }
  }
  void append(Written record, Instant now) {
    own_shown = log.append(record, now);
    busy_until = std::min(own_shown, now + append_time_max);
    if (own_shown > busy_until) term = 0;  // The outcome is unknown.
  }
  void step(Instant now) {
    if (now < busy_until) return;
    follow(now);
    if (std::exchange(asks, false)) {  // It has read the log to its end: is there still nothing?
      if (!watch.should_open(now)) return;
      term = log.random() | 1;
      return append({rule.at().term, term, 0, {}}, now);
    }
    watch.tick(now);
    if (term != 0 && rule.at().term == term && watch.owes_sign_of_life(now))
      return append({0, term, rule.at().last + 1, {}}, now);
    if (term != 0 || !watch.should_open(now)) return;
    asks = true;
    busy_until = now + Millis(20);  // Reading may be quick where appending is slow.
  }
};

/// The most terms in any 30 s of five minutes, and how many barriers counted.
std::pair<int, int> terms_and_barriers(WatchSettings settings, Millis least, Millis most, int instances,
                                       std::uint64_t seed) {
  SlowLog log{least, most, std::mt19937_64(seed), {}};
  std::vector<OnSlowLog> all;
  for (int i = 0; i < instances; ++i)
    all.push_back({WriterWatch(settings, seed * 31 + static_cast<std::uint64_t>(i)), log});
  for (Millis passed{0}; passed < Millis(300'000); passed += Millis(10))
    for (std::size_t i = 0; i < all.size(); ++i)
      if ((passed.count() / 10 + static_cast<std::int64_t>(i)) % 5 == 0) all[i].step(start + passed);
  int most_terms = 0;
  const auto& opened = all[0].opened;
  for (const Instant from : opened)
    most_terms =
        std::max(most_terms, static_cast<int>(std::count_if(opened.begin(), opened.end(), [from](Instant at) {
                   return at >= from && at < from + Millis(30'000);
                 })));
  return {most_terms, all[0].barriers};
}

TEST(WriterWatch, OnALogThatIsNearlyTooSlowInstancesDoNotOpenInTurn) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (const auto& [least, most] : {std::pair{200, 200}, {700, 700}, {950, 950}, {100, 990}})
      for (const int instances : {2, 3}) {
        const auto [terms, barriers] = terms_and_barriers({}, Millis(least), Millis(most), instances, seed);
        EXPECT_LE(terms, 2) << least << " to " << most << " ms, " << instances << " instances, seed " << seed;
        EXPECT_GE(barriers, 150) << least << " to " << most << " ms, seed " << seed;
      }
}

TEST(WriterWatch, WithoutALongerSilenceTheyWould) {
  WatchSettings never_longer;
  never_longer.silence_doubled_max = never_longer.silence_max;
  EXPECT_GE(terms_and_barriers(never_longer, Millis(950), Millis(950), 2, 1).first, 6);
}

}  // namespace
}  // namespace market::sale
