/// ports/payment_provider.hpp: what every provider must keep.
#include <gtest/gtest.h>

#include "adapters/payment/test_provider.hpp"
#include "tests/contract/run_task.hpp"

namespace market::contract {
namespace {

class StillClock final : public Clock {
 public:
  Instant now() const override { return at; }
  Instant at{Millis(1'000'000)};
};

class PaymentProviderContract : public testing::Test {
 protected:
  ~PaymentProviderContract() override { pool_.stop(); }
  TemporaryFolder folder_;
  StillClock clock_;
  BlockingPool pool_{1, 100};
  payment::TestProvider provider_{folder_.file("payments.db"), pool_, clock_,
                                  [](AttemptId) { return Millis(5'000); }};
  Money price_{500, {}};
};

TEST_F(PaymentProviderContract, ChargesAnAttemptOnceHoweverOftenItIsAsked) {
  EXPECT_EQ(*run(provider_.charge(AttemptId{1}, price_, "ok")), ChargeState::captured);
  EXPECT_EQ(*run(provider_.charge(AttemptId{1}, price_, "twice")), ChargeState::captured);
  EXPECT_EQ(provider_.totals()->charged, 500);
}

TEST_F(PaymentProviderContract, RemembersWhatBecameOfAnAttempt) {
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::unknown);
  EXPECT_EQ(*run(provider_.charge(AttemptId{1}, price_, "declined")), ChargeState::declined);
  EXPECT_EQ(run(provider_.charge(AttemptId{2}, price_, "lost")).error().code, Code::unavailable);
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::declined);
  EXPECT_EQ(*run(provider_.find(AttemptId{2})), ChargeState::captured);
  payment::TestProvider again(folder_.file("payments.db"), pool_, clock_,
                              [](AttemptId) { return Millis(0); });
  EXPECT_EQ(*run(again.find(AttemptId{2})), ChargeState::captured);
}

TEST_F(PaymentProviderContract, AChargeThatNeverBeganIsCertainlyNone) {
  BlockingPool full(1, 0);
  payment::TestProvider unreachable(folder_.file("payments.db"), full, clock_,
                                    [](AttemptId) { return Millis(0); });
  EXPECT_EQ(*run(unreachable.charge(AttemptId{1}, price_, "ok")), ChargeState::not_charged);
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::unknown);
  EXPECT_FALSE(run(unreachable.find(AttemptId{1}))) << "what became of it cannot be said now";
}

TEST_F(PaymentProviderContract, KnowsTheTokenOfAnAttempt) {
  EXPECT_EQ(*run(provider_.compare(AttemptId{1}, "ok")), ChargedToken::unknown);
  ASSERT_TRUE(run(provider_.charge(AttemptId{1}, price_, "ok")));
  EXPECT_EQ(*run(provider_.compare(AttemptId{1}, "ok")), ChargedToken::same);
  for (const char* other : {"twice", "", "o", "ok ", "OK"})
    EXPECT_EQ(*run(provider_.compare(AttemptId{1}, other)), ChargedToken::another) << other;
}

TEST_F(PaymentProviderContract, GivesMoneyBackOnce) {
  ASSERT_TRUE(run(provider_.charge(AttemptId{1}, price_, "ok")));
  EXPECT_TRUE(run(provider_.refund(AttemptId{1})));
  EXPECT_TRUE(run(provider_.refund(AttemptId{1})));
  EXPECT_EQ(provider_.totals()->refunded, 500);
}

TEST_F(PaymentProviderContract, ItsBookBelongsToOneStore) {
  std::string refusal;
  try {
    const payment::ChargeFile file(folder_.file("payments.db"), payment::ChargeFileOwner{1, 2});
  } catch (const std::runtime_error& error) {
    refusal = error.what();
  }
  EXPECT_NE(refusal.find("payments.db: belongs to another store"), std::string::npos) << refusal;
}

TEST_F(PaymentProviderContract, WhatCannotBeWrittenIsNotChargedAndComesBackByItself) {
  ASSERT_TRUE(run(provider_.charge(AttemptId{1}, price_, "ok")));
  std::filesystem::rename(folder_.file("payments.db"), folder_.file("away"));
  EXPECT_EQ(*run(provider_.charge(AttemptId{2}, price_, "ok")), ChargeState::not_charged);
  EXPECT_FALSE(provider_.usable());
  std::filesystem::rename(folder_.file("away"), folder_.file("payments.db"));
  EXPECT_TRUE(provider_.usable());
  EXPECT_EQ(*run(provider_.charge(AttemptId{2}, price_, "ok")), ChargeState::captured);
  EXPECT_EQ(provider_.totals()->charged, 1000);
}

TEST_F(PaymentProviderContract, AChangedChargeIsNotBelieved) {
  ASSERT_TRUE(run(provider_.charge(AttemptId{1}, price_, "ok")));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(folder_.file("payments.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "UPDATE charges SET mac = 'x', amount = 1", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(other);
  EXPECT_FALSE(run(provider_.find(AttemptId{1})));
}

TEST_F(PaymentProviderContract, LateMoneyArrivesLater) {
  EXPECT_FALSE(run(provider_.charge(AttemptId{1}, price_, "late")));
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::unknown);
  clock_.at += Millis(5'000);
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::captured);
}

TEST_F(PaymentProviderContract, RefusesAnUnknownToken) {
  EXPECT_EQ(run(provider_.charge(AttemptId{1}, price_, "gold")).error().code, Code::validation);
  EXPECT_EQ(provider_.totals()->charged, 0);
}

}  // namespace
}  // namespace market::contract
