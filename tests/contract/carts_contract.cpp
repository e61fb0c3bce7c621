/// ports/carts.hpp: what every adapter must keep.
#include <thread>

#include "adapters/sql/carts.hpp"
#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

constexpr UserId alice{1}, bob{2};

class CartsContract : public MainDatabaseContract {
 protected:
  std::vector<CartItem> items(UserId user) { return *run(carts_.items(user)); }
  bool put(UserId user, std::int64_t product, std::int32_t quantity, std::int64_t when = 0) {
    const auto stored = run(carts_.put(user, CartItem{ProductId{product}, quantity}, at(when)));
    EXPECT_TRUE(stored || stored.error().code == Code::list_full);
    return stored.has_value();
  }

  sql::SqlCarts carts_{database_};
};

TEST_P(CartsContract, KeepEachUsersItemsInTheOrderOfAdding) {
  EXPECT_TRUE(put(alice, 30, 1, 1) && put(alice, 10, 2, 2) && put(bob, 30, 9, 3));
  EXPECT_EQ(items(alice), (std::vector<CartItem>{{ProductId{30}, 1}, {ProductId{10}, 2}}));
  EXPECT_TRUE(put(alice, 30, 7, 4)) << "the quantity changes, the place does not";
  EXPECT_EQ(items(alice), (std::vector<CartItem>{{ProductId{30}, 7}, {ProductId{10}, 2}}));
  EXPECT_EQ(items(bob), (std::vector<CartItem>{{ProductId{30}, 9}}));
}

TEST_P(CartsContract, ForgetWhatIsRemoved) {
  EXPECT_TRUE(put(alice, 1, 1) && put(alice, 2, 1) && put(bob, 1, 1));
  EXPECT_TRUE(run(carts_.remove(alice, ProductId{1})));
  EXPECT_TRUE(run(carts_.remove(alice, ProductId{1}))) << "gone already";
  EXPECT_EQ(items(alice), (std::vector<CartItem>{{ProductId{2}, 1}}));
  EXPECT_TRUE(run(carts_.clear(alice)));
  EXPECT_TRUE(run(carts_.clear(alice)));
  EXPECT_TRUE(items(alice).empty());
  EXPECT_EQ(items(bob).size(), 1u);
}

TEST_P(CartsContract, AreNoLargerThanAnOrder) {
  for (std::size_t i = 1; i <= cart_items_max; ++i) EXPECT_TRUE(put(alice, static_cast<std::int64_t>(i), 1));
  EXPECT_FALSE(put(alice, 1'000, 1));
  EXPECT_TRUE(put(alice, 1, 5)) << "one that is there may change";
  EXPECT_TRUE(put(bob, 1'000, 1)) << "another's cart has room";
}

TEST_P(CartsContract, AreNoLargerUnderManyAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> stored{0};
  for (int thread = 0; thread < 6; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 10; ++i) stored += put(alice, 1 + thread * 10 + i, 1);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(stored, static_cast<int>(cart_items_max));
  EXPECT_EQ(items(alice).size(), cart_items_max);
}

TEST_P(CartsContract, MergeTwiceAsOnce) {
  EXPECT_TRUE(put(alice, 1, 5) && put(alice, 2, 1));
  const std::vector<CartItem> browser{{ProductId{1}, 2}, {ProductId{2}, 3}, {ProductId{3}, 4}};
  const std::vector<CartItem> merged{{ProductId{1}, 5}, {ProductId{2}, 3}, {ProductId{3}, 4}};
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(run(carts_.merge(alice, browser, at(9)))->empty());
    EXPECT_EQ(items(alice), merged);
  }
}

TEST_P(CartsContract, MergeSaysWhatHadNoRoom) {
  for (std::int64_t i = 1; i < static_cast<std::int64_t>(cart_items_max); ++i) put(alice, i, 1);
  const std::vector<CartItem> browser{{ProductId{900}, 1}, {ProductId{901}, 1}, {ProductId{1}, 3}};
  EXPECT_EQ(*run(carts_.merge(alice, browser, at(9))), std::vector<ProductId>{ProductId{901}});
  EXPECT_EQ(items(alice).size(), cart_items_max);
  EXPECT_EQ(items(alice).front(), (CartItem{ProductId{1}, 3}));
}

TEST_P(CartsContract, SayWhenTheirFileIsGone) {
  if (!in_file()) return;
  std::filesystem::rename(folder_.file("main.db"), folder_.file("away"));
  EXPECT_EQ(run(carts_.put(alice, CartItem{ProductId{1}, 1}, at(0))).error().code, Code::unavailable);
}

MARKET_ON_EACH_DATABASE(CartsContract);

}  // namespace
}  // namespace market::contract
