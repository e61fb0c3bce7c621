/// Several gates on one log that is damaged, silent or behind: none of them sells on what it does not know.
#include <gtest/gtest.h>

#include <future>

#include "tests/support/damaged_group.hpp"
#include "tests/support/two_gates.hpp"

namespace market::sale {
namespace {

using tests::GateInstance;

class SharedFaults : public tests::TwoGates {
 protected:
  SharedFaults() { second_may_write = false; }
  std::string damaged() const {
    LogRule rule;
    for (const auto& record : memory.from(1)) EXPECT_TRUE(judge_record(rule, record));
    return tests::damaged_group(rule.at().term, rule.at().last + 1);
  }
  static bool judge_record(LogRule& rule, std::string_view record) {
    const auto decoded = wire::decode_record(record);
    if (!decoded) return false;
    if (const auto* open = std::get_if<wire::Open>(&*decoded)) return rule.judge(*open);
    return rule.judge(std::get<wire::Group>(*decoded).head);
  }
  /// The fewer are left, the later it was.
  StockLine line(std::int64_t left) const {
    return StockLine{product, a->gate().place() + 1'000 - left, left, 100, {}, {}};
  }
  void expect_nobody_sells() {
    ASSERT_TRUE(wait([&] { return !a->gate().writes() && a->running->table.recovering(); }));
    const auto longer_than_a_silence = Millis(400);
    EXPECT_TRUE(
        tests::stays_away([&] { return a->gate().writes() || b->gate().writes(); }, longer_than_a_silence));
    for (GateInstance* each : {a.get(), b.get()})
      EXPECT_EQ(each->submit(order_of(9)).error().code, Code::recovering);
  }
};

TEST_F(SharedFaults, NothingIsSoldBehindAGroupThatCannotBeRead) {
  a->door.shut();  // Or its next sign of life takes the place.
  memory.append(damaged());
  a->door.open();
  expect_nobody_sells();
}

TEST_F(SharedFaults, NorBehindOneThatLiesBeforeItsOwn) {
  a->door.before_append([this] { memory.append(damaged()); });
  const auto sold = a->submit(order_of(1));
  ASSERT_FALSE(sold);
  EXPECT_TRUE(sold.error().code == Code::unavailable || sold.error().code == Code::recovering);
  expect_nobody_sells();
}

TEST_F(SharedFaults, WhoMustKnowWhatIsNewWaitsForIt) {
  for (int user = 1; user <= 5; ++user) {
    ASSERT_TRUE(a->submit(order_of(user)));
    ASSERT_TRUE(b->gate().follow_to_now(Millis(5'000)));
    EXPECT_EQ(b->remaining(product), 100 - user);
  }
  b->door.shut();
  EXPECT_EQ(b->gate().follow_to_now(Millis(5'000)).error().code, Code::unavailable) << "it cannot be asked";
  // While its thread is at the log, it is behind what others have written there.
  std::optional<Code> behind;
  a->door.before_append([&] {
    memory.append("foreign bytes");
    const auto followed = a->gate().follow_to_now(Millis(30));
    behind = followed ? Code::internal : followed.error().code;
  });
  EXPECT_TRUE(a->submit(order_of(6)));
  EXPECT_EQ(behind, Code::unavailable);
}

TEST_F(SharedFaults, KnowsForHowLongTheLogWasSilent) {
  b->door.shut();
  EXPECT_TRUE(wait([&] { return b->gate().silent_for() > Millis(300); }));
  b->door.open();
  EXPECT_TRUE(wait([&] { return b->gate().silent_for() < Millis(200); })) << "the writer gives signs of life";
}

/// Kafka is away: an append fails after its time, and what was sent then goes on waiting.
TEST_F(SharedFaults, WhileTheLogIsSilentNobodyWaitsWhoWasNotDecided) {
  std::promise<void> ends;
  a->door.before_append([&] { ends.get_future().wait(); });
  auto in_flight = std::async(std::launch::async, [this] { return a->submit(order_of(1)); });
  ASSERT_TRUE(wait([&] { return a->gate().waiting() == 1; }));
  const auto taken_by_the_writer = Millis(50);
  std::this_thread::sleep_for(taken_by_the_writer);
  auto behind_it = std::async(std::launch::async, [this] { return a->submit(order_of(2)); });
  ASSERT_TRUE(wait([&] { return a->gate().waiting() == 2; }));

  for (GateInstance* each : {a.get(), b.get()}) each->door.fall_silent();
  ASSERT_EQ(behind_it.wait_for(std::chrono::seconds(2)), std::future_status::ready);
  EXPECT_EQ(behind_it.get().error().code, Code::recovering);
  for (GateInstance* each : {a.get(), b.get()})
    EXPECT_EQ(each->submit(order_of(3)).error().code, Code::recovering);
  EXPECT_EQ(b->gate().follow_to_now(Millis(5'000)).error().code, Code::unavailable) << "nor for what is new";
  EXPECT_EQ(in_flight.wait_for(Millis(0)), std::future_status::timeout) << "of it nobody can say that";

  for (GateInstance* each : {a.get(), b.get()}) each->door.fall_silent(false);
  ends.set_value();
  EXPECT_TRUE(in_flight.get());
  EXPECT_TRUE(wait([&] { return a->submit(order_of(3)).has_value(); }));
}

TEST_F(SharedFaults, AWriterShowsItsOwnStockWhateverOthersHaveShown) {
  a->gate().show_ahead({line(3)});
  EXPECT_TRUE(tests::stays_away([&] { return a->remaining(product) != 100; }));
}

TEST_F(SharedFaults, OfVeryMuchThatIsAheadTheNewestIsShown) {
  b->door.shut();
  for (const std::int64_t left : {60, 50, 40})
    b->gate().show_ahead(std::vector<StockLine>(10'001, line(left)));
  EXPECT_TRUE(wait([&] { return b->remaining(product) == 40; }));
}

}  // namespace
}  // namespace market::sale
