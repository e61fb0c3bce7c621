#pragma once
/// The stores that the contract of the records runs against.

#include <gtest/gtest.h>

#include "adapters/mysql/order_records.hpp"
#include "adapters/mysql/record_fold.hpp"
#include "adapters/sqlite/order_records.hpp"
#include "adapters/sqlite/record_fold.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/mysql_database.hpp"
#include "tests/support/test_records.hpp"

namespace market::contract {

class Store {
 public:
  virtual ~Store() = default;
  virtual RecordFold& fold() = 0;
  virtual OrderRecords& records() = 0;
  virtual void reopen() = 0;  ///< As after a crash: nothing is told to the store before.
};

class SqliteStore final : public Store {
 public:
  SqliteStore() { reopen(); }
  ~SqliteStore() override {
    pool_.stop();
    turns_.stop();
  }
  RecordFold& fold() override { return *fold_; }
  OrderRecords& records() override { return *records_; }
  void reopen() override {
    records_.reset();
    fold_.reset();
    fold_ = std::make_unique<sqlite::SqliteRecordFold>(folder_.file("records.db"), 16);
    records_ = std::make_unique<sqlite::SqliteOrderRecords>(folder_.file("records.db"), fold_->index(), pool_,
                                                            turns_, 3);
  }

 private:
  TemporaryFolder folder_;
  BlockingPool pool_{2, 100};
  FairPool turns_{1, 100};
  std::unique_ptr<sqlite::SqliteRecordFold> fold_;
  std::unique_ptr<sqlite::SqliteOrderRecords> records_;
};

class MemoryStore final : public Store {
 public:
  RecordFold& fold() override { return records_; }
  OrderRecords& records() override { return records_; }
  void reopen() override {}

 private:
  tests::TestRecords records_;
};

class MysqlStore final : public Store {
 public:
  MysqlStore() { reopen(); }
  ~MysqlStore() override {
    pool_.stop();
    turns_.stop();
  }
  RecordFold& fold() override { return *fold_; }
  OrderRecords& records() override { return *records_; }
  void reopen() override {
    fold_ = std::make_unique<mysql::MysqlRecordFold>(database_.server());
    records_ = std::make_unique<mysql::MysqlOrderRecords>(database_.server(), pool_, turns_, 3);
  }

 private:
  tests::MysqlDatabase database_;
  BlockingPool pool_{2, 100};
  FairPool turns_{1, 100};
  std::unique_ptr<mysql::MysqlRecordFold> fold_;
  std::unique_ptr<mysql::MysqlOrderRecords> records_;
};

struct Candidate {
  std::string adapter;
  std::unique_ptr<Store> (*open)();
  const char* needs = nullptr;  ///< An engine.
};
inline void PrintTo(const Candidate& candidate, std::ostream* out) {
  *out << candidate.adapter;
}

}  // namespace market::contract
