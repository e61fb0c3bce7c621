#pragma once
/// What the contracts of ports that keep ordinary rows begin with: empty tables on each database, and a time
/// to tell.

#include <gtest/gtest.h>

#include "adapters/crypto/field_cipher.hpp"
#include "adapters/mysql/main_database.hpp"
#include "adapters/sqlite/main_database.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/mysql_database.hpp"

namespace market::contract {

inline Instant at(std::int64_t seconds) {
  return Instant(std::chrono::seconds(1'790'000'000 + seconds));
}

struct TestClock final : Clock {
  explicit TestClock(Instant now) : time(now) {}
  Instant now() const override { return time; }
  Instant time;
};

class MainDatabaseContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!in_file() && tests::engine("MYSQL").empty()) GTEST_SKIP() << tests::how_to_have_engines;
  }
  ~MainDatabaseContract() override { pool_.stop(); }  // Each run() has waited for its work.

  /// Some promises are about a file that is moved away or read by others.
  bool in_file() const { return GetParam() == "sqlite"; }
  /// As another process would open it.
  std::shared_ptr<sql::MainDatabase> open() {
    if (in_file() || tests::engine("MYSQL").empty())
      return std::make_shared<sqlite::MainDatabase>(folder_.file("main.db"), pool_, 2, cipher_);
    if (!server_) server_.emplace();
    return mysql::open_main_database(server_->server(), pool_, 2, cipher_);
  }

  TemporaryFolder folder_;
  std::optional<tests::MysqlDatabase> server_;
  BlockingPool pool_{2, 1'000};
  crypto::SodiumFieldCipher cipher_{{crypto::FieldKey{"k1", {1, 2, 3}}}, crypto::FieldSecret{4, 5, 6}};
  std::shared_ptr<sql::MainDatabase> opened_ = open();
  sql::MainDatabase& database_ = *opened_;
};

#define MARKET_ON_EACH_DATABASE(suite)                                           \
  INSTANTIATE_TEST_SUITE_P(Databases, suite, testing::Values("sqlite", "mysql"), \
                           [](const testing::TestParamInfo<std::string>& info) { return info.param; })

}  // namespace market::contract
