/// ports/wish_lists.hpp: what every adapter must keep.
#include "adapters/sql/carts.hpp"
#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

constexpr UserId alice{1}, bob{2};

class WishListsContract : public MainDatabaseContract {
 protected:
  sql::SqlWishLists wishes_{database_};
};

TEST_P(WishListsContract, AreReadPageByPageNewestFirst) {
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

TEST_P(WishListsContract, HaveABound) {
  for (std::int64_t i = 1; i <= wishes_max; ++i)
    ASSERT_TRUE(run(wishes_.put(alice, Wish{ProductId{i}, at(0)})));
  EXPECT_EQ(run(wishes_.put(alice, Wish{ProductId{9'999}, at(0)})).error().code, Code::list_full);
  EXPECT_TRUE(run(wishes_.put(alice, Wish{ProductId{1}, at(0)})));
}

TEST_P(WishListsContract, SayWhenTheirFileIsGone) {
  if (!in_file()) return;
  std::filesystem::rename(folder_.file("main.db"), folder_.file("away"));
  EXPECT_EQ(run(wishes_.put(alice, Wish{ProductId{1}, at(0)})).error().code, Code::unavailable);
}

MARKET_ON_EACH_DATABASE(WishListsContract);

}  // namespace
}  // namespace market::contract
