/// ports/sale_gate.hpp: what every sale gate must keep. A new adapter joins with one more candidate below.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/test_gate.hpp"
#include "tests/support/wait.hpp"

namespace market::contract {
namespace {

/// A gate and what it stands on, which a restart keeps.
class Candidate {
 public:
  virtual ~Candidate() = default;
  virtual SaleGate& gate() = 0;
  virtual tests::TestClock& clock() = 0;
  virtual void restart() = 0;
  /// As everybody sees it.
  virtual OrderPtr order(UserId user, std::int64_t id) = 0;
};

class Embedded final : public Candidate {
 public:
  SaleGate& gate() override { return on_.gate(); }
  tests::TestClock& clock() override { return on_.clock; }
  void restart() override { on_.restart(); }
  OrderPtr order(UserId user, std::int64_t id) override { return on_.order(user, id); }

 private:
  tests::TestGate on_;
};

std::unique_ptr<Candidate> embedded() {
  return std::make_unique<Embedded>();
}

class SaleGateContract : public testing::TestWithParam<std::unique_ptr<Candidate> (*)()> {
 protected:
  Result<Submitted> submit(Command command) {
    return tests::run(candidate_->gate().submit(std::move(command)));
  }
  Code refusal(Command command) {
    const auto answer = submit(std::move(command));
    return answer ? Code::internal : answer.error().code;
  }
  ProductId list(std::int64_t stock, std::optional<std::int32_t> limit = {}) {
    const Instant now = candidate_->clock().now();
    ProductTerms terms;
    terms.price.amount = 500;
    terms.kind = ProductKind::event;
    terms.sale = Sale{now, now + Millis(100'000'000), limit};
    const auto listed = submit(ListProduct{terms, {"tickets", {}, {}, {}}, stock});
    EXPECT_TRUE(listed && listed->stock);
    if (!listed || !listed->stock) return {};
    EXPECT_EQ(listed->stock->remaining, stock);
    return listed->product();
  }
  static PlaceOrder wish(ProductId product, std::int64_t user, std::int32_t quantity = 1) {
    PlaceOrder place;
    place.user = UserId{user};
    place.payment_window = Millis(60'000);
    place.lines.push_back(WantedLine{product, quantity});
    return place;
  }
  static Command keyed(PlaceOrder place, std::uint64_t key, std::uint64_t fingerprint = 1) {
    Command command = place;
    command.key = RequestKey{static_cast<std::uint64_t>(place.user.value) * 0xD1B54A32D192ED03ull,
                             key * 0x9E3779B97F4A7C15ull};
    command.fingerprint = fingerprint;
    return command;
  }
  AttemptId start_payment(OrderId order, std::int64_t user) {
    const auto started = submit(StartPayment{order, UserId{user}});
    return started ? std::get<PaymentStarted>(started->event->event.fact).attempt : AttemptId{};
  }
  std::int64_t remaining(ProductId product) {
    return submit(AdjustStock{product, 0, "look"})->stock->remaining;
  }
  static OrderAccepted accepted(const Result<Submitted>& sold) {
    return sold && sold->event ? std::get<OrderAccepted>(sold->event->event.fact) : OrderAccepted{};
  }
  static std::int64_t ticket_of(const Result<Submitted>& sold) {
    const auto lines = accepted(sold).lines;
    return lines.empty() ? -1 : lines[0].ticket;
  }

  std::unique_ptr<Candidate> candidate_ = GetParam()();
};

TEST_P(SaleGateContract, AnswersTheSameKeyWithTheSameOrder) {
  const ProductId tickets = list(5);
  const auto first = submit(keyed(wish(tickets, 1), 7));
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->replayed);
  const auto again = submit(keyed(wish(tickets, 1), 7));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->subject, first->subject);
  EXPECT_EQ(remaining(tickets), 4);
  const auto of_another_user = submit(keyed(wish(tickets, 2), 7));
  ASSERT_TRUE(of_another_user);
  EXPECT_FALSE(of_another_user->replayed);
}

TEST_P(SaleGateContract, RefusesAKeyWithAnotherBody) {
  const ProductId tickets = list(5);
  ASSERT_TRUE(submit(keyed(wish(tickets, 1), 7)));
  EXPECT_EQ(refusal(keyed(wish(tickets, 1), 7, 2)), Code::idempotency_mismatch);
  EXPECT_EQ(remaining(tickets), 4);
}

TEST_P(SaleGateContract, AKeyIsBoundByProductCommandsToo) {
  Command command = ListProduct{ProductTerms{}, {"shirt", {}, {}, {}}, 5};
  command.key = RequestKey{3, 4};
  command.fingerprint = 1;
  const auto first = submit(command), again = submit(command);
  ASSERT_TRUE(first && again);
  EXPECT_FALSE(first->replayed);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->subject, first->subject);
  ASSERT_TRUE(again->stock);
  EXPECT_EQ(again->stock->remaining, 5);
}

TEST_P(SaleGateContract, ARefusalDoesNotBindItsKey) {
  const ProductId tickets = list(0);
  EXPECT_EQ(refusal(keyed(wish(tickets, 1), 7)), Code::sold_out);
  ASSERT_TRUE(submit(AdjustStock{tickets, 1, "more"}));
  const auto bought = submit(keyed(wish(tickets, 1), 7));
  ASSERT_TRUE(bought);
  EXPECT_FALSE(bought->replayed);
}

TEST_P(SaleGateContract, ARefusedCopyHoldsBackTheOthers) {
  const ProductId tickets = list(0);
  Command copy = wish(tickets, 1);
  copy.copy = RequestCopy{RequestKey{5, 6}, 2};
  EXPECT_EQ(refusal(copy), Code::sold_out);
  ASSERT_TRUE(submit(AdjustStock{tickets, 1, "more"}));
  copy.copy.number = 1;
  EXPECT_EQ(refusal(copy), Code::sold_out) << "the buyer was told no";
  EXPECT_TRUE(submit(wish(tickets, 1))) << "a new request of the same buyer";
}

TEST_P(SaleGateContract, AChangeIsBasedOnTheVersionThatIsThere) {
  const ProductId shirts = submit(ListProduct{ProductTerms{}, {"shirt", {}, {}, {}}, 5})->product();
  ProductTerms dearer;
  dearer.price.amount = 9;
  const auto changed = submit(ChangeProduct{shirts, 1, dearer, {"shirt", {}, {}, {}}});
  ASSERT_TRUE(changed && changed->event);
  EXPECT_EQ(std::get<ProductChanged>(changed->event->event.fact).version, 2);
  EXPECT_EQ(refusal(ChangeProduct{shirts, 1, dearer, {}}), Code::precondition_failed);
  EXPECT_TRUE(submit(ChangeProduct{shirts, 2, dearer, {}}));
}

TEST_P(SaleGateContract, KeepsTheLimitPerBuyer) {
  const ProductId tickets = list(9, 2);
  ASSERT_TRUE(submit(wish(tickets, 1)));
  EXPECT_EQ(refusal(wish(tickets, 1, 2)), Code::limit_exceeded);
  ASSERT_TRUE(submit(wish(tickets, 1)));
  EXPECT_EQ(refusal(wish(tickets, 1)), Code::limit_exceeded);
  EXPECT_TRUE(submit(wish(tickets, 2, 2)));
}

TEST_P(SaleGateContract, SellsAllItemsOrNone) {
  const ProductId tickets = list(5), shirts = list(1);
  PlaceOrder both = wish(tickets, 1);
  both.lines.push_back(WantedLine{shirts, 2});
  EXPECT_EQ(refusal(keyed(both, 7)), Code::insufficient_stock);
  EXPECT_EQ(remaining(tickets), 5);
  EXPECT_EQ(remaining(shirts), 1);
  both.lines[1].quantity = 1;
  EXPECT_EQ(accepted(submit(keyed(both, 7))).total.amount, 1'000);
  EXPECT_EQ(remaining(shirts), 0);
}

TEST_P(SaleGateContract, TicketsFollowTheOrderOfAsking) {
  const ProductId tickets = list(20);
  for (std::int64_t i = 1; i <= 20; ++i) EXPECT_EQ(ticket_of(submit(wish(tickets, i))), i);
  EXPECT_EQ(refusal(wish(tickets, 21)), Code::sold_out);
}

TEST_P(SaleGateContract, ACrowdGetsEveryUnitOnceAndNoMore) {
  const ProductId tickets = list(50);
  std::atomic<int> sold{0}, other{0};
  std::vector<std::thread> crowd;
  for (int t = 0; t < 4; ++t)
    crowd.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const auto answer = submit(wish(tickets, 10'000 * (t + 1) + i));
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
  const ProductId tickets = list(2, 2);
  const auto bought = submit(keyed(wish(tickets, 1, 2), 7));
  ASSERT_TRUE(bought);
  EXPECT_EQ(refusal(CancelOrder{bought->order(), UserId{2}}), Code::order_not_found);
  ASSERT_TRUE(submit(CancelOrder{bought->order(), UserId{1}}));
  EXPECT_EQ(candidate_->order(UserId{1}, bought->subject)->state, OrderState::cancelled);
  EXPECT_EQ(refusal(CancelOrder{bought->order(), UserId{1}}), Code::order_not_cancellable);
  EXPECT_EQ(remaining(tickets), 2);
  EXPECT_EQ(ticket_of(submit(keyed(wish(tickets, 1), 8))), 2) << "the limit is free again, the ticket is not";
}

TEST_P(SaleGateContract, AnUnpaidOrderExpiresAndAPaidOneDoesNot) {
  const ProductId tickets = list(2);
  const auto unpaid = submit(wish(tickets, 1)), paid = submit(wish(tickets, 2));
  ASSERT_TRUE(unpaid && paid);
  const AttemptId attempt = start_payment(paid->order(), 2);
  ASSERT_TRUE(submit(SettlePayment{paid->order(), attempt, PaymentOutcome::captured}));
  candidate_->clock().advance(Millis(60'101));
  Result<Submitted> next = fail(Code::sold_out, "");
  tests::wait([&] {
    next = submit(wish(tickets, 3));
    return next.has_value();
  });
  ASSERT_TRUE(next) << next.error().detail;
  EXPECT_EQ(refusal(wish(tickets, 4)), Code::sold_out);
  EXPECT_EQ(refusal(StartPayment{unpaid->order(), UserId{1}}), Code::order_not_payable);
  const auto cancelled = submit(CancelOrder{paid->order(), UserId{2}});
  ASSERT_TRUE(cancelled && cancelled->event);
  EXPECT_EQ(std::get<OrderCancelled>(cancelled->event->event.fact).refund, attempt);
  EXPECT_EQ(candidate_->order(UserId{2}, paid->subject)->payment, PaymentState::refunding);
}

TEST_P(SaleGateContract, NothingIsSoldOutsideTheSale) {
  const ProductId tickets = list(2);
  // A clock that goes back further than it is held (2 s).
  candidate_->clock().advance(Millis(-5'000));
  EXPECT_EQ(refusal(wish(tickets, 1)), Code::sale_not_open);
  candidate_->clock().advance(Millis(5'000 + 100'000'000));
  EXPECT_EQ(refusal(wish(tickets, 1)), Code::sale_closed);
}

TEST_P(SaleGateContract, ARestartKeepsEverything) {
  const ProductId tickets = list(5, 1);
  const auto kept = submit(keyed(wish(tickets, 1), 7)), cancelled = submit(keyed(wish(tickets, 2), 7));
  ASSERT_TRUE(kept && cancelled);
  ASSERT_TRUE(submit(CancelOrder{cancelled->order(), UserId{2}}));
  for (int round = 0; round < 2; ++round) {
    candidate_->restart();
    EXPECT_EQ(remaining(tickets), 4);
    EXPECT_EQ(refusal(keyed(wish(tickets, 1), 9)), Code::limit_exceeded);
    EXPECT_EQ(submit(keyed(wish(tickets, 1), 7))->subject, kept->subject);
    const auto replayed = submit(keyed(wish(tickets, 2), 7));
    ASSERT_TRUE(replayed);
    EXPECT_TRUE(replayed->replayed);
    EXPECT_EQ(candidate_->order(UserId{2}, replayed->subject)->state, OrderState::cancelled);
  }
  EXPECT_EQ(ticket_of(submit(wish(tickets, 3))), 3);
  EXPECT_TRUE(start_payment(kept->order(), 1));
}

INSTANTIATE_TEST_SUITE_P(Adapters, SaleGateContract, testing::Values(&embedded),
                         [](const auto&) { return "embedded"; });

}  // namespace
}  // namespace market::contract
