#include "sale/stock_reader.hpp"

#include <gtest/gtest.h>

#include "tests/support/memory_stock.hpp"
#include "tests/support/run_task.hpp"

namespace market::sale {
namespace {

const LogId log{1, 2, 3};

class StockReaderTest : public testing::Test {
 protected:
  Task<> looked() {
    co_await reader.look();
    co_return Result<>();
  }
  /// What it shows when it looks once.
  std::vector<StockLine> look() {
    shown.clear();
    EXPECT_TRUE(tests::run(looked()));
    return shown;
  }
  StockLine write(std::int64_t product, Place place, std::int64_t remaining) {
    const StockLine line{ProductId{product}, place, remaining, 10, {}, {}};
    stock.kept[line.product] = line;
    return line;
  }

  tests::MemoryStock stock;
  LogId of = log;
  Place place = 5;
  bool silent = true;
  std::optional<std::uint64_t> connection = 1;
  std::vector<StockLine> shown;
  StockReader reader{StockReaderParts{stock, [this] { return of; }, [this] { return place; },
                                      [this] { return silent; }, [this] { return connection; },
                                      [this](std::vector<StockLine> lines) { shown = std::move(lines); }}};
};

TEST_F(StockReaderTest, ShowsWhatLiesBehindTheOwnPlaceOnce) {
  write(1, 5, 9);
  const StockLine ahead = write(2, 6, 3);
  EXPECT_EQ(look(), std::vector{ahead});
  EXPECT_TRUE(look().empty()) << "nothing new";
  const StockLine later = write(1, 7, 2);
  EXPECT_EQ(look(), std::vector{later});
}

TEST_F(StockReaderTest, AsksNobodyWithoutAReason) {
  write(1, 6, 9);
  silent = false;
  EXPECT_TRUE(look().empty());
  silent = true;
  connection.reset();
  EXPECT_TRUE(look().empty());
  connection = 1;
  of = {};
  EXPECT_TRUE(look().empty());
  of = log;
  EXPECT_EQ(look().size(), 1u);
}

TEST_F(StockReaderTest, BeginsAnewWithEachSilenceAndEachConnection) {
  write(1, 100, 4);
  EXPECT_EQ(look().size(), 1u);
  const StockLine older = write(1, 50, 6);  // After a fail-over to a replica that was behind.
  EXPECT_TRUE(look().empty());
  connection = 2;
  EXPECT_EQ(look(), std::vector{older});
  silent = false;
  look();
  silent = true;
  EXPECT_EQ(look(), std::vector{older});
}

}  // namespace
}  // namespace market::sale
