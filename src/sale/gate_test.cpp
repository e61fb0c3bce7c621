#include "sale/gate.hpp"

#include <gtest/gtest.h>

#include <future>

#include "tests/support/order_of_one.hpp"
#include "tests/support/test_gate.hpp"
#include "tests/support/wait.hpp"

namespace market::sale {
namespace {

using Failure = MemoryLog::Failure;

/// A gate that can be killed and started again on the same log and records.
class GateTest : public testing::Test {
 protected:
  virtual GateSettings settings() const { return tests::TestGate::quick(); }
  void SetUp() override { on = std::make_unique<tests::TestGate>(settings()); }

  Result<Submitted> submit(Command command) { return on->submit(std::move(command)); }
  void list(std::int64_t stock, std::optional<std::int32_t> limit = {}) {
    ProductTerms terms;
    terms.price.amount = 1000;
    terms.kind = ProductKind::event;
    terms.sale = Sale{on->clock.now() - Millis(1), std::nullopt, limit};
    const auto listed = submit(ListProduct{terms, {"shoes", {}, {}, {}}, stock});
    ASSERT_TRUE(listed) << listed.error().detail;
    product = listed->product();
  }
  Command order_of(std::int64_t user, std::uint64_t key, std::uint64_t fingerprint = 1,
                   std::int32_t quantity = 1) {
    Command command = tests::order_of_one(product, user, key);
    std::get<PlaceOrder>(command.body).lines[0].quantity = quantity;
    command.fingerprint = fingerprint;
    return command;
  }
  AttemptId start_payment(OrderId order, UserId user) {
    const auto started = submit(StartPayment{order, user});
    return started ? std::get<PaymentStarted>(started->event->event.fact).attempt : AttemptId{};
  }
  std::int64_t remaining() const { return on->table().find(product)->live->remaining.load(); }
  static std::int64_t ticket_of(const Result<Submitted>& sold) {
    if (!sold || !sold->event) return -1;
    return std::get<OrderAccepted>(sold->event->event.fact).lines[0].ticket;
  }

  ProductId product;
  std::unique_ptr<tests::TestGate> on;
};

TEST_F(GateTest, SellsExactlyWhatIsThere) {
  list(3);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(ticket_of(submit(order_of(i, 0))), i);
  EXPECT_EQ(submit(order_of(4, 0)).error().code, Code::sold_out);
  EXPECT_EQ(remaining(), 0);
}

TEST_F(GateTest, AnswersWithTheEventAndWhatItIsAbout) {
  list(3);
  const auto sold = submit(order_of(1, 5));
  ASSERT_TRUE(sold && sold->event);
  EXPECT_EQ(sold->event->place, on->gate().place());
  EXPECT_EQ(market::order_of(sold->event->event.fact), sold->order());
  EXPECT_FALSE(sold->stock) << "that is of products";
  EXPECT_FALSE(sold->replayed);
}

TEST_F(GateTest, AnswersAnAdjustmentWithTheStockEvenWhenNothingChanges) {
  list(3);
  ASSERT_TRUE(submit(order_of(1, 0)));
  for (const std::int64_t delta : {2, 0}) {
    const auto adjusted = submit(AdjustStock{product, delta, "counted"});
    ASSERT_TRUE(adjusted && adjusted->stock);
    EXPECT_EQ(adjusted->stock->remaining, 4);
    EXPECT_EQ(adjusted->stock->capacity, 5);
    EXPECT_EQ(adjusted->event != nullptr, delta != 0);
  }
}

TEST_F(GateTest, ACrowdOnManyThreadsGetsEachUnitOnce) {
  list(500);
  constexpr int threads = 4, each = 300;
  std::atomic<int> sold{0}, sold_out{0};
  std::vector<std::thread> crowd;
  for (int t = 0; t < threads; ++t)
    crowd.emplace_back([&, t] {
      auto io = tests::contexts().take();
      for (int i = 0; i < each; ++i)
        asio::co_spawn(*io, on->gate().submit(order_of(1000 * t + i + 1, 0)),
                       [&](std::exception_ptr, Result<Submitted> answer) { (answer ? sold : sold_out)++; });
      io->run();
      tests::contexts().give_back(std::move(io));
    });
  for (auto& thread : crowd) thread.join();
  EXPECT_EQ(sold, 500);
  EXPECT_EQ(sold_out, threads * each - 500);
  EXPECT_EQ(remaining(), 0);
}

TEST_F(GateTest, TheSameKeyIsTheSameOrderBeforeAndAfterTheRecordsHaveIt) {
  list(10);
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  const auto again = submit(order_of(1, 5));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->subject, first->subject);
  EXPECT_EQ(submit(order_of(1, 5, 2)).error().code, Code::idempotency_mismatch);

  ASSERT_TRUE(submit(CancelOrder{first->order(), UserId{1}}));  // Nothing is open any more: it is forgotten.
  ASSERT_TRUE(on->wait_until_folded());
  ASSERT_TRUE(submit(order_of(2, 6)));
  ASSERT_TRUE(submit(order_of(3, 7)));
  const auto late = submit(order_of(1, 5));
  ASSERT_TRUE(late);
  EXPECT_TRUE(late->replayed);
  EXPECT_EQ(late->subject, first->subject);
  EXPECT_EQ(on->order(UserId{1}, late->subject)->state, OrderState::cancelled);
  EXPECT_EQ(submit(order_of(1, 5, 2)).error().code, Code::idempotency_mismatch);
  EXPECT_EQ(remaining(), 8);
}

TEST_F(GateTest, AForgottenOrderIsFoundAgainInTheRecords) {
  list(10);
  const auto paid = submit(order_of(1, 5));
  ASSERT_TRUE(paid);
  const AttemptId attempt = start_payment(paid->order(), UserId{1});
  ASSERT_TRUE(submit(SettlePayment{paid->order(), attempt, PaymentOutcome::captured}));
  ASSERT_TRUE(on->wait_until_folded());
  ASSERT_TRUE(submit(order_of(2, 6)));  // The writer forgets after each group.
  ASSERT_TRUE(submit(order_of(2, 7)));
  EXPECT_EQ(submit(CancelOrder{paid->order(), UserId{2}}).error().code, Code::order_not_found);
  const auto cancelled = submit(CancelOrder{paid->order(), UserId{1}});
  ASSERT_TRUE(cancelled && cancelled->event);
  EXPECT_EQ(std::get<OrderCancelled>(cancelled->event->event.fact).refund, attempt);
  EXPECT_EQ(remaining(), 8);
}

TEST_F(GateTest, EverythingSurvivesARestart) {
  list(5, 1);
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  on->restart();
  EXPECT_EQ(remaining(), 4);
  EXPECT_EQ(on->table().find(product)->texts.name, "shoes");
  EXPECT_EQ(submit(order_of(1, 9)).error().code, Code::limit_exceeded);
  const auto replay = submit(order_of(1, 5));
  ASSERT_TRUE(replay);
  EXPECT_EQ(replay->subject, first->subject);
  EXPECT_EQ(ticket_of(submit(order_of(2, 5))), 2);
}

/// A start on records that are a little behind: what the log brings back of closed orders is enough to go on.
TEST_F(GateTest, AnOrderThatMovedAfterTheRecordsIsStillRefundedAfterARestart) {
  list(5);
  const auto placed = submit(order_of(1, 5));
  ASSERT_TRUE(placed);
  const AttemptId attempt = start_payment(placed->order(), UserId{1});
  ASSERT_TRUE(submit(SettlePayment{placed->order(), attempt, PaymentOutcome::captured}));
  ASSERT_TRUE(on->wait_until_folded());
  on->records.fail_next = 1'000'000;
  ASSERT_TRUE(submit(MoveOrder{placed->order(), {}, OrderState::preparing, {}}));
  on->restart();
  const auto cancelled = submit(CancelOrder{placed->order(), UserId{1}});
  ASSERT_TRUE(cancelled && cancelled->event);
  EXPECT_EQ(std::get<OrderCancelled>(cancelled->event->event.fact).refund, attempt);
  on->records.fail_next = 0;
  EXPECT_EQ(remaining(), 5);
}

TEST_F(GateTest, RecordsOfAnotherLogOrAheadOfItAreRefused) {
  list(5);
  ASSERT_TRUE(on->wait_until_folded());
  const LogId log = *on->records.log();
  EXPECT_TRUE(log);
  on->stop();
  ASSERT_TRUE(on->records.set_log(LogId{9, 9, 0}));
  EXPECT_THROW(on->start(), std::runtime_error);
  ASSERT_TRUE(on->records.set_log(log));
  auto ahead = std::make_shared<std::vector<CountedEvent>>();
  ahead->push_back(CountedEvent{*on->records.place() + 1, Event{on->clock.now(), {}, 0, {}, Barrier{}}});
  const std::vector<CountedEvents> groups{ahead};
  ASSERT_TRUE(on->records.fold(*on->records.place(), groups));
  EXPECT_THROW(on->start(), std::runtime_error);
}

TEST_F(GateTest, OpenPaymentsAreFoundAtAStart) {
  list(5);
  const auto pending = submit(order_of(1, 5)), refunding = submit(order_of(2, 5)),
             paid = submit(order_of(3, 5));
  ASSERT_TRUE(pending && refunding && paid);
  const AttemptId open = start_payment(pending->order(), UserId{1});
  const AttemptId owed = start_payment(refunding->order(), UserId{2});
  const AttemptId done = start_payment(paid->order(), UserId{3});
  ASSERT_TRUE(submit(SettlePayment{refunding->order(), owed, PaymentOutcome::captured}));
  ASSERT_TRUE(submit(SettlePayment{paid->order(), done, PaymentOutcome::captured}));
  ASSERT_TRUE(submit(CancelOrder{refunding->order(), UserId{2}}));
  ASSERT_TRUE(on->wait_until_folded());
  on->restart();
  auto found = on->gate().open_payments();
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].order, pending->order());
  EXPECT_EQ(found[0].user, UserId{1});
  EXPECT_EQ(found[0].attempt, open);
  EXPECT_FALSE(found[0].refund);
  EXPECT_EQ(found[1].attempt, owed);
  EXPECT_TRUE(found[1].refund);
  ASSERT_TRUE(submit(SettlePayment{refunding->order(), owed, PaymentOutcome::refunded}));
  on->restart();
  EXPECT_EQ(on->gate().open_payments().size(), 1u);
}

TEST_F(GateTest, AnUnpaidOrderExpiresAndItsUnitIsSoldAgain) {
  list(1);
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  on->clock.advance(Millis(600'101));
  Result<Submitted> next = fail(Code::sold_out, "");
  ASSERT_TRUE(tests::wait([&] {
    next = submit(order_of(2, 6));
    return next.has_value();
  }));
  EXPECT_EQ(on->order(UserId{1}, first->subject)->state, OrderState::expired);
  EXPECT_EQ(on->gate().counters().voided, 1u);
}

TEST_F(GateTest, AnUnknownCommitIsDecidedByTheLog) {
  list(3);
  std::uint64_t key = 4;
  for (const auto failure : {Failure::unknown_stored, Failure::unknown_lost, Failure::taken}) {
    on->log.fail_next(failure);
    const Command command = order_of(1, ++key);
    if (failure == Failure::taken) {
      wire::Open nobody;  // A record that counts for nobody.
      nobody.nonce = 99;
      on->log.let_others_append(wire::encode_open(nobody));
    }
    EXPECT_EQ(submit(command).error().code, Code::unavailable);
    const auto retried = on->submit_until_it_writes(command);
    ASSERT_TRUE(retried) << retried.error().detail;
    EXPECT_EQ(retried->replayed, failure == Failure::unknown_stored);
    EXPECT_TRUE(on->gate().writes());
    EXPECT_FALSE(on->table().recovering());
  }
  EXPECT_EQ(remaining(), 0);
  EXPECT_EQ(on->gate().counters().failed_commits, 3u);
  EXPECT_EQ(tests::run(on->reader().list(UserId{1}, OrderFilter{}))->orders.size(), 3u);
}

TEST_F(GateTest, WhileTheLogCannotBeReadNothingIsSold) {
  list(3);
  on->log.fail_next(Failure::unknown_stored);
  for (int i = 0; i < 3; ++i) on->log.fail_next(Failure::read_fails);
  EXPECT_EQ(submit(order_of(1, 5)).error().code, Code::unavailable);
  const auto meanwhile = submit(order_of(2, 6));
  if (!meanwhile) {
    EXPECT_EQ(meanwhile.error().code, Code::recovering);
  }
  const auto retried = on->submit_until_it_writes(order_of(1, 5));
  ASSERT_TRUE(retried);
  EXPECT_TRUE(retried->replayed);
}

TEST_F(GateTest, AFullDiskSellsNothingAndHealsItself) {
  list(2);
  on->log.fail_next(Failure::disk_full);
  EXPECT_EQ(submit(order_of(1, 5)).error().code, Code::insufficient_storage);
  EXPECT_EQ(remaining(), 2);
  const auto retried = on->submit_until_it_writes(order_of(1, 5));
  ASSERT_TRUE(retried);
  EXPECT_FALSE(retried->replayed);
  EXPECT_EQ(remaining(), 1);
}

TEST_F(GateTest, AStartOnAFullDiskShowsWhatIsThereAndSellsNothing) {
  list(2);
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  for (int i = 0; i < 2; ++i) on->log.fail_next(Failure::disk_full);
  on->restart();
  EXPECT_EQ(remaining(), 1);
  EXPECT_TRUE(on->order(UserId{1}, first->subject));
  const auto refused = submit(order_of(2, 5));
  if (!refused) {
    EXPECT_EQ(refused.error().code, Code::insufficient_storage);
  }
  EXPECT_TRUE(on->submit_until_it_writes(order_of(2, 5)));
}

TEST_F(GateTest, OrdersAreSeenAtOnceWhileTheRecordsAreAway) {
  list(2);
  ASSERT_TRUE(on->wait_until_folded());
  on->records.fail_next = 1'000'000;
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  EXPECT_EQ(on->order(UserId{1}, first->subject)->id, first->order());
  EXPECT_EQ(tests::run(on->reader().list(UserId{1}, OrderFilter{}))->orders.size(), 1u);
  EXPECT_EQ(tests::run(on->reader().find(UserId{2}, first->order())).error().code, Code::order_not_found);
  on->records.fail_next = 0;
  ASSERT_TRUE(on->wait_until_folded());
  EXPECT_EQ(tests::run(on->reader().list(UserId{1}, OrderFilter{}))->orders.size(), 1u);
}

TEST_F(GateTest, AStoppedGateTakesNothing) {
  list(2);
  on->gate().stop();
  EXPECT_EQ(submit(order_of(1, 5)).error().code, Code::overloaded);
}

class GraceAfterARestart : public GateTest {
 protected:
  GateSettings settings() const override {
    auto settings = tests::TestGate::quick();
    settings.restart_grace = Millis(60'000);
    return settings;
  }
};

TEST_F(GraceAfterARestart, GivesAPauseBackToUnpaidOrders) {
  list(2);
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  on->stop();
  on->clock.advance(Millis(590'000));
  on->start();  // The grace is at most 60 s: until 650 s.
  on->clock.advance(Millis(20'000));
  EXPECT_TRUE(start_payment(first->order(), UserId{1})) << "past its pay_by, within the grace";
}

TEST_F(GraceAfterARestart, NoPauseNoGrace) {
  list(2);
  ASSERT_TRUE(submit(order_of(1, 5)));
  const Place before = on->gate().place();
  on->restart();
  EXPECT_EQ(on->gate().place(), before);
}

class Snapshots : public GateTest {
 protected:
  GateSettings settings() const override {
    auto settings = tests::TestGate::quick();
    settings.snapshot_every = 10;
    return settings;
  }
  bool wait_for_snapshot() {
    return tests::wait([this] { return on->gate().snapshots_made() > 0; });
  }
};

TEST_F(Snapshots, ASnapshotAndTheTailAreTheWholeLog) {
  list(100, 2);
  const auto cancelled = submit(order_of(1, 6));
  ASSERT_TRUE(cancelled);
  ASSERT_TRUE(submit(CancelOrder{cancelled->order(), UserId{1}}));
  for (int i = 2; i <= 20; ++i) ASSERT_TRUE(submit(order_of(i, 6)));
  ASSERT_TRUE(wait_for_snapshot());
  ASSERT_TRUE(submit(order_of(30, 7, 1, 2)));
  for (const bool with_snapshot : {true, false}) {
    on->stop();  // Else another snapshot may be under way.
    if (!with_snapshot) on->snapshots.bytes.reset();
    on->restart();
    EXPECT_EQ(remaining(), 79) << with_snapshot;
    EXPECT_TRUE(submit(order_of(1, 6))->replayed);
    EXPECT_EQ(submit(order_of(30, 8, 1, 1)).error().code, Code::limit_exceeded);
    EXPECT_EQ(submit(order_of(2, 8, 1, 2)).error().code, Code::limit_exceeded);
  }
  EXPECT_EQ(ticket_of(submit(order_of(40, 9))), 22);
}

TEST_F(Snapshots, OneThatDoesNotFitTheLogIsNotUsed) {
  list(100);
  for (int i = 2; i <= 20; ++i) ASSERT_TRUE(submit(order_of(i, 6)));
  ASSERT_TRUE(wait_for_snapshot());
  on->stop();
  on->stop();
  const std::string whole = *on->snapshots.bytes;
  auto foreign = settings();
  foreign.new_log = LogId{47, 11, 0};
  tests::TestGate other(foreign);
  other.snapshots.bytes = whole;
  other.restart();  // Its own log is another, and shorter.
  EXPECT_EQ(other.table().find(product), nullptr);
  on->snapshots.bytes = whole.substr(0, whole.size() / 2);
  on->start();
  EXPECT_EQ(remaining(), 81);
}

}  // namespace
}  // namespace market::sale
