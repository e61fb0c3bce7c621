#include "adapters/sqlite/order_fold.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "adapters/sqlite/order_row.hpp"
#include "adapters/sqlite/record_schema.hpp"

namespace market::sqlite {
namespace {

class OrderFoldFile : public testing::Test {
 protected:
  OrderFoldFile() {
    std::string name = (std::filesystem::temp_directory_path() / "market-fold-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = (folder_ / "records.db").string();
  }
  ~OrderFoldFile() override { std::filesystem::remove_all(folder_); }

  std::string refusal() {
    try {
      const SqliteOrderFold fold(path_);
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
  void execute(const std::string& statement) { *open_session(path_, SessionKind::bulk_writer) << statement; }
  static OrderPtr order(std::int64_t id, std::int64_t user) {
    auto made = std::make_shared<Order>();
    made->id = OrderId{id};
    made->user = UserId{user};
    return made;
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(OrderFoldFile, IsRefusedWhenItBelongsToAnotherProgram) {
  execute("CREATE TABLE theirs(x)");
  EXPECT_NE(refusal().find("not a file of this program"), std::string::npos) << refusal();
  EXPECT_NE(refusal().find(path_), std::string::npos);
}

TEST_F(OrderFoldFile, IsRefusedWhenItIsNewer) {
  EXPECT_EQ(refusal(), "");
  execute("PRAGMA user_version=99");
  EXPECT_NE(refusal().find("version 99"), std::string::npos) << refusal();
}

TEST_F(OrderFoldFile, IsRefusedWhenItIsNoDatabaseAndCanBeMadeAgain) {
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_NE(refusal().find(path_), std::string::npos);
  SqliteOrderFold::remove_files(path_);
  EXPECT_EQ(refusal(), "");
}

TEST_F(OrderFoldFile, AFailedStoreChangesNothingAndCanBeRepeated) {
  SqliteOrderFold fold(path_, 4);
  ASSERT_TRUE(fold.store(std::vector{order(1, 1), order(2, 1), order(3, 2)}, 3));
  execute("CREATE TRIGGER refuse BEFORE UPDATE ON position BEGIN SELECT RAISE(ABORT, 'planted'); END");
  const auto failed = fold.store(std::vector{order(4, 1), order(5, 2)}, 5);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::unavailable);
  EXPECT_EQ(*fold.position(), 3);
  EXPECT_EQ(*fold.load(OrderId{4}), nullptr);
  execute("DROP TRIGGER refuse");
  ASSERT_TRUE(fold.store(std::vector{order(4, 1), order(5, 2)}, 5));
  EXPECT_EQ(*fold.position(), 5);
  EXPECT_NE(*fold.load(OrderId{4}), nullptr);
  EXPECT_EQ(fold.index().indexed_through(), OrderId{5});  // The segment of four was full.
  EXPECT_EQ(fold.index().open_count(), 0u);
}

TEST_F(OrderFoldFile, IsWrittenOnlyWhereItWasOpened) {
  SqliteOrderFold fold(path_, 4);
  ASSERT_TRUE(fold.store(std::vector{order(1, 1)}, 1));
  const auto expect_refused_until = [&](const std::function<void()>& put_back) {
    EXPECT_FALSE(fold.files_in_place());
    const auto refused = fold.store(std::vector{order(2, 1)}, 2);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_EQ(*fold.position(), 1);
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
  EXPECT_TRUE(fold.store(std::vector{order(2, 1)}, 2));
  EXPECT_EQ(*fold.position(), 2);
}

TEST_F(OrderFoldFile, KeepsLateOrdersAcrossARestart) {
  {
    SqliteOrderFold fold(path_, 2);
    ASSERT_TRUE(fold.store(std::vector{order(10, 1), order(20, 1)}, 2));
    ASSERT_TRUE(fold.store(std::vector{order(15, 1)}, 3));
    EXPECT_EQ(fold.index().open_count(), 1u);
  }
  SqliteOrderFold fold(path_, 2);
  EXPECT_EQ(fold.index().view(UserId{1}, {}).open, std::vector{OrderId{15}});
  ASSERT_TRUE(fold.store(std::vector{order(15, 1), order(20, 1)}, 4));  // Known already: only replaced.
  EXPECT_EQ(fold.index().open_count(), 1u);
}

TEST(OrderRow, RefusesADamagedRow) {
  OrderRow row;
  row.state = "accepted";
  row.payment = "none";
  row.currency = "KRW";
  row.lines = row.history = "[]";
  EXPECT_TRUE(order_of(row));
  for (const auto* lines : {"", "[[1]]", "{}", "[[1,2,3,\"x\"]]", "[[1,99999999999,3,4]]"}) {
    row.lines = lines;
    EXPECT_FALSE(order_of(row)) << lines;
  }
  row.lines = "[]";
  row.state = "lost";
  EXPECT_EQ(order_of(row).error().code, Code::unavailable);
}

}  // namespace
}  // namespace market::sqlite
