// What ports/shared_stock.hpp promises, of its adapter on a real Redis.
#include <gtest/gtest.h>

#include "adapters/redis/shared_stock.hpp"
#include "tests/support/redis_client.hpp"

namespace market {
namespace {

using tests::run;

const LogId log{0x0123456789abcdef, 0xfedcba9876543210, 3};
const ProductId shoes{1LL << 40}, tickets{(1LL << 40) + 1};

StockLine line(ProductId product, Place place, std::int64_t remaining) {
  return StockLine{product, place, remaining, 1'000, {}, {}};
}

class SharedStockContract : public testing::Test {
 protected:
  SharedStock::Written write(std::vector<StockLine> lines, Place end = 0, LogId of = log) {
    const auto written = run(stock.write(of, end, std::move(lines)));
    EXPECT_TRUE(written) << written.error().detail;
    return written.value_or(SharedStock::Written{});
  }
  std::vector<StockLine> moved(Place after = 0, LogId of = log) {
    auto lines = run(stock.moved_since(of, after));
    EXPECT_TRUE(lines);
    return lines.value_or(std::vector<StockLine>{});
  }
  std::string field(ProductId product, const char* name) {
    const auto key = redis::RedisSharedStock::prefix(log) + "stock:" + product.text();
    return std::string(tests::ask(*client, {"HGET", key, name})->text());
  }
  tests::RedisServer server;
  std::unique_ptr<redis::Client> client = tests::connected_client(server.port);
  redis::RedisSharedStock stock{*client};
};

TEST_F(SharedStockContract, ShowsWhatWasWritten) {
  const Instant opens = *parse_rfc3339("2026-11-24T01:22:03.004Z");
  StockLine whole = line(shoes, 7, 5);
  whole.opens = opens;
  whole.closes = opens + Millis(60'000);
  EXPECT_TRUE(write({whole, line(tickets, 9, 0)}, 9).was_empty);
  EXPECT_FALSE(write({}, 9).was_empty);
  EXPECT_EQ(moved(), (std::vector{whole, line(tickets, 9, 0)}));
  EXPECT_EQ(moved(7), std::vector{line(tickets, 9, 0)});
  EXPECT_TRUE(moved(9).empty());
  EXPECT_EQ(field(shoes, "remaining"), "5");
  EXPECT_EQ(field(shoes, "opens"), "2026-11-24T01:22:03.004Z");
  EXPECT_EQ(field(tickets, "opens"), "");
  EXPECT_EQ(field(tickets, "generation"), "3");
}

TEST_F(SharedStockContract, NeverGoesBackToAnOlderPlace) {
  write({line(shoes, 10, 3)}, 10);
  EXPECT_EQ(write({line(shoes, 9, 4)}, 9).newer, 1u);
  EXPECT_EQ(moved(), std::vector{line(shoes, 10, 3)});
  EXPECT_EQ(write({line(shoes, 10, 2)}, 10).newer, 0u) << "at its own place it may be written again";
  EXPECT_EQ(moved(), std::vector{line(shoes, 10, 2)});
}

TEST_F(SharedStockContract, BeginsAnewWithALaterGeneration) {
  write({line(shoes, 100, 3), line(tickets, 90, 1)}, 100);
  LogId adopted = log;
  adopted.generation = 4;
  EXPECT_FALSE(write({line(shoes, 50, 8)}, 50, adopted).outdated);
  EXPECT_EQ(moved(0, adopted), std::vector{line(shoes, 50, 8)});
  EXPECT_TRUE(moved(0, log).empty()) << "of the old one nothing is believed";
  const auto old = write({line(shoes, 200, 1)}, 200);
  EXPECT_TRUE(old.outdated);
  EXPECT_EQ(moved(0, adopted), std::vector{line(shoes, 50, 8)}) << "who was left behind writes nothing";
}

TEST_F(SharedStockContract, KeepsTwoShopsApart) {
  LogId other = log;
  other.lo = 1;
  write({line(shoes, 10, 3)}, 10);
  EXPECT_TRUE(write({line(shoes, 2, 9)}, 2, other).was_empty);
  EXPECT_EQ(moved(0, other), std::vector{line(shoes, 2, 9)});
  EXPECT_EQ(moved(), std::vector{line(shoes, 10, 3)});
}

TEST_F(SharedStockContract, SaysThatItIsEmptyAgain) {
  write({line(shoes, 10, 3)}, 10);
  ASSERT_TRUE(tests::ask(*client, {"FLUSHALL"}));
  EXPECT_TRUE(moved().empty());
  EXPECT_TRUE(write({}, 10).was_empty);
  server.kill();
  EXPECT_FALSE(run(stock.write(log, 10, {line(shoes, 10, 3)})));
  EXPECT_FALSE(run(stock.moved_since(log, 0)));
  server.start();
  ASSERT_TRUE(tests::wait([&] { return client->connected(); }, Millis(3'000)));
  EXPECT_TRUE(write({line(shoes, 10, 3)}, 10).was_empty);
}

/// Whoever can write there can be wrong, or mean harm.
TEST_F(SharedStockContract, TakesForeignValuesForNone) {
  const auto ours = redis::RedisSharedStock::prefix(log);
  const auto key = ours + "stock:" + shoes.text();
  for (const redis::Words& foreign :
       std::vector<redis::Words>{{"SET", key, "text"},
                                 {"HSET", key, "generation", "3", "place", "inf"},
                                 {"HSET", key, "generation", "nan", "place", "99"},
                                 {"HSET", key, "generation", "99999999999", "place", "99"},
                                 {"HSET", key, "generation", "3\r\n", "place", "-1", "remaining", "x"},
                                 {"SET", ours + "moved", "text"},
                                 {"SET", ours + "mark", "text"},
                                 {"HSET", ours + "mark", "generation", "zz", "place", "1e99"}}) {
    ASSERT_TRUE(tests::ask(*client, {"FLUSHALL"}));
    ASSERT_TRUE(tests::ask(*client, foreign));
    EXPECT_EQ(write({line(shoes, 10, 3)}, 10).newer, 0u) << foreign[2];
    EXPECT_EQ(moved(), std::vector{line(shoes, 10, 3)}) << foreign[2];
  }
  for (const char* product : {"no id", "", "'\"; DROP", "\r\n*1\r\n"})
    ASSERT_TRUE(tests::ask(*client, {"ZADD", ours + "moved", "99", product}));
  for (const char* units : {"-1", "1000000001", "1e3", "", "9223372036854775808"}) {
    ASSERT_TRUE(tests::ask(*client, {"HSET", key, "remaining", units}));
    EXPECT_TRUE(moved().empty()) << units;
  }
}

TEST_F(SharedStockContract, ForgetsWhatNobodyWrites) {
  write({line(shoes, 10, 3)}, 10);
  const auto ours = redis::RedisSharedStock::prefix(log);
  for (const auto& key : {ours + "mark", ours + "moved", ours + "stock:" + shoes.text()}) {
    const auto life = tests::ask(*client, {"PTTL", key})->number();
    EXPECT_GT(life, 3'590'000) << key;
    EXPECT_LE(life, 3'600'000) << key;
  }
}

TEST_F(SharedStockContract, TakesAWholeBatch) {
  std::vector<StockLine> lines;
  for (std::int64_t i = 1; i <= static_cast<std::int64_t>(SharedStock::lines_max); ++i)
    lines.push_back(line(ProductId{shoes.value + i}, i, i));
  write(lines, 500);
  EXPECT_EQ(moved(), lines);
}

}  // namespace
}  // namespace market
