/// Several requests to pay one order, at the same time or after one another.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "services/order/pay_order.hpp"
#include "tests/support/board_gate.hpp"
#include "tests/support/scripted_provider.hpp"

namespace market::order {
namespace {

constexpr UserId alice{1};

/// Tells the test that somebody reads an order.
struct ToldReader final : OrderReader {
  explicit ToldReader(OrderReader& behind) : reader(behind) {}
  Task<OrderPtr> find(UserId user, OrderId id) override {
    if (before_find) before_find(++finds);
    return reader.find(user, id);
  }
  Task<FoundPage> list(UserId user, OrderFilter filter) override { return reader.list(user, filter); }
  OrderReader& reader;
  std::function<void(int)> before_find;
  int finds = 0;
};

class PayAgain : public testing::Test {
 protected:
  PayAgain() {
    ProductTerms terms;
    terms.price.amount = 500;
    shoes_ = gate_.decided(Command(ListProduct{terms, ProductTexts{}, 9}))->product();
    order_ = buy();
  }
  OrderId buy() {
    PlaceOrder wanted{alice, Millis(60'000), {}};
    wanted.lines.push_back(WantedLine{shoes_, 1});
    return gate_.decided(Command(std::move(wanted)))->order();
  }
  struct Asked {
    std::string token = "tok";
    std::uint64_t key = 0;
    std::uint64_t fingerprint = 1;
  };
  Command with_key(Command command, std::uint64_t key) const {
    if (key != 0) command.key = RequestKey{1, key};
    command.fingerprint = 1;
    return command;
  }
  void begin(const Asked& asked) {
    Command command = with_key(StartPayment{order_, alice}, asked.key);
    command.fingerprint = asked.fingerprint;
    const std::size_t number = answers_.size();
    answers_.emplace_back(fail(Code::internal, "not answered"));
    asio::co_spawn(
        io_, pay_.run(std::move(command), asked.token),
        [this, number](std::exception_ptr, Result<Paid> answer) { answers_[number] = std::move(answer); });
  }
  /// All of them at the same time; their answers in order.
  std::vector<Result<Paid>> pay(const std::vector<Asked>& requests) {
    answers_.clear();
    for (const Asked& asked : requests) begin(asked);
    io_.restart();
    io_.run();
    return answers_;
  }
  /// The key belongs to another thing.
  void bind_elsewhere(std::uint64_t key) {
    Command other = with_key(ListProduct{ProductTerms{}, ProductTexts{}, 1}, key);
    other.fingerprint = 99;
    ASSERT_TRUE(gate_.decided(other));
  }
  static std::string said(const Result<Paid>& answer) {
    if (answer) return std::string(text_of(answer->order->payment)) + (answer->replayed ? " replayed" : "");
    if (answer.error().code == Code::order_not_payable) return "not payable";
    return answer.error().code == Code::idempotency_mismatch ? "another's key" : answer.error().detail;
  }

  static constexpr Millis answer_max{30};
  asio::io_context io_{1};
  tests::ShiftedClock clock_;
  tests::BoardGate gate_{clock_};
  tests::ScriptedProvider provider_;
  ToldReader reader_{gate_};
  PayOrder pay_{gate_, reader_, provider_, answer_max};
  ProductId shoes_;
  OrderId order_;
  std::vector<Result<Paid>> answers_;
};

TEST_F(PayAgain, APaidOrderAnswersItsTokenWhileAnotherIsBeingRefused) {
  ASSERT_EQ(said(pay({{}})[0]), "paid");
  provider_.compare_takes = answer_max / 3;
  const auto answers = pay({{"other"}, {"tok"}, {"other"}, {"tok"}});
  EXPECT_EQ(said(answers[0]), "not payable");
  EXPECT_EQ(said(answers[1]), "paid");
  EXPECT_EQ(said(answers[2]), "not payable");
  EXPECT_EQ(said(answers[3]), "paid");
  EXPECT_EQ(provider_.charged.size(), 1u);
}

TEST_F(PayAgain, AnOrderThatIsBeingPaidAnswersItsTokenWhileAnotherIsBeingRefused) {
  provider_.charge_takes = answer_max * 4;
  provider_.compare_takes = answer_max / 3;
  ASSERT_EQ(said(pay({{}})[0]), "pending");
  const auto answers = pay({{"other"}, {"tok"}});
  EXPECT_EQ(said(answers[0]), "not payable");
  EXPECT_EQ(said(answers[1]), "pending");
  EXPECT_EQ(provider_.charged.size(), 1u);
}

/// It was read as open, and its payment has ended before the other token's began.
TEST_F(PayAgain, AnOrderThatWasPaidJustNowAnswersItsTokenBesideAnother) {
  bool begun = false;
  gate_.before_decide = [&] {
    if (std::exchange(begun, true)) return;
    begin({"tok"});  // Beside the other one, which waits for the gate.
    io_.poll();
  };
  reader_.before_find = [&](int number) {
    if (number != 3) return;  // It looks again.
    const auto started = gate_.decided(Command(StartPayment{order_, alice}));
    const AttemptId attempt = std::get<PaymentStarted>(started->event->event.fact).attempt;
    provider_.charged.push_back(attempt);
    provider_.charged_token = "tok";
    ASSERT_TRUE(gate_.decided(Command(SettlePayment{order_, attempt, PaymentOutcome::captured}))->event);
  };
  (void)pay({{"other"}});
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(said(answers_[0]), "not payable");
  EXPECT_EQ(said(answers_[1]), "paid");
}

TEST_F(PayAgain, AKeyThatIsBoundToNothingWasNotKnown) {
  ASSERT_EQ(said(pay({{"tok", 1}})[0]), "paid");
  EXPECT_EQ(said(pay({{"tok", 2}})[0]), "paid");
  EXPECT_EQ(said(pay({{"tok", 1}})[0]), "paid replayed");
  const auto cancelled = gate_.decided(with_key(CancelOrder{order_, alice}, 2));
  ASSERT_TRUE(cancelled);
  EXPECT_TRUE(cancelled->event) << "it was free for anything else";
}

TEST_F(PayAgain, WhoWaitsForTheFirstHasHisOwnKeyLookedUp) {
  bind_elsewhere(5);
  provider_.charge_takes = answer_max / 3;
  const auto answers = pay({{"tok", 1}, {"tok", 1}, {"tok"}, {"tok", 2}, {"tok", 5}, {"tok", 1, 7}});
  EXPECT_EQ(said(answers[0]), "paid");
  EXPECT_EQ(said(answers[1]), "paid replayed");
  EXPECT_EQ(said(answers[2]), "paid");
  EXPECT_EQ(said(answers[3]), "paid");
  EXPECT_EQ(said(answers[4]), "another's key");
  EXPECT_EQ(said(answers[5]), "another's key");
  EXPECT_EQ(provider_.charged.size(), 1u);
}

TEST_F(PayAgain, SoItIsWhileTheOutcomeIsNotKnown) {
  bind_elsewhere(5);
  provider_.charge_takes = answer_max * 4;
  provider_.compare_fails = true;
  const auto answers = pay({{"tok", 1}, {"tok", 1}, {"tok"}, {"tok", 5}});
  EXPECT_EQ(said(answers[0]), "pending");
  EXPECT_EQ(said(answers[1]), "pending") << "its key is bound by the end of the payment";
  EXPECT_EQ(said(answers[2]), "pending");
  EXPECT_EQ(said(answers[3]), "another's key");
  EXPECT_EQ(provider_.charged.size(), 1u);
}

TEST_F(PayAgain, TheFirstOnesBoundKeyRefusesNobodyElse) {
  bind_elsewhere(5);
  bool begun = false;
  gate_.before_decide = [&] {
    if (std::exchange(begun, true)) return;
    for (const Asked& asked : {Asked{"tok"}, Asked{"tok", 1}, Asked{"tok", 5}}) begin(asked);
    io_.poll();  // They wait for the first.
  };
  (void)pay({{"tok", 5}});
  ASSERT_EQ(answers_.size(), 4u);
  EXPECT_EQ(said(answers_[0]), "another's key");
  EXPECT_EQ(said(answers_[1]), "paid");
  EXPECT_EQ(said(answers_[2]), "paid");
  EXPECT_EQ(said(answers_[3]), "another's key");
  EXPECT_EQ(provider_.charged.size(), 1u);
}

}  // namespace
}  // namespace market::order
