#include "sale/stock_publisher.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "tests/support/fixed_board.hpp"
#include "tests/support/memory_stock.hpp"
#include "tests/support/wait.hpp"

namespace market::sale {
namespace {

using tests::wait;

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
  EXPECT_TRUE(wait([&] { return stock.size() == products; }));
  sell(ProductId{7}, 2, 4);
  EXPECT_TRUE(wait([&] { return stock.remaining(ProductId{7}) == 4; }));
}

TEST_F(StockPublisherTest, WritesAllAnewWhenNothingIsThere) {
  ASSERT_TRUE(wait([&] { return stock.size() == products; }));
  sell(ProductId{7}, 2, 4);
  stock.flush();
  EXPECT_TRUE(wait([&] { return stock.size() == products; }));
  EXPECT_EQ(stock.remaining(ProductId{7}), 4);
}

TEST_F(StockPublisherTest, RepairsASingleValueThatWasLostOrSpoiled) {
  ASSERT_TRUE(wait([&] { return stock.size() == products; }));
  sell(ProductId{7}, 2, 4);
  ASSERT_TRUE(wait([&] { return stock.remaining(ProductId{7}) == 4; }));
  {
    const std::scoped_lock lock(stock.mutex);
    stock.kept.erase(ProductId{7});
  }
  EXPECT_TRUE(wait([&] { return stock.remaining(ProductId{7}) == 4; })) << "it is hot";
  {
    const std::scoped_lock lock(stock.mutex);
    stock.kept.erase(ProductId{1'000});
  }
  EXPECT_TRUE(wait([&] { return stock.remaining(ProductId{1'000}) == 5; })) << "in passing";
}

TEST_F(StockPublisherTest, CatchesUpAfterRedisWasAway) {
  ASSERT_TRUE(wait([&] { return stock.size() == products; }));
  connection = 0;
  std::this_thread::sleep_for(Millis(50));  // What was under way.
  const int calls = stock.calls;
  sell(ProductId{7}, 2, 1);
  EXPECT_TRUE(tests::stays_away([&] { return stock.calls != calls; }, Millis(400)))
      << "nobody is asked while nobody is there";
  stock.flush();
  connection = 2;
  EXPECT_TRUE(wait([&] { return stock.size() == products && stock.remaining(ProductId{7}) == 1; }));
}

TEST_F(StockPublisherTest, WritesNothingWhileAnotherInstanceWritesTheLog) {
  ASSERT_TRUE(wait([&] { return stock.size() == products; }));
  writes = false;
  std::this_thread::sleep_for(Millis(50));  // What was under way.
  sell(ProductId{7}, 2, 1);
  EXPECT_TRUE(tests::stays_away([&] { return stock.remaining(ProductId{7}) != 5; }, Millis(300)));
  writes = true;
  EXPECT_TRUE(wait([&] { return stock.remaining(ProductId{7}) == 1; })) << "it takes over";
}

TEST_F(StockPublisherTest, SaysOnceThatRedisRefuses) {
  ASSERT_TRUE(wait([&] { return stock.size() == products; }));
  stock.broken = true;
  sell(ProductId{7}, 2, 1);
  EXPECT_TRUE(wait([&] { return publisher.failures() >= 3; }));
  stock.broken = false;
  EXPECT_TRUE(wait([&] { return stock.remaining(ProductId{7}) == 1; })) << "nothing is forgotten";
  const std::scoped_lock lock(warned_mutex);
  ASSERT_EQ(warned.size(), 1u);
  EXPECT_NE(warned[0].find("OOM"), std::string::npos);
}

/// One call after the other, at times that the test says, to a store that answers what it is told to.
class PublisherByHand : public testing::Test {
 protected:
  struct Store final : SharedStock {
    Task<Written> write(LogId, Place, std::vector<StockLine> lines) override {
      sizes.push_back(lines.size());
      for (const StockLine& line : lines) ++times[line.product];
      co_return says;
    }
    Task<std::vector<StockLine>> moved_since(LogId, Place) override { co_return std::vector<StockLine>(); }
    Written says;
    std::vector<std::size_t> sizes;
    std::map<ProductId, int> times;
  };
  bool publish() {
    io.restart();
    auto done = asio::co_spawn(io, publisher.publish(), asio::use_future);
    io.run();
    return done.get();
  }
  void after(Millis pause) {
    now += pause;
    EXPECT_TRUE(publish());
  }
  void move(std::int64_t first, std::int64_t last) {
    std::vector<CountedEvent> events;
    for (std::int64_t id = first; id <= last; ++id) {
      board.list(ProductId{id}, {}, 5);
      StockAdjusted fact;
      fact.product = ProductId{id};
      events.push_back(CountedEvent{2, Event{{}, {}, 0, {}, fact}});
    }
    publisher.follow(std::make_shared<const std::vector<CountedEvent>>(std::move(events)));
  }

  Store stock;
  tests::FixedBoard board;
  asio::io_context io;
  std::chrono::steady_clock::time_point now{std::chrono::hours(1)};
  Place end = 1;
  LogId named = log;
  std::vector<std::string> warned;
  StockPublisher publisher{PublisherParts{stock, board, [this] { return named; }, [this] { return end; },
                                          [] { return true; }, [] { return std::optional<std::uint64_t>(1); },
                                          [this](const std::string& line) { warned.push_back(line); },
                                          [this] { return now; }}};
};

TEST_F(PublisherByHand, WritesNothingBeforeThereIsALogWithAnEvent) {
  move(1, 3);
  end = 0;
  after(Millis(0));
  end = 1;
  named = {};
  after(Millis(1'000));
  EXPECT_TRUE(stock.sizes.empty());
  named = log;
  after(Millis(1'000));
  EXPECT_EQ(stock.times.size(), 3u);
}

TEST_F(PublisherByHand, AProductThatNobodySellsIsLeftToExpire) {
  ProductTerms terms;
  terms.withdrawn = true;
  board.list(ProductId{1}, terms);
  board.list(ProductId{2}, {});
  StockAdjusted gone, withdrawn;
  gone.product = ProductId{9};
  withdrawn.product = ProductId{1};
  publisher.follow(std::make_shared<const std::vector<CountedEvent>>(std::vector<CountedEvent>{
      CountedEvent{2, Event{{}, {}, 0, {}, gone}}, CountedEvent{3, Event{{}, {}, 0, {}, withdrawn}}}));
  after(Millis(0));
  EXPECT_EQ(stock.times.size(), 1u);
  EXPECT_TRUE(stock.times.contains(ProductId{2}));
}

TEST_F(PublisherByHand, SaysOnceAnHourThatSomebodyElseIsAhead) {
  board.list(ProductId{1}, {});
  stock.says.newer = 1;
  for (int i = 0; i < 9; ++i) after(Millis(1'000));
  EXPECT_TRUE(warned.empty()) << "a writer that was replaced may still be heard";
  stock.says.newer = 0;
  after(Millis(1'000));
  stock.says.newer = 1;
  for (int i = 0; i < 30; ++i) after(Millis(1'000));
  ASSERT_EQ(warned.size(), 1u);
  EXPECT_NE(warned[0].find("a later place than this log has"), std::string::npos);
  EXPECT_EQ(publisher.lines_newer(), 39u);
  stock.says = {};
  after(Millis(1'000));
  stock.says.outdated = true;
  for (int i = 0; i < 30; ++i) after(Millis(1'000));
  ASSERT_EQ(warned.size(), 2u);
  EXPECT_NE(warned[1].find("a later generation"), std::string::npos);
}

/// That they are hot is forgotten rather than memory filled; what moved is not.
TEST_F(PublisherByHand, InARushOnVeryManyProductsEachIsWritten) {
  const auto many = static_cast<std::int64_t>(StockPublisher::hot_max);
  move(1, 2 * many);
  const auto publish_all = [&] {
    std::size_t before = 0;
    do {
      before = stock.sizes.size();
      after(Millis(20));
    } while (stock.sizes.size() > before);
  };
  publish_all();
  EXPECT_EQ(stock.times.size(), static_cast<std::size_t>(2 * many));
  now += Millis(5'000);  // They have cooled.
  move(2 * many + 1, 2 * many + 10);
  publish_all();
  EXPECT_GE(stock.times[ProductId{2 * many + 1}], 1);
  move(3 * many, 5 * many + 20);
  move(5 * many + 21, 5 * many + 30);
  publish_all();
  EXPECT_GE(stock.times[ProductId{3 * many}], 1);
  EXPECT_GE(stock.times[ProductId{5 * many + 30}], 1);
}

}  // namespace
}  // namespace market::sale
