/// While the log hangs or cannot be written: everybody is answered, nobody is told what is not known, and
/// what was decided once is not decided again.
#include <gtest/gtest.h>

#include <future>

#include "tests/support/said_lines.hpp"
#include "tests/support/selling_gate.hpp"
#include "tests/support/wait.hpp"

namespace market::sale {
namespace {

using tests::wait;
using Failure = MemoryLog::Failure;

/// Notes what it is told, in order.
struct Noting final : LogFollower {
  void follow(const CountedEvents& events) override {
    const std::scoped_lock lock(mutex);
    for (const CountedEvent& counted : *events) places.push_back(counted.place);
  }
  std::vector<Place> seen() {
    const std::scoped_lock lock(mutex);
    return places;
  }
  std::mutex mutex;
  std::vector<Place> places;
};

class GateWatch : public tests::SellingGate {
 protected:
  static GateSettings impatient() {
    auto settings = tests::TestGate::quick();
    settings.answer_time_max = Millis(1'000);  // Of a clock that the test moves.
    return settings;
  }
  std::future<Result<Submitted>> asks(std::int64_t user) {
    return std::async(std::launch::async, [this, user] { return on->submit(order_of(user)); });
  }
};

TEST_F(GateWatch, WhoeverWaitsForADiskThatHangsIsAnswered) {
  make(impatient());
  EXPECT_EQ(on->gate().unable_for(), Millis(0));
  on->log.hang();
  auto in_flight = asks(1);
  ASSERT_TRUE(wait([&] { return on->gate().waiting() == 1; }));
  ASSERT_TRUE(wait([&] { return on->log.holds_an_append(); }));
  auto behind = asks(2);
  ASSERT_TRUE(wait([&] { return on->gate().waiting() == 2; }));
  EXPECT_TRUE(tests::stays_away([&] { return on->gate().waiting() != 2; })) << "not yet: it may only be slow";
  on->clock.advance(Millis(1'000));
  EXPECT_EQ(in_flight.get().error().code, Code::unavailable) << "it may be written yet";
  EXPECT_EQ(behind.get().error().code, Code::recovering) << "it certainly did not happen";
  EXPECT_EQ(on->submit(order_of(3)).error().code, Code::recovering) << "at once";
  EXPECT_GE(on->gate().unable_for(), Millis(1'000));
  on->log.go_on();
  const auto again = on->submit_until_it_writes(order_of(1));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_TRUE(again->replayed) << "the append succeeded in the end";
  EXPECT_TRUE(on->submit_until_it_writes(order_of(2)));
  EXPECT_EQ(remaining(), 98);
  EXPECT_EQ(on->gate().unable_for(), Millis(0));
}

TEST_F(GateWatch, AnAppendThatHangsAndFailsInTheEndSellsNothing) {
  make(impatient());
  on->log.hang();
  auto in_flight = asks(1);
  ASSERT_TRUE(wait([&] { return on->gate().waiting() == 1; }));
  ASSERT_TRUE(wait([&] { return on->log.holds_an_append(); }));
  on->clock.advance(Millis(1'000));
  EXPECT_EQ(in_flight.get().error().code, Code::unavailable);
  on->log.fail_next(Failure::unknown_lost);
  on->log.go_on();
  const auto again = on->submit_until_it_writes(order_of(1));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_FALSE(again->replayed);
  EXPECT_EQ(remaining(), 99);
}

TEST_F(GateWatch, WhoWasAnsweredOnceGetsTheSameWhileTheDiskIsFull) {
  make(tests::TestGate::quick());
  const auto sold = on->submit(order_of(1));
  ASSERT_TRUE(sold);
  ASSERT_TRUE(on->wait_until_folded());
  const auto cancelled = on->submit(order_of(2));
  ASSERT_TRUE(cancelled);
  ASSERT_TRUE(on->submit(CancelOrder{cancelled->order(), UserId{2}}));
  ASSERT_TRUE(on->wait_until_folded());
  ASSERT_TRUE(on->submit(order_of(3)));  // The writer forgets what the records have.
  for (int i = 0; i < 1'000; ++i) on->log.fail_next(Failure::disk_full);
  EXPECT_EQ(on->submit(order_of(4)).error().code, Code::insufficient_storage);
  for (const auto& [user, before] : {std::pair(1, sold), std::pair(2, cancelled)}) {
    const auto again = on->submit(order_of(user));
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->subject, before->subject);
  }
  Command other = order_of(1);
  other.fingerprint = 2;
  EXPECT_EQ(on->submit(other).error().code, Code::idempotency_mismatch);
  EXPECT_EQ(on->submit(order_of(4)).error().code, Code::insufficient_storage);
  on->clock.advance(Millis(700));
  EXPECT_GE(on->gate().unable_for(), Millis(700));
  EXPECT_EQ(remaining(), 98);
}

TEST_F(GateWatch, TheWriterSleepsWhileWhatIsDueCannotBeWritten) {
  auto settings = tests::TestGate::quick();
  settings.reopen_after = Millis(10'000);
  make(settings);
  ASSERT_TRUE(on->submit(order_of(1)));
  on->log.fail_next(Failure::disk_full);
  on->clock.advance(Millis(601'000));
  ASSERT_TRUE(wait([&] { return !on->gate().writes(); }));
  const int before = on->clock.looks();
  EXPECT_TRUE(tests::stays_away([&] { return on->clock.looks() > before + 50; }, Millis(300)));
}

TEST_F(GateWatch, NewOrdersAreRefusedWhenTheRecordsAreTooFarBehind) {
  auto settings = tests::TestGate::quick();
  settings.fold_lag_max = 3;
  make(settings);
  ASSERT_TRUE(on->wait_until_folded());
  on->records.fail_next = 1'000'000;
  Result<Submitted> last = fail(Code::internal, "");
  std::vector<Result<Submitted>> sold;
  for (int user = 1; user <= 5; ++user) {
    last = on->submit(order_of(user));
    if (!last) break;
    sold.push_back(last);
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Code::overloaded);
  EXPECT_EQ(sold.size(), 4u);
  EXPECT_TRUE(on->submit(CancelOrder{sold[0]->order(), UserId{1}})) << "what makes no order goes on";
  on->records.fail_next = 0;
  ASSERT_TRUE(on->wait_until_folded());
  EXPECT_TRUE(on->submit(order_of(5)));
}

TEST_F(GateWatch, APauseOfTheDiskIsGivenBackToWhoeverCouldNotPay) {
  auto settings = tests::TestGate::quick();
  settings.restart_grace = Millis(60'000);
  make(settings);
  const auto sold = on->submit(tests::order_of_one(product, 1, 5, Millis(20'000)));
  ASSERT_TRUE(sold);
  for (int pause = 0; pause < 2; ++pause) {  // Not the first one alone.
    on->log.fail_next(Failure::disk_full);
    ASSERT_FALSE(on->submit(order_of(2 + pause)));
    on->clock.advance(Millis(30'000));
    ASSERT_TRUE(on->submit_until_it_writes(order_of(2 + pause)));
  }
  const auto paying = on->submit(StartPayment{sold->order(), UserId{1}});
  EXPECT_TRUE(paying) << paying.error().detail;
}

TEST_F(GateWatch, ACrowdLargerThanAGroupIsDecidedInSeveral) {
  auto settings = tests::TestGate::quick();
  settings.sequencer.group_events_max = 3;
  make(settings);
  const auto before = on->gate().counters().commits.load();
  on->log.hang();
  std::vector<std::future<Result<Submitted>>> crowd;
  for (int user = 1; user <= 10; ++user) crowd.push_back(asks(user));
  ASSERT_TRUE(wait([&] { return on->gate().waiting() == 10; }));
  on->log.go_on();
  for (auto& each : crowd) EXPECT_TRUE(each.get());
  EXPECT_EQ(remaining(), 90);
  EXPECT_GE(on->gate().counters().commits.load() - before, 4u);
}

TEST_F(GateWatch, WhoFollowsTheLogKnowsItBeforeTheBuyer) {
  make(tests::TestGate::quick());
  Noting noting;
  on->followers.push_back(&noting);
  on->restart();
  for (int user = 1; user <= 3; ++user) {
    const auto sold = on->submit(order_of(user));
    ASSERT_TRUE(sold && sold->event);
    ASSERT_FALSE(noting.seen().empty());
    EXPECT_EQ(noting.seen().back(), sold->event->place);
  }
  EXPECT_EQ(noting.seen().size(), 3u);
  on->stop();
}

/// The copy belongs to a state that was taken back: it must not become the newest snapshot.
TEST_F(GateWatch, ALogThatStaysAwayIsSaidOnceNotAtEachTry) {
  const tests::SaidLines said;
  make();
  on->log.fail_next(Failure::unknown_lost);
  for (int i = 0; i < 5; ++i) on->log.fail_next(Failure::read_fails);
  EXPECT_FALSE(on->submit(order_of(1)));
  EXPECT_TRUE(on->submit_until_it_writes(order_of(1)));
  on.reset();
  EXPECT_EQ(said.with("a commit failed"), 1);
  EXPECT_EQ(said.with("the event log cannot be read yet: the log cannot be read"), 1);
}

TEST_F(GateWatch, ASnapshotThatWasBegunBeforeAFailedCommitIsDropped) {
  auto settings = tests::TestGate::quick();
  settings.snapshot_every = 5;
  settings.snapshot_slice = std::chrono::microseconds(0);
  make(settings);
  for (int user = 1; user <= 10; ++user) ASSERT_TRUE(on->submit(order_of(user)));
  on->log.fail_next(Failure::unknown_lost);
  EXPECT_EQ(on->submit(order_of(11)).error().code, Code::unavailable);
  ASSERT_TRUE(on->submit_until_it_writes(order_of(11)));
  EXPECT_EQ(remaining(), 89);
  on->restart();
  EXPECT_EQ(remaining(), 89);
  EXPECT_TRUE(on->submit(order_of(11))->replayed);
}

}  // namespace
}  // namespace market::sale
