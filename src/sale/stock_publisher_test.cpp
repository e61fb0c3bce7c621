#include "sale/stock_publisher.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <thread>

#include "tests/support/fixed_board.hpp"
#include "tests/support/memory_stock.hpp"

namespace market::sale {
namespace {

const LogId log{1, 2, 3};

class StockPublisherTest : public testing::Test {
 protected:
  static constexpr std::int64_t products = 2'000;
  StockPublisherTest() {
    for (std::int64_t i = 1; i <= products; ++i) show(ProductId{i}, 1, 5, true);
    publisher.start(io.get_executor());
    thread = std::thread([this] { io.run(); });
  }
  ~StockPublisherTest() override {
    publisher.stop();
    work.reset();
    thread.join();
  }
  void show(ProductId product, Place place, std::int64_t remaining, bool listed = false) {
    if (listed) board.list(product, {}, remaining);
    board.products.at(product)->live->remaining = remaining;
    end = place;
  }
  /// As the gate tells it.
  void sell(ProductId product, Place place, std::int64_t remaining) {
    show(product, place, remaining);
    StockAdjusted fact;
    fact.product = product;
    std::vector<CountedEvent> events(1);
    events[0].place = place;
    events[0].event.fact = fact;
    publisher.follow(std::make_shared<const std::vector<CountedEvent>>(std::move(events)));
  }
  template <class Condition>
  static bool within(Millis longest, Condition condition) {
    const auto until = std::chrono::steady_clock::now() + longest;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(Millis(5));
    }
    return true;
  }

  tests::MemoryStock stock;
  tests::FixedBoard board;
  std::atomic<Place> end{1};
  std::atomic<bool> writes{true};
  std::atomic<std::uint64_t> connection{1};
  std::mutex warned_mutex;
  std::vector<std::string> warned;
  asio::io_context io;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{asio::make_work_guard(io)};
  StockPublisher publisher{PublisherParts{stock, board, [] { return log; }, [this] { return end.load(); },
                                          [this] { return writes.load(); },
                                          [this]() -> std::optional<std::uint64_t> {
                                            const auto number = connection.load();
                                            return number == 0 ? std::nullopt : std::optional(number);
                                          },
                                          [this](const std::string& line) {
                                            const std::scoped_lock lock(warned_mutex);
                                            warned.push_back(line);
                                          }}};
  std::thread thread;
};

TEST_F(StockPublisherTest, WritesAllAtTheStartAndWhatMovesAtOnce) {
  EXPECT_TRUE(within(Millis(2'000), [&] { return stock.size() == products; }));
  sell(ProductId{7}, 2, 4);
  EXPECT_TRUE(within(Millis(300), [&] { return stock.remaining(ProductId{7}) == 4; }));
}

TEST_F(StockPublisherTest, WritesAllAnewWhenNothingIsThere) {
  ASSERT_TRUE(within(Millis(2'000), [&] { return stock.size() == products; }));
  sell(ProductId{7}, 2, 4);
  stock.flush();
  EXPECT_TRUE(within(Millis(1'000), [&] { return stock.size() == products; }));
  EXPECT_EQ(stock.remaining(ProductId{7}), 4);
}

TEST_F(StockPublisherTest, RepairsASingleValueThatWasLostOrSpoiled) {
  ASSERT_TRUE(within(Millis(2'000), [&] { return stock.size() == products; }));
  sell(ProductId{7}, 2, 4);
  ASSERT_TRUE(within(Millis(300), [&] { return stock.remaining(ProductId{7}) == 4; }));
  {
    const std::scoped_lock lock(stock.mutex);
    stock.kept.erase(ProductId{7});
  }
  EXPECT_TRUE(within(Millis(1'300), [&] { return stock.remaining(ProductId{7}) == 4; })) << "it is hot";
  {
    const std::scoped_lock lock(stock.mutex);
    stock.kept.erase(ProductId{1'000});
  }
  EXPECT_TRUE(within(Millis(5'000), [&] { return stock.remaining(ProductId{1'000}) == 5; })) << "in passing";
}

TEST_F(StockPublisherTest, CatchesUpAfterRedisWasAway) {
  ASSERT_TRUE(within(Millis(2'000), [&] { return stock.size() == products; }));
  connection = 0;
  std::this_thread::sleep_for(Millis(50));
  const int calls = stock.calls;
  sell(ProductId{7}, 2, 1);
  std::this_thread::sleep_for(Millis(400));
  EXPECT_EQ(stock.calls, calls) << "nobody is asked while nobody is there";
  stock.flush();
  connection = 2;
  EXPECT_TRUE(
      within(Millis(1'000), [&] { return stock.size() == products && stock.remaining(ProductId{7}) == 1; }));
}

TEST_F(StockPublisherTest, WritesNothingWhileAnotherInstanceWritesTheLog) {
  ASSERT_TRUE(within(Millis(2'000), [&] { return stock.size() == products; }));
  writes = false;
  std::this_thread::sleep_for(Millis(50));
  sell(ProductId{7}, 2, 1);
  std::this_thread::sleep_for(Millis(300));
  EXPECT_EQ(stock.remaining(ProductId{7}), 5);
  writes = true;
  EXPECT_TRUE(within(Millis(1'000), [&] { return stock.remaining(ProductId{7}) == 1; })) << "it takes over";
}

TEST_F(StockPublisherTest, SaysOnceThatRedisRefuses) {
  ASSERT_TRUE(within(Millis(2'000), [&] { return stock.size() == products; }));
  stock.broken = true;
  sell(ProductId{7}, 2, 1);
  EXPECT_TRUE(within(Millis(2'000), [&] { return publisher.failures() >= 3; }));
  stock.broken = false;
  EXPECT_TRUE(within(Millis(1'000), [&] { return stock.remaining(ProductId{7}) == 1; }))
      << "nothing is forgotten";
  const std::scoped_lock lock(warned_mutex);
  ASSERT_EQ(warned.size(), 1u);
  EXPECT_NE(warned[0].find("OOM"), std::string::npos);
}

}  // namespace
}  // namespace market::sale
