/// ports/charge_book.hpp: what every book must keep. What a provider makes of it is the provider's contract.
#include <gtest/gtest.h>

#include "adapters/mysql/charge_book.hpp"
#include "adapters/mysql/schema.hpp"
#include "adapters/payment/charge_file.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/mysql_database.hpp"

namespace market::contract {
namespace {

class ChargeBookContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "file") {
      book_ = std::make_unique<payment::ChargeFile>(folder_.file("payments.db"), payment::ChargeFileOwner{});
      return;
    }
    if (tests::engine("MYSQL").empty()) GTEST_SKIP() << tests::how_to_have_engines;
    database_.emplace();
    mysql::migrate(database_->server());
    book_ = std::make_unique<mysql::MysqlChargeBook>(database_->server(), 1,
                                                     [](std::string_view) { return std::string("-"); });
  }
  Charge charge(std::int64_t attempt, std::int64_t amount, bool declined = false) {
    Charge one;
    one.attempt = AttemptId{attempt};
    one.amount = Money{amount, {}};
    one.declined = declined;
    one.captured_at = Instant(Millis(1'000));
    one.token_sum = "sum'\\";
    return one;
  }
  TemporaryFolder folder_;
  std::optional<tests::MysqlDatabase> database_;
  std::unique_ptr<ChargeBook> book_;
};

TEST_P(ChargeBookContract, TheFirstChargeOfAnAttemptStays) {
  EXPECT_FALSE(*book_->find(AttemptId{1}));
  EXPECT_EQ(book_->record(charge(1, 500))->amount.amount, 500);
  EXPECT_EQ(book_->record(charge(1, 900, true))->amount.amount, 500);
  const auto found = book_->find(AttemptId{1});
  ASSERT_TRUE(found && *found);
  EXPECT_FALSE((*found)->declined);
  EXPECT_EQ(*book_->token_sum_of(AttemptId{1}), "sum'\\");
  EXPECT_EQ(*book_->token_sum_of(AttemptId{2}), "");
  EXPECT_TRUE(book_->usable());
}

TEST_P(ChargeBookContract, MoneyIsGivenBackOnceAndOnlyWhatWasTaken) {
  ASSERT_TRUE(book_->record(charge(1, 500)));
  ASSERT_TRUE(book_->record(charge(2, 700, true)));
  for (const std::int64_t attempt : {1, 1, 2, 3}) EXPECT_TRUE(book_->refund(AttemptId{attempt}));
  EXPECT_TRUE((*book_->find(AttemptId{1}))->refunded);
  EXPECT_FALSE((*book_->find(AttemptId{2}))->refunded);
  EXPECT_EQ(book_->totals(Instant(Millis(999)))->charged, 0) << "not captured yet";
  EXPECT_EQ(book_->totals(Instant(Millis(1'000)))->charged, 500);
  EXPECT_EQ(book_->totals(Instant(Millis(1'000)))->refunded, 500);
}

INSTANTIATE_TEST_SUITE_P(Books, ChargeBookContract, testing::Values("file", "mysql"),
                         [](const testing::TestParamInfo<std::string>& info) { return info.param; });

}  // namespace
}  // namespace market::contract
