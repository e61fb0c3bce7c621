/// ports/sale_gate.hpp: what every sale gate must keep. A new adapter joins with one more candidate below.
#include <gtest/gtest.h>

#include <thread>

#include "sale/sale_gate.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/memory_event_log.hpp"
#include "tests/support/test_records.hpp"

namespace market::contract {
namespace {

struct GateClock final : Clock {
  Instant now() const override { return Instant(Millis(millis.load())); }
  std::atomic<std::int64_t> millis{1'800'000'000'000};
};

/// A gate and what it stands on, which a restart keeps.
class Candidate {
 public:
  virtual ~Candidate() = default;
  virtual SaleGate& gate() = 0;
  virtual void restart() = 0;
  GateClock clock;
};

struct NoSnapshots final : SnapshotStore {
  Result<std::optional<std::string>> load() override { return std::nullopt; }
  Result<> store(const std::string&) override { return {}; }
};

class MemoryCandidate final : public Candidate {
 public:
  MemoryCandidate() { restart(); }
  SaleGate& gate() override { return running_->gate; }
  void restart() override {
    running_.reset();
    running_ = std::make_unique<Running>(*this);
  }

 private:
  struct Running {
    explicit Running(MemoryCandidate& kept)
        : live(keys),
          folder(kept.records_, overlay, *kept.records_.position(),
                 sale::RecordFolder::Settings{
                     .batch_orders_max = 100, .linger = Millis(1), .retry_after = Millis(5)}),
          gate(sale::GateParts{kept.log_, kept.records_, kept.records_, kept.snapshots_, overlay, folder,
                               live, keys, kept.clock},
               settings()) {
      gate.start();
    }
    static sale::GateSettings settings() {
      sale::GateSettings settings;
      settings.forget_after = Millis(0);
      return settings;
    }
    sale::KeyFilter keys;
    sale::OrderOverlay overlay;
    sale::LiveStockTable live;
    sale::RecordFolder folder;
    sale::MemorySaleGate gate;
  };
  MemoryEventLog log_;
  tests::TestRecords records_;
  NoSnapshots snapshots_;
  std::unique_ptr<Running> running_;
};

std::unique_ptr<Candidate> in_memory() {
  return std::make_unique<MemoryCandidate>();
}

class SaleGateContract : public testing::TestWithParam<std::unique_ptr<Candidate> (*)()> {
 protected:
  Result<Submitted> submit(Command command) { return run(candidate_->gate().submit(std::move(command))); }
  Code refusal(Command command) {
    const auto answer = submit(std::move(command));
    return answer ? Code::internal : answer.error().code;
  }
  void list(ProductId product, std::int64_t stock, std::optional<std::int32_t> limit = {}) {
    ProductTerms terms;
    terms.price.amount = 500;
    terms.kind = ProductKind::event;
    terms.sale = Sale{candidate_->clock.now(), candidate_->clock.now() + Millis(100'000'000), limit};
    const auto listed = submit(ListProduct{product, terms, stock});
    ASSERT_TRUE(listed) << listed.error().detail;
    ASSERT_TRUE(listed->stock);
    EXPECT_EQ(listed->stock->remaining, stock);
  }
  PlaceOrder wish(std::int64_t user, std::uint64_t key = 0, std::int32_t quantity = 1) {
    PlaceOrder place;
    place.order = OrderId{++orders_};
    place.user = UserId{user};
    if (key != 0) place.key = RequestKey{mixed_user(user), key * 0x9E3779B97F4A7C15ull};
    place.body_fingerprint = 1;
    place.payment_window = Millis(60'000);
    place.lines.push_back(WantedLine{tickets, quantity});
    return place;
  }
  static std::uint64_t mixed_user(std::int64_t user) {
    return static_cast<std::uint64_t>(user) * 0xD1B54A32D192ED03ull;
  }
  std::int64_t remaining(ProductId product) {
    submit(AdjustStock{product, 1, "look"}).value();
    return submit(AdjustStock{product, -1, "look"})->stock->remaining;
  }

  const ProductId tickets{1}, shirts{2};
  std::int64_t orders_ = 100;
  std::unique_ptr<Candidate> candidate_ = GetParam()();
};

TEST_P(SaleGateContract, AnswersTheSameKeyWithTheSameOrder) {
  list(tickets, 5);
  const auto first = submit(wish(1, 7));
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->replayed);
  const auto again = submit(wish(1, 7));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->order->id, first->order->id);
  EXPECT_EQ(remaining(tickets), 4);
  const auto of_another_user = submit(wish(2, 7));
  ASSERT_TRUE(of_another_user);
  EXPECT_FALSE(of_another_user->replayed);
}

TEST_P(SaleGateContract, RefusesAKeyWithAnotherBody) {
  list(tickets, 5);
  ASSERT_TRUE(submit(wish(1, 7)));
  PlaceOrder other = wish(1, 7);
  other.body_fingerprint = 2;
  EXPECT_EQ(refusal(other), Code::idempotency_mismatch);
  EXPECT_EQ(remaining(tickets), 4);
}

TEST_P(SaleGateContract, ARefusalDoesNotBindItsKey) {
  list(tickets, 0);
  EXPECT_EQ(refusal(wish(1, 7)), Code::sold_out);
  ASSERT_TRUE(submit(AdjustStock{tickets, 1, "more"}));
  const auto bought = submit(wish(1, 7));
  ASSERT_TRUE(bought);
  EXPECT_FALSE(bought->replayed);
}

TEST_P(SaleGateContract, KeepsTheLimitPerBuyer) {
  list(tickets, 9, 2);
  ASSERT_TRUE(submit(wish(1)));
  EXPECT_EQ(refusal(wish(1, 0, 2)), Code::limit_exceeded);
  ASSERT_TRUE(submit(wish(1)));
  EXPECT_EQ(refusal(wish(1)), Code::limit_exceeded);
  EXPECT_TRUE(submit(wish(2, 0, 2)));
}

TEST_P(SaleGateContract, SellsAllItemsOrNone) {
  list(tickets, 5);
  list(shirts, 1);
  PlaceOrder both = wish(1, 7);
  both.lines.push_back(WantedLine{shirts, 2});
  EXPECT_EQ(refusal(both), Code::insufficient_stock);
  EXPECT_EQ(remaining(tickets), 5);
  EXPECT_EQ(remaining(shirts), 1);
  both.lines[1].quantity = 1;
  both.order = OrderId{++orders_};
  const auto bought = submit(both);
  ASSERT_TRUE(bought);
  EXPECT_EQ(bought->order->total.amount, 1'000);
  EXPECT_EQ(remaining(shirts), 0);
}

TEST_P(SaleGateContract, TicketsFollowTheOrderOfAsking) {
  list(tickets, 20);
  for (std::int64_t i = 1; i <= 20; ++i) EXPECT_EQ(submit(wish(i))->order->lines[0].ticket, i);
  EXPECT_EQ(refusal(wish(21)), Code::sold_out);
}

TEST_P(SaleGateContract, ACrowdGetsEveryUnitOnceAndNoMore) {
  list(tickets, 50);
  std::atomic<int> sold{0}, other{0};
  std::vector<std::thread> crowd;
  for (int t = 0; t < 4; ++t)
    crowd.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        PlaceOrder place;
        place.order = OrderId{10'000 * (t + 1) + i};
        place.user = UserId{10'000 * (t + 1) + i};
        place.payment_window = Millis(60'000);
        place.lines.push_back(WantedLine{tickets, 1});
        const auto answer = submit(place);
        if (answer)
          ++sold;
        else if (answer.error().code != Code::sold_out)
          ++other;
      }
    });
  for (auto& thread : crowd) thread.join();
  EXPECT_EQ(sold.load(), 50);
  EXPECT_EQ(other.load(), 0);
}

TEST_P(SaleGateContract, ACancelGivesTheUnitsBackOnce) {
  list(tickets, 2, 2);
  const auto bought = submit(wish(1, 7, 2));
  ASSERT_TRUE(bought);
  EXPECT_EQ(refusal(CancelOrder{bought->order->id, UserId{2}}), Code::order_not_found);
  const auto cancelled = submit(CancelOrder{bought->order->id, UserId{1}});
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->order->state, OrderState::cancelled);
  EXPECT_EQ(refusal(CancelOrder{bought->order->id, UserId{1}}), Code::order_not_cancellable);
  EXPECT_EQ(remaining(tickets), 2);
  EXPECT_EQ(submit(wish(1, 8))->order->lines[0].ticket, 2);  // The limit is free again, the ticket is not.
}

TEST_P(SaleGateContract, AnUnpaidOrderExpiresAndAPaidOneDoesNot) {
  list(tickets, 2);
  const auto unpaid = submit(wish(1)), paid = submit(wish(2));
  ASSERT_TRUE(unpaid && paid);
  ASSERT_TRUE(submit(StartPayment{paid->order->id, UserId{2}, AttemptId{5}}));
  ASSERT_TRUE(submit(SettlePayment{paid->order->id, AttemptId{5}, PaymentOutcome::captured}));
  candidate_->clock.millis += 60'001;
  Result<Submitted> next = fail(Code::sold_out, "");
  for (int i = 0; i < 200 && !next; ++i) {
    next = submit(wish(3));
    if (!next) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_TRUE(next) << next.error().detail;
  EXPECT_EQ(refusal(wish(4)), Code::sold_out);
  EXPECT_EQ(refusal(StartPayment{unpaid->order->id, UserId{1}, AttemptId{6}}), Code::order_not_payable);
  EXPECT_EQ(submit(CancelOrder{paid->order->id, UserId{2}})->order->payment, PaymentState::refunding);
}

TEST_P(SaleGateContract, NothingIsSoldOutsideTheSale) {
  list(tickets, 2);
  candidate_->clock.millis -= 1;
  EXPECT_EQ(refusal(wish(1)), Code::sale_not_open);
  candidate_->clock.millis += 1 + 100'000'000;
  EXPECT_EQ(refusal(wish(1)), Code::sale_closed);
}

TEST_P(SaleGateContract, ARestartKeepsEverything) {
  list(tickets, 5, 1);
  const auto kept = submit(wish(1, 7)), cancelled = submit(wish(2, 7));
  ASSERT_TRUE(kept && cancelled);
  ASSERT_TRUE(submit(CancelOrder{cancelled->order->id, UserId{2}}));
  for (int round = 0; round < 2; ++round) {
    candidate_->restart();
    EXPECT_EQ(remaining(tickets), 4);
    EXPECT_EQ(refusal(wish(1, 9)), Code::limit_exceeded);
    EXPECT_EQ(submit(wish(1, 7))->order->id, kept->order->id);
    const auto replayed = submit(wish(2, 7));
    ASSERT_TRUE(replayed);
    EXPECT_TRUE(replayed->replayed);
    EXPECT_EQ(replayed->order->state, OrderState::cancelled);
  }
  EXPECT_EQ(submit(wish(3))->order->lines[0].ticket, 3);
  ASSERT_TRUE(submit(StartPayment{kept->order->id, UserId{1}, AttemptId{5}}));
}

INSTANTIATE_TEST_SUITE_P(Adapters, SaleGateContract, testing::Values(&in_memory),
                         [](const auto&) { return "memory"; });

}  // namespace
}  // namespace market::contract
