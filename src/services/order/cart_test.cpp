#include "services/order/cart.hpp"

#include <gtest/gtest.h>

#include "tests/support/fixed_board.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::order {
namespace {

constexpr UserId alice{1};
constexpr ProductId bag{10}, ticket{11}, hidden{12}, gone{13}, dollars{14}, unknown{99};

class MemoryCarts final : public Carts {
 public:
  Task<std::vector<CartItem>> items(UserId) override {
    if (failure) co_return fail(*failure, "asked for");
    co_return kept;
  }
  Task<> put(UserId, CartItem item, Instant) override {
    if (failure) co_return fail(*failure, "asked for");
    kept.push_back(item);
    co_return Result<>();
  }
  Task<> remove(UserId, ProductId) override { co_return Result<>(); }
  Task<> clear(UserId) override { co_return Result<>(); }
  Task<std::vector<ProductId>> merge(UserId, std::vector<CartItem> items, Instant) override {
    if (failure) co_return fail(*failure, "asked for");
    merged = std::move(items);
    kept = merged;
    co_return no_room;
  }
  std::vector<CartItem> kept, merged;
  std::vector<ProductId> no_room;
  std::optional<Code> failure;
};

class CartTest : public testing::Test {
 protected:
  CartTest() {
    ProductTerms regular;
    regular.price = Money{500, {}};
    board_.list(bag, regular, 5, {"Bag", "", "", std::string(64, 'a')});
    ProductTerms sale = regular;
    sale.kind = ProductKind::event;
    sale.sale = Sale{clock_.time - Millis(1), clock_.time + Millis(10'000), 2};
    board_.list(ticket, sale, 5, {"Ticket", "", "", ""});
    ProductTerms later = regular;
    later.publish_at = clock_.time + Millis(1);
    board_.list(hidden, later, 5, {"Secret", "", "", ""});
    ProductTerms withdrawn = regular;
    withdrawn.withdrawn = true;
    board_.list(gone, withdrawn, 5, {"Old bag", "", "", ""});
    ProductTerms foreign;
    foreign.price = Money{700, *Currency::parse("USD")};
    board_.list(dollars, foreign, 5, {"Poster", "", "", ""});
  }
  Cart show(std::vector<CartItem> items) {
    carts_.kept = std::move(items);
    return *tests::run(cart_.show(alice));
  }
  std::optional<Code> reason(CartItem item) { return show({item}).lines.front().reason; }

  tests::MovedClock clock_;
  tests::FixedBoard board_;
  MemoryCarts carts_;
  ShoppingCart cart_{carts_, board_, clock_};
};

TEST_F(CartTest, HasThePricesOfNow) {
  EXPECT_EQ(show({{bag, 2}, {ticket, 1}}).total, (Money{1'500, {}}));
  EXPECT_TRUE(show({{bag, 2}, {ticket, 1}}).orderable);
  ProductTerms dearer;
  dearer.price = Money{900, {}};
  board_.list(bag, dearer);
  EXPECT_EQ(show({{bag, 2}}).total, (Money{1'800, {}}));
  EXPECT_NE(show({{bag, 2}}).lines.front().image_url, show({{ticket, 1}}).lines.front().image_url + "x");
}

TEST_F(CartTest, AnEmptyOneCostsNothingAndIsNoOrder) {
  EXPECT_EQ(show({}).total, Money{});
  EXPECT_FALSE(show({}).orderable);
}

TEST_F(CartTest, SaysWhyAProductCannotBeOrdered) {
  EXPECT_EQ(reason({bag, 5}), std::nullopt);
  EXPECT_EQ(reason({bag, 6}), Code::insufficient_stock);
  EXPECT_EQ(reason({ticket, 3}), Code::limit_exceeded);
  for (const ProductId id : {hidden, gone, unknown}) EXPECT_EQ(reason({id, 1}), Code::product_not_found);
  clock_.time += Millis(20'000);
  EXPECT_EQ(reason({ticket, 1}), Code::sale_closed);
  clock_.time -= Millis(40'000);
  EXPECT_EQ(reason({ticket, 1}), Code::sale_not_open);
  ProductTerms regular;
  board_.list(bag, regular, 0);
  EXPECT_EQ(reason({bag, 1}), Code::sold_out);
}

TEST_F(CartTest, WhatCannotBeOrderedCostsNothingAndHoldsUpTheOrder) {
  const Cart cart = show({{bag, 1}, {gone, 3}});
  EXPECT_EQ(cart.total, (Money{500, {}}));
  EXPECT_FALSE(cart.orderable);
}

TEST_F(CartTest, TellsNothingOfAProductThatIsNotPublic) {
  const CartLine line = show({{hidden, 1}}).lines.front();
  EXPECT_FALSE(line.shown);
  EXPECT_EQ(line.name, "");
  EXPECT_EQ(show({{gone, 1}}).lines.front().name, "Old bag") << "that one was public";
}

TEST_F(CartTest, SeveralCurrenciesHaveNoTotal) {
  const Cart cart = show({{bag, 1}, {dollars, 1}});
  EXPECT_EQ(cart.total, std::nullopt);
  EXPECT_FALSE(cart.orderable) << "an order has one currency";
}

TEST_F(CartTest, TakesNoProductThatIsNotThere) {
  for (const ProductId id : {hidden, gone, unknown})
    EXPECT_EQ(tests::run(cart_.put(alice, {id, 1})).error().code, Code::product_not_found);
  EXPECT_TRUE(carts_.kept.empty());
  EXPECT_TRUE(tests::run(cart_.put(alice, {bag, 100}))) << "a cart holds no units";
}

TEST_F(CartTest, MergesWhatIsThere) {
  carts_.no_room = {ticket};
  const auto merged =
      *tests::run(cart_.merge(alice, {{bag, 1}, {bag, 3}, {bag, 2}, {hidden, 1}, {ticket, 1}}));
  EXPECT_EQ(carts_.merged, (std::vector<CartItem>{{bag, 3}, {ticket, 1}}));
  ASSERT_EQ(merged.left_out.size(), 2u);
  EXPECT_EQ(merged.left_out[0].product, hidden);
  EXPECT_EQ(merged.left_out[1].reason, Code::list_full);
}

TEST_F(CartTest, SaysWhenItCannotBeRead) {
  carts_.failure = Code::overloaded;
  EXPECT_EQ(tests::run(cart_.show(alice)).error().code, Code::overloaded);
  EXPECT_EQ(tests::run(cart_.put(alice, {bag, 1})).error().code, Code::overloaded);
  EXPECT_EQ(tests::run(cart_.merge(alice, {{bag, 1}})).error().code, Code::overloaded);
}

}  // namespace
}  // namespace market::order
