/// What is MySQL's own: several folders at once, lost connections, a ticket that two orders have, old
/// schemas. What all records promise is in tests/contract/order_records_contract.cpp.

#include "adapters/mysql/record_fold.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "adapters/mysql/schema.hpp"
#include "tests/support/mysql_database.hpp"
#include "tests/support/run_task.hpp"

namespace market::mysql {
namespace {

constexpr ProductId shoes{77};

CountedEvents group_of(Place first, int count, std::int64_t ticket_from = 0) {
  auto events = std::make_shared<std::vector<CountedEvent>>();
  for (int i = 0; i < count; ++i) {
    OrderAccepted accepted;
    accepted.order = OrderId{first + i};
    accepted.user = UserId{first + i};
    OrderLine line;
    line.product = shoes;
    line.quantity = 1;
    line.ticket = ticket_from == 0 ? first + i : ticket_from + i;
    accepted.lines.push_back(line);
    CountedEvent counted;
    counted.place = first + i;
    counted.event.fact = accepted;
    events->push_back(counted);
  }
  return events;
}

TEST(MysqlServer, IsReadFromAnAddressAndItsPasswordIsNotRepeated) {
  const auto server = parse_server("mysql://market:pa:ss@w@db.internal:3307/market_1");
  ASSERT_TRUE(server);
  EXPECT_EQ(server->user, "market");
  EXPECT_EQ(server->password, "pa:ss@w");
  EXPECT_EQ(server->host, "db.internal");
  EXPECT_EQ(server->port, 3307);
  EXPECT_EQ(server->database, "market_1");
  const auto by_number = parse_server("mysql://u@[2001:db8::7]:3307/d");
  ASSERT_TRUE(by_number);
  EXPECT_EQ(by_number->host, "2001:db8::7");
  EXPECT_EQ(by_number->port, 3307);
  EXPECT_EQ(by_number->address(), "[2001:db8::7]:3307");
  EXPECT_EQ(parse_server("mysql://u@[::1]/d")->host, "::1");
  EXPECT_EQ(parse_server("mysql://u@db/d")->address(), "db:3306");
  for (const auto* wrong : {"", "mysql://", "mysql://u:secret@::1/d", "mysql://u:secret@2001:db8::7:3307/d",
                            "mysql://u:secret@[::1/d", "mysql://u:secret@[::1]3307/d",
                            "mysql://u:secret@[]:3307/d", "mysql://u:secret@h:/d", "postgres://u:secret@h/d",
                            "mysql://u:secret@h:port/d", "mysql://u:secret@h:99999/d", "mysql://u:secret@h/",
                            "mysql://u:secret@h/a`b", "mysql://:secret@h/d", "mysql://u:secret@h"}) {
    const auto refused = parse_server(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_THAT(refused.error().detail, testing::Not(testing::HasSubstr("secret")));
  }
}

TEST(MysqlServer, ThatIsAwayIsSaidAtTheStart) {
  Server server;
  server.port = 1;
  server.user = "nobody";
  EXPECT_THROW(MysqlRecordFold fold(server), std::runtime_error);
}

class MysqlFoldTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::engine("MYSQL").empty()) GTEST_SKIP() << tests::how_to_have_engines;
    database = std::make_unique<tests::MysqlDatabase>();
    fold = std::make_unique<MysqlRecordFold>(database->server());
    beside = std::make_unique<Session>(database->server());
  }
  std::int64_t count(const std::string& table) {
    return beside->query("SELECT count(*) FROM " + table).at(0).integer(0);
  }
  std::unique_ptr<tests::MysqlDatabase> database;
  std::unique_ptr<MysqlRecordFold> fold;
  std::unique_ptr<Session> beside;
};

TEST_F(MysqlFoldTest, HostileTextIsOnlyText) {
  std::string all;
  for (int c = 1; c < 128; ++c) all += static_cast<char>(c);
  all += "\\'; DROP TABLE orders; -- 한정판 \xF0\x9F\x91\x9F";
  ProductListed listed{shoes, {}, {all, all + "\"", "'", "\\"}, 5};
  auto events = std::make_shared<std::vector<CountedEvent>>();
  CountedEvent counted;
  counted.place = 1;
  counted.event.fact = listed;
  events->push_back(counted);
  ASSERT_EQ(*fold->fold(0, std::vector<CountedEvents>{events}), 1);
  const auto products = fold->products();
  ASSERT_TRUE(products);
  EXPECT_EQ(products->at(0).texts, listed.texts);
  EXPECT_EQ(count("orders"), 0);
}

TEST_F(MysqlFoldTest, OneOfSeveralFoldersWinsEachTransaction) {
  constexpr int groups = 40, size = 25;
  std::vector<CountedEvents> all;
  for (int i = 0; i < groups; ++i) all.push_back(group_of(1 + i * size, size));
  std::vector<std::thread> folders;
  for (int t = 0; t < 4; ++t)
    folders.emplace_back([&] {
      MysqlRecordFold mine(database->server());
      for (Place at = 0; at < groups * size;) {
        const auto next = static_cast<std::size_t>(at / size);
        const auto reached = mine.fold(at, std::span(all).subspan(next, 1));
        ASSERT_TRUE(reached) << reached.error().detail;
        ASSERT_GE(*reached, at);
        at = *reached;
      }
    });
  for (auto& folder : folders) folder.join();
  EXPECT_EQ(*fold->place(), groups * size);
  EXPECT_EQ(count("orders"), groups * size);
  EXPECT_EQ(count("order_lines"), groups * size);
  EXPECT_EQ(*fold->conflicts(), 0);
}

TEST_F(MysqlFoldTest, ATicketThatSomebodyHasIsAnAlarmAndNoEnd) {
  ASSERT_TRUE(fold->fold(0, std::vector{group_of(1, 10)}));
  ASSERT_EQ(*fold->fold(10, std::vector{group_of(11, 10, 6)}), 20)
      << "tickets 6 to 15: five of them are taken";
  EXPECT_EQ(*fold->conflicts(), 5);
  EXPECT_EQ(count("orders"), 20);
  EXPECT_EQ(count("order_lines"), 15);
  EXPECT_EQ(*fold->fold(20, std::vector{group_of(21, 1)}), 21);
}

TEST_F(MysqlFoldTest, AConnectionThatWasKilledIsMadeAnewAndNothingIsFoldedTwice) {
  ASSERT_TRUE(fold->fold(0, std::vector{group_of(1, 5)}));
  for (const auto& row :
       beside->query("SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND "
                     "db = database()"))
    beside->execute("KILL " + row.text(0));
  Result<Place> folded = fail(Code::unavailable, "");
  for (int i = 0; i < 3 && !folded; ++i) folded = fold->fold(5, std::vector{group_of(6, 5)});
  ASSERT_TRUE(folded) << folded.error().detail;
  EXPECT_EQ(*folded, 10);
  EXPECT_EQ(count("orders"), 10);
}

/// As a folder that was stopped in the middle of its transaction: the server takes its locks away after 2 s.
TEST_F(MysqlFoldTest, AFolderThatIsPausedHoldsUpTheNextForSecondsOnly) {
  beside->execute("START TRANSACTION");
  beside->execute("UPDATE fold SET log_place = 7 WHERE only_row = 1");
  const auto began = std::chrono::steady_clock::now();
  const auto folded = fold->fold(0, std::vector{group_of(1, 1)});
  ASSERT_TRUE(folded) << folded.error().detail;
  EXPECT_EQ(*folded, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(8));
  EXPECT_THROW(beside->execute("COMMIT"), Failure);
}

TEST_F(MysqlFoldTest, ADatabaseOfANewerProgramIsRefused) {
  beside->execute("INSERT INTO schema_versions VALUES(99)");
  try {
    migrate(database->server());
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("version 99"));
  }
}

TEST_F(MysqlFoldTest, AStepOfTheSchemaThatWasBrokenOffIsDoneAgain) {
  for (int version = 1; version <= 3; ++version) {
    beside->execute("DELETE FROM schema_versions WHERE version >= " + std::to_string(version));
    EXPECT_NO_THROW(migrate(database->server())) << version;
  }
}

TEST_F(MysqlFoldTest, SeveralInstancesMayMakeTheTablesAtOnce) {
  tests::MysqlDatabase fresh;
  std::vector<std::thread> instances;
  for (int i = 0; i < 5; ++i)
    instances.emplace_back([&] { EXPECT_NO_THROW(MysqlRecordFold(fresh.server())); });
  for (auto& each : instances) each.join();
}

}  // namespace
}  // namespace market::mysql
