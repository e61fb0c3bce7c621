#include "base/id.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace market {
namespace {

struct FixedClock final : Clock {
  Instant now() const override { return at; }
  Instant at = *parse_rfc3339("2026-11-24T01:22:03.004Z");
};

TEST(Id, TextComesBack) {
  for (const std::int64_t value : {std::int64_t{1}, std::int64_t{31}, std::int64_t{1} << 40, INT64_MAX}) {
    EXPECT_EQ(format_id(value).size(), id_length);
    EXPECT_EQ(*parse_id(format_id(value)), value);
  }
  EXPECT_LT(format_id(1'000), format_id(100'000));  // Text sorts as numbers do.
}

TEST(Id, RefusesForeignText) {
  for (const char* text : {"", "0", "0000000000000", "000000000000I", "000000000000l", "ZZZZZZZZZZZZZ",
                           "00000000000001", "../../etc/pas", "G000000000000"})
    EXPECT_FALSE(parse_id(text)) << text;
}

TEST(Id, SaysWhenItWasGiven) {
  const Instant now{Millis(1'750'000'000'123)};
  EXPECT_EQ(time_of_id(first_id_of(now)), now);
  EXPECT_EQ(time_of_id(first_id_of(now) + 4'000'000), now) << "the bits below only count";
}

TEST(IdSource, RisesWithinAMillisecondAndAcrossThreads) {
  const FixedClock clock;
  IdSource source(clock);
  constexpr int per_thread = 20'000;
  std::vector<std::vector<std::int64_t>> given(3);
  std::vector<std::thread> threads;
  for (auto& mine : given)
    threads.emplace_back([&mine, &source] {
      for (int i = 0; i < per_thread; ++i) mine.push_back(source.next());
    });
  for (auto& thread : threads) thread.join();
  std::set<std::int64_t> all;
  for (const auto& mine : given) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 3u * per_thread);
}

}  // namespace
}  // namespace market
