/// ports/payment_provider.hpp: what every provider must keep.
#include <gtest/gtest.h>

#include "adapters/mysql/charge_book.hpp"
#include "adapters/mysql/schema.hpp"
#include "adapters/payment/test_provider.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/mysql_database.hpp"

namespace market::contract {
namespace {

class StillClock final : public Clock {
 public:
  Instant now() const override { return at; }
  Instant at{Millis(1'000'000)};
};

class PaymentProviderContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!in_file() && tests::engine("MYSQL").empty()) GTEST_SKIP() << tests::how_to_have_engines;
  }
  ~PaymentProviderContract() override { pool_.stop(); }
  /// Some promises are about a file.
  bool in_file() const { return GetParam() == "file"; }
  std::unique_ptr<payment::TestProvider> open(BlockingPool& pool, Millis late) {
    const auto late_by = [late](AttemptId) { return late; };
    if (in_file() || tests::engine("MYSQL").empty())
      return std::make_unique<payment::TestProvider>(folder_.file("payments.db"), pool, clock_, late_by);
    if (!database_) {
      database_.emplace();
      mysql::migrate(database_->server());
    }
    auto book = std::make_unique<mysql::MysqlChargeBook>(database_->server(), 1, [](std::string_view text) {
      return std::to_string(std::hash<std::string_view>()(text));
    });
    return std::make_unique<payment::TestProvider>(std::move(book), pool, clock_, late_by);
  }
  void change_past_it() {
    const char* change = "UPDATE charges SET mac = 'x', amount = 1";
    if (!in_file()) {
      mysql::Session(database_->server()).execute(change);
      return;
    }
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open(folder_.file("payments.db").c_str(), &other), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other, change, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(other);
  }
  TemporaryFolder folder_;
  std::optional<tests::MysqlDatabase> database_;
  StillClock clock_;
  BlockingPool pool_{1, 100};
  std::unique_ptr<payment::TestProvider> opened_ = open(pool_, Millis(5'000));
  payment::TestProvider& provider_ = *opened_;
  Money price_{500, {}};
};

TEST_P(PaymentProviderContract, ChargesAnAttemptOnceHoweverOftenItIsAsked) {
  EXPECT_EQ(*run(provider_.charge(AttemptId{1}, price_, "ok")), ChargeState::captured);
  EXPECT_EQ(*run(provider_.charge(AttemptId{1}, price_, "twice")), ChargeState::captured);
  EXPECT_EQ(provider_.totals()->charged, 500);
}

TEST_P(PaymentProviderContract, RemembersWhatBecameOfAnAttempt) {
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::unknown);
  EXPECT_EQ(*run(provider_.charge(AttemptId{1}, price_, "declined")), ChargeState::declined);
  EXPECT_EQ(run(provider_.charge(AttemptId{2}, price_, "lost")).error().code, Code::unavailable);
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::declined);
  EXPECT_EQ(*run(provider_.find(AttemptId{2})), ChargeState::captured);
  const auto again = open(pool_, Millis(0));
  EXPECT_EQ(*run(again->find(AttemptId{2})), ChargeState::captured);
}

TEST_P(PaymentProviderContract, SaysBeforehandWhatItCertainlyRefuses) {
  EXPECT_TRUE(provider_.accepts(price_, "declined"));
  EXPECT_EQ(provider_.accepts(price_, "bogus").error().code, Code::validation);
  EXPECT_EQ(run(provider_.charge(AttemptId{1}, price_, "bogus")).error().code, Code::validation);
}

TEST_P(PaymentProviderContract, AChargeThatNeverBeganIsCertainlyNone) {
  BlockingPool full(1, 0);
  const auto unreachable = open(full, Millis(0));
  EXPECT_EQ(*run(unreachable->charge(AttemptId{1}, price_, "ok")), ChargeState::not_charged);
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::unknown);
  EXPECT_FALSE(run(unreachable->find(AttemptId{1}))) << "what became of it cannot be said now";
}

TEST_P(PaymentProviderContract, KnowsTheTokenOfAnAttempt) {
  EXPECT_EQ(*run(provider_.compare(AttemptId{1}, "ok")), ChargedToken::unknown);
  ASSERT_TRUE(run(provider_.charge(AttemptId{1}, price_, "ok")));
  EXPECT_EQ(*run(provider_.compare(AttemptId{1}, "ok")), ChargedToken::same);
  for (const char* other : {"twice", "", "o", "ok ", "OK"})
    EXPECT_EQ(*run(provider_.compare(AttemptId{1}, other)), ChargedToken::another) << other;
}

TEST_P(PaymentProviderContract, GivesMoneyBackOnce) {
  ASSERT_TRUE(run(provider_.charge(AttemptId{1}, price_, "ok")));
  EXPECT_TRUE(run(provider_.refund(AttemptId{1})));
  EXPECT_TRUE(run(provider_.refund(AttemptId{1})));
  EXPECT_EQ(provider_.totals()->refunded, 500);
}

TEST_P(PaymentProviderContract, ItsBookBelongsToOneStore) {
  if (!in_file()) return;
  std::string refusal;
  try {
    const payment::ChargeFile file(folder_.file("payments.db"), payment::ChargeFileOwner{1, 2});
  } catch (const std::runtime_error& error) {
    refusal = error.what();
  }
  EXPECT_NE(refusal.find("payments.db: belongs to another store"), std::string::npos) << refusal;
}

TEST_P(PaymentProviderContract, WhatCannotBeWrittenIsNotChargedAndComesBackByItself) {
  if (!in_file()) return;
  ASSERT_TRUE(run(provider_.charge(AttemptId{1}, price_, "ok")));
  std::filesystem::rename(folder_.file("payments.db"), folder_.file("away"));
  EXPECT_EQ(*run(provider_.charge(AttemptId{2}, price_, "ok")), ChargeState::not_charged);
  EXPECT_FALSE(provider_.usable());
  std::filesystem::rename(folder_.file("away"), folder_.file("payments.db"));
  EXPECT_TRUE(provider_.usable());
  EXPECT_EQ(*run(provider_.charge(AttemptId{2}, price_, "ok")), ChargeState::captured);
  EXPECT_EQ(provider_.totals()->charged, 1000);
}

TEST_P(PaymentProviderContract, AChangedChargeIsNotBelieved) {
  ASSERT_TRUE(run(provider_.charge(AttemptId{1}, price_, "ok")));
  change_past_it();
  EXPECT_FALSE(run(provider_.find(AttemptId{1})));
}

TEST_P(PaymentProviderContract, LateMoneyArrivesLater) {
  EXPECT_FALSE(run(provider_.charge(AttemptId{1}, price_, "late")));
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::unknown);
  clock_.at += Millis(5'000);
  EXPECT_EQ(*run(provider_.find(AttemptId{1})), ChargeState::captured);
}

TEST_P(PaymentProviderContract, RefusesAnUnknownToken) {
  EXPECT_EQ(run(provider_.charge(AttemptId{1}, price_, "gold")).error().code, Code::validation);
  EXPECT_EQ(provider_.totals()->charged, 0);
}

INSTANTIATE_TEST_SUITE_P(Books, PaymentProviderContract, testing::Values("file", "mysql"),
                         [](const testing::TestParamInfo<std::string>& info) { return info.param; });

}  // namespace
}  // namespace market::contract
