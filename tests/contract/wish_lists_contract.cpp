/// ports/wish_lists.hpp: what every adapter must keep.
#include <gtest/gtest.h>

#include "adapters/crypto/field_cipher.hpp"
#include "adapters/sqlite/carts.hpp"
#include "adapters/sqlite/main_database.hpp"
#include "tests/contract/run_task.hpp"

namespace market::contract {
namespace {

Instant at(std::int64_t seconds) {
  return Instant(std::chrono::seconds(1'790'000'000 + seconds));
}
constexpr UserId alice{1}, bob{2};

class WishListsContract : public testing::Test {
 protected:
  ~WishListsContract() override { pool_.stop(); }

  TemporaryFolder folder_;
  BlockingPool pool_{2, 1'000};
  crypto::SodiumFieldCipher cipher_{{crypto::FieldKey{"k1", {1, 2, 3}}}, crypto::FieldSecret{4, 5, 6}};
  sqlite::MainDatabase database_{folder_.file("main.db"), pool_, 2, cipher_};
  sqlite::SqliteWishLists wishes_{database_};
};

TEST_F(WishListsContract, AreReadPageByPageNewestFirst) {
  for (std::int64_t i = 1; i <= 5; ++i)
    EXPECT_TRUE(run(wishes_.put(alice, Wish{ProductId{i}, at(i / 2)})));  // Some at the same time.
  EXPECT_TRUE(run(wishes_.put(bob, Wish{ProductId{9}, at(9)})));
  EXPECT_TRUE(run(wishes_.put(alice, Wish{ProductId{1}, at(100)}))) << "it is there, and stays where it is";
  std::vector<std::int64_t> seen;
  std::optional<Wish> after;
  for (;;) {
    const auto page = *run(wishes_.list(alice, after, 2));
    if (page.empty()) break;
    for (const Wish& wish : page) seen.push_back(wish.product.value);
    after = page.back();
  }
  EXPECT_EQ(seen, (std::vector<std::int64_t>{5, 4, 3, 2, 1}));
  EXPECT_TRUE(run(wishes_.remove(alice, ProductId{3})));
  EXPECT_TRUE(run(wishes_.remove(alice, ProductId{3})));
  EXPECT_EQ(run(wishes_.list(alice, {}, 100))->size(), 4u);
  EXPECT_EQ(run(wishes_.list(bob, {}, 100))->size(), 1u);
}

TEST_F(WishListsContract, HaveABound) {
  for (std::int64_t i = 1; i <= wishes_max; ++i)
    ASSERT_TRUE(run(wishes_.put(alice, Wish{ProductId{i}, at(0)})));
  EXPECT_EQ(run(wishes_.put(alice, Wish{ProductId{9'999}, at(0)})).error().code, Code::list_full);
  EXPECT_TRUE(run(wishes_.put(alice, Wish{ProductId{1}, at(0)})));
}

TEST_F(WishListsContract, SayWhenTheirFileIsGone) {
  std::filesystem::rename(folder_.file("main.db"), folder_.file("away"));
  EXPECT_EQ(run(wishes_.put(alice, Wish{ProductId{1}, at(0)})).error().code, Code::unavailable);
}

}  // namespace
}  // namespace market::contract
