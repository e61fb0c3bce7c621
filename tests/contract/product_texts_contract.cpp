/// ports/product_texts.hpp: what every adapter must keep.
#include <gtest/gtest.h>

#include "adapters/sqlite/main_database.hpp"
#include "adapters/sqlite/product_texts.hpp"
#include "tests/contract/run_task.hpp"

namespace market::contract {
namespace {

class ProductTextsContract : public testing::Test {
 protected:
  ~ProductTextsContract() override { pool_.stop(); }
  TemporaryFolder folder_;
  BlockingPool pool_{2, 100};
  sqlite::MainDatabase database_{folder_.file("main.db"), pool_, 1};
  sqlite::SqliteProductTexts texts_{database_};
};

TEST_F(ProductTextsContract, LoadsWhatWasStoredLast) {
  EXPECT_TRUE(texts_.load_all()->empty());
  ProductText text{ProductId{7}, "한정판 \"운동화\"", "줄 하나\n줄 둘",  "shoes",
                   "",           Instant(Millis(1)),  Instant(Millis(2))};
  ASSERT_TRUE(run(texts_.store(text)));
  ProductText other{ProductId{3},      "cap", "", "hats", "/images/3.webp", Instant(Millis(3)),
                    Instant(Millis(4))};
  ASSERT_TRUE(run(texts_.store(other)));
  text.name = "운동화";
  text.updated_at = Instant(Millis(9));
  ASSERT_TRUE(run(texts_.store(text)));

  const auto all = texts_.load_all();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].id, other.id);
  EXPECT_EQ((*all)[0].image_url, "/images/3.webp");
  EXPECT_EQ((*all)[1].name, text.name);
  EXPECT_EQ((*all)[1].description, text.description);
  EXPECT_EQ((*all)[1].created_at, text.created_at);
  EXPECT_EQ((*all)[1].updated_at, text.updated_at);
}

TEST_F(ProductTextsContract, AnImageComesBackByteForByte) {
  ProductText text;
  text.id = ProductId{7};
  text.name = "cap";
  const auto missing = run(texts_.load_image(text.id));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  std::string bytes("\x89PNG\0\xFF'", 7);
  bytes.append(5 * 1024 * 1024, '\0');
  text.image_url = "/1";
  ASSERT_TRUE(run(texts_.store_image(text, ProductImage{"image/png", "old"})));
  text.image_url = "/2";
  ASSERT_TRUE(run(texts_.store_image(text, ProductImage{"image/webp", bytes})));
  const auto image = run(texts_.load_image(text.id));
  ASSERT_TRUE(image);
  EXPECT_EQ(image->media_type, "image/webp");
  EXPECT_TRUE(image->bytes == bytes);
  EXPECT_EQ(texts_.load_all()->front().image_url, "/2");
}

TEST_F(ProductTextsContract, AFullDiskIsSaidAndChangesNothing) {
  const auto fill = [](soci::session& sql) -> Result<> {
    sql << "PRAGMA max_page_count=1";  // SQLite takes the present size instead.
    return {};
  };
  ASSERT_TRUE(run(database_.write(fill)));
  ProductText text;
  text.id = ProductId{7};
  text.description = std::string(100'000, 'x');
  const auto stored = run(texts_.store(text));
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, Code::insufficient_storage);
  EXPECT_TRUE(texts_.load_all()->empty());
}

}  // namespace
}  // namespace market::contract
