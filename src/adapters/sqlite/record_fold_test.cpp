#include "adapters/sqlite/record_fold.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "adapters/sqlite/order_row.hpp"

namespace market::sqlite {
namespace {

class RecordFoldFile : public testing::Test {
 protected:
  RecordFoldFile() {
    std::string name = (std::filesystem::temp_directory_path() / "market-fold-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = (folder_ / "records.db").string();
  }
  ~RecordFoldFile() override { std::filesystem::remove_all(folder_); }

  std::string refusal() {
    try {
      const SqliteRecordFold fold(path_);
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
  void execute(const std::string& statement) { *open_session(path_, SessionKind::bulk_writer) << statement; }
  static CountedEvent accepted(Place place, std::int64_t id, std::int64_t user) {
    OrderAccepted fact;
    fact.order = OrderId{id};
    fact.user = UserId{user};
    OrderLine line;
    line.product = ProductId{7};
    line.quantity = 1;
    fact.lines.push_back(line);
    CountedEvent counted;
    counted.place = place;
    counted.event.fact = fact;
    return counted;
  }
  static CountedEvent of(Place place, Fact fact) {
    CountedEvent counted;
    counted.place = place;
    counted.event.fact = std::move(fact);
    return counted;
  }
  static Result<Place> fold_into(RecordFold& fold, Place from, std::vector<CountedEvent> events) {
    const std::vector<CountedEvents> groups{
        std::make_shared<const std::vector<CountedEvent>>(std::move(events))};
    return fold.fold(from, groups);
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(RecordFoldFile, IsRefusedWhenItBelongsToAnotherProgram) {
  execute("CREATE TABLE theirs(x)");
  EXPECT_NE(refusal().find("this file belongs to another program"), std::string::npos) << refusal();
  EXPECT_NE(refusal().find(path_), std::string::npos);
}

TEST_F(RecordFoldFile, IsRefusedWhenItIsNewer) {
  EXPECT_EQ(refusal(), "");
  execute("PRAGMA user_version=99");
  EXPECT_NE(refusal().find("schema 99"), std::string::npos) << refusal();
}

TEST_F(RecordFoldFile, IsRefusedWhenItIsNoDatabaseAndCanBeMadeAgain) {
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_NE(refusal().find(path_), std::string::npos);
  SqliteRecordFold::remove_files(path_);
  EXPECT_EQ(refusal(), "");
}

TEST_F(RecordFoldFile, IsRefusedWhenItIsOfTheFirstSchema) {
  EXPECT_EQ(refusal(), "");
  execute("PRAGMA user_version=1");
  EXPECT_NE(refusal().find("by a version before the first release"), std::string::npos) << refusal();
}

TEST_F(RecordFoldFile, AFailedFoldChangesNothingAndCanBeRepeated) {
  SqliteRecordFold fold(path_, 4);
  ASSERT_EQ(*fold_into(fold, 0, {accepted(1, 1, 1), accepted(2, 2, 1), accepted(3, 3, 2)}), 3);
  execute("CREATE TRIGGER refuse BEFORE INSERT ON late_orders BEGIN SELECT RAISE(ABORT, 'planted'); END");
  execute("CREATE TRIGGER refuse_too BEFORE INSERT ON segments BEGIN SELECT RAISE(ABORT, 'planted'); END");
  const auto failed = fold_into(fold, 3, {accepted(4, 4, 1), accepted(5, 5, 2)});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::unavailable);
  EXPECT_EQ(*fold.place(), 3);
  EXPECT_EQ(*fold.load(OrderId{4}), nullptr);
  execute("DROP TRIGGER refuse");
  execute("DROP TRIGGER refuse_too");
  ASSERT_EQ(*fold_into(fold, 3, {accepted(4, 4, 1), accepted(5, 5, 2)}), 5);
  EXPECT_EQ(*fold.place(), 5);
  EXPECT_NE(*fold.load(OrderId{4}), nullptr);
  EXPECT_EQ(fold.index().indexed_through(), OrderId{5});  // The segment of four was full.
  EXPECT_EQ(fold.index().open_count(), 0u);
}

TEST_F(RecordFoldFile, EventsThatARowHasAlreadyChangeNothing) {
  ProductListed listed;
  listed.product = ProductId{7};
  listed.texts.name = "shoes";
  listed.stock = 10;
  OrderPaid paid;
  paid.order = OrderId{1};
  ProductChanged changed;
  changed.product = ProductId{7};
  changed.version = 2;
  changed.texts.name = "boots";
  const std::vector<CountedEvent> events{of(1, listed), accepted(2, 1, 1), of(3, paid), of(4, changed)};
  SqliteRecordFold fold(path_, 4);
  ASSERT_EQ(*fold_into(fold, 0, events), 4);
  const auto order = **fold.load(OrderId{1});
  for (const Place from : {0, 1, 2, 3}) {
    execute("UPDATE position SET log_place = " + std::to_string(from));
    ASSERT_EQ(*fold_into(fold, from, events), 4);
    EXPECT_EQ(**fold.load(OrderId{1}), order) << from;
    const auto products = *fold.products();
    ASSERT_EQ(products.size(), 1u);
    EXPECT_EQ(products[0].stock.remaining, 9) << from;
    EXPECT_EQ(products[0].stock.capacity, 10) << from;
    EXPECT_EQ(products[0].version, 2);
    EXPECT_EQ(products[0].names.size(), 2u);
    EXPECT_EQ(fold.index().open_count(), 1u);
  }
  execute("UPDATE position SET log_place = 0");
  ASSERT_EQ(*fold_into(fold, 0, {events[0], events[1]}), 2);
  EXPECT_EQ(**fold.load(OrderId{1}), order) << "rows that are further than the batch";
  EXPECT_EQ(fold.products()->front().version, 2);
  EXPECT_EQ(fold.products()->front().stock.remaining, 9);
  execute("UPDATE position SET log_place = 0");
  auto longer = events;
  longer.push_back(accepted(5, 2, 1));
  ASSERT_EQ(*fold_into(fold, 0, longer), 5);
  EXPECT_EQ(fold.products()->front().stock.remaining, 8) << "what the row has is not counted again";
}

TEST_F(RecordFoldFile, IsWrittenOnlyWhereItWasOpened) {
  SqliteRecordFold fold(path_, 4);
  ASSERT_TRUE(fold_into(fold, 0, {accepted(1, 1, 1)}));
  const auto expect_refused_until = [&](const std::function<void()>& put_back) {
    EXPECT_FALSE(fold.files_in_place());
    const auto refused = fold_into(fold, 1, {accepted(2, 2, 1)});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_EQ(fold.set_log(LogId{1, 2, 3}).error().code, Code::unavailable);
    EXPECT_EQ(*fold.place(), 1);
    put_back();
    EXPECT_TRUE(fold.files_in_place());
  };
  for (const auto& file : {path_, path_ + "-wal"}) {
    std::filesystem::rename(file, folder_ / "away");
    expect_refused_until([&] { std::filesystem::rename(folder_ / "away", file); });
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    expect_refused_until([&] {
      std::filesystem::permissions(file,
                                   std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    });
    std::filesystem::rename(file, folder_ / "away");
    std::ofstream(file) << "another file";
    expect_refused_until([&] { std::filesystem::rename(folder_ / "away", file); });
  }
  EXPECT_TRUE(fold_into(fold, 1, {accepted(2, 2, 1)}));
  EXPECT_EQ(*fold.place(), 2);
}

TEST_F(RecordFoldFile, KeepsLateOrdersAcrossARestart) {
  {
    SqliteRecordFold fold(path_, 2);
    ASSERT_TRUE(fold_into(fold, 0, {accepted(1, 10, 1), accepted(2, 20, 1)}));
    ASSERT_TRUE(fold_into(fold, 2, {accepted(3, 15, 1)}));
    EXPECT_EQ(fold.index().open_count(), 1u);
  }
  SqliteRecordFold fold(path_, 2);
  EXPECT_EQ(fold.index().view(UserId{1}, {}).open, std::vector{OrderId{15}});
  execute("UPDATE position SET log_place = 1");
  ASSERT_TRUE(fold_into(fold, 1, {accepted(2, 20, 1), accepted(3, 15, 1)}));  // Known already.
  EXPECT_EQ(fold.index().open_count(), 1u);
}

TEST(OrderRow, RefusesADamagedRow) {
  OrderRow row;
  row.state = "accepted";
  row.payment = "none";
  row.currency = "KRW";
  row.lines = row.history = "[]";
  EXPECT_TRUE(order_of(row));
  for (const auto* lines :
       {"", "[[1]]", "{}", "[[1,1,2,3,\"x\"]]", "[[1,1,99999999999,3,4]]", "[[1,2,3,4]]"}) {
    row.lines = lines;
    EXPECT_FALSE(order_of(row)) << lines;
  }
  row.lines = "[]";
  row.state = "lost";
  EXPECT_EQ(order_of(row).error().code, Code::internal);
}

}  // namespace
}  // namespace market::sqlite
