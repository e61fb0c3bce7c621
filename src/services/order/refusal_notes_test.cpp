#include "services/order/refusal_notes.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace market::order {
namespace {

TEST(RefusalNotes, NoneIsLostWhileSomebodyTakesThem) {
  RefusalNotes notes;
  std::atomic<bool> done{false};
  std::int64_t taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) notes.add(ProductId{1 + n % 3}, Code::sold_out);
    });
  std::thread taker([&] {
    while (!done) {
      for (const auto& each : notes.take()) taken += each.count;
    }
  });
  for (auto& each : threads) each.join();
  done = true;
  taker.join();
  for (const auto& each : notes.take()) taken += each.count;
  EXPECT_EQ(taken, 40'000);
}

TEST(RefusalNotes, AreBounded) {
  RefusalNotes notes;
  for (std::int64_t id = 1; id <= 2 * static_cast<std::int64_t>(RefusalNotes::notes_max); ++id)
    notes.add(ProductId{id}, Code::sold_out);
  notes.add(ProductId{1}, Code::sold_out);
  const auto all = notes.take();
  EXPECT_EQ(all.size(), RefusalNotes::notes_max);
  EXPECT_TRUE(notes.take().empty());
}

TEST(RefusalNotes, StepsGrowWithTheDistanceFromTheOpening) {
  const Instant opens{std::chrono::hours(1'000'000)};
  const auto step = [&](Millis after) { return refusal_step(opens, opens + after) - opens; };
  EXPECT_EQ(step(Millis(1'999)), Millis(1'000));
  EXPECT_EQ(step(Millis(-1)), Millis(-1'000));
  EXPECT_EQ(step(std::chrono::minutes(11) + Millis(7'000)), std::chrono::minutes(11));
  EXPECT_EQ(step(std::chrono::hours(25) + std::chrono::minutes(7)), std::chrono::hours(25));
}

}  // namespace
}  // namespace market::order
