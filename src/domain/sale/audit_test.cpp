/// That the audit finds what it is there for: each wrong log, and each state that is not what the log says.
#include "domain/sale/audit.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_sale.hpp"

namespace market {
namespace {

using namespace tests;

/// With ids that are easy to read: without their leading zeros.
std::string readable(std::string text) {
  constexpr std::size_t zeros_min = 6;
  for (std::size_t at = 0; (at = text.find(std::string(zeros_min, '0'), at)) != std::string::npos;)
    text.erase(at, std::min(text.find_first_not_of('0', at), text.size()) - at);
  return text;
}

class AuditOf : public testing::Test {
 protected:
  AuditOf() { see(ProductListed{shoes, limited_terms(2), {}, 5}); }
  void see(Fact fact, RequestKey key = {}, Instant when = at(0)) {
    audit.see(CountedEvent{audit.place() + 1, Event{when, key, 1, {}, std::move(fact)}});
  }
  OrderAccepted order(std::int64_t id, std::int64_t ticket, std::int32_t quantity = 1, UserId user = alice) {
    OrderAccepted fact{OrderId{id}, user, at(1'000), Money{500 * quantity, {}}, {}};
    fact.lines.push_back(OrderLine{shoes, 1, quantity, Money{500, {}}, ticket});
    return fact;
  }
  /// All that it found; empty: nothing.
  std::string found() const {
    std::string all;
    for (const auto& [invariant, violation] : audit.findings()) all += violation;
    return readable(all);
  }
  Audit audit;
};

TEST_F(AuditOf, ATicketThatIsLeftOut) {
  see(order(1, 1, 2));
  see(order(2, 2, 1, bob));
  see(order(3, 0, 1, bob));
  EXPECT_EQ(found(), "") << "a line of a regular product has none";
  see(order(4, 4, 1, seller));
  EXPECT_EQ(found(), "at place 5: product A: ticket 4 follows 2");
}

TEST_F(AuditOf, APlaceThatIsLeftOut) {
  audit.see(CountedEvent{4, Event{at(0), {}, 0, {}, Barrier{}}});
  EXPECT_EQ(found(), "at place 1: place 4 follows");
}

TEST_F(AuditOf, AKeyThatIsBoundTwiceWithinADay) {
  see(order(1, 1), RequestKey{1, 1});
  see(order(2, 2, 1, bob), RequestKey{1, 1}, at(24 * 3'600'000));
  EXPECT_EQ(found(), "") << "a day later it is another request";
  see(order(3, 3, 1, bob), RequestKey{1, 1}, at(48 * 3'600'000 - 1));
  EXPECT_EQ(found(), "at place 4: a request key is bound again");
}

TEST_F(AuditOf, ProductsThatAreListedAgainUnknownOrSkipAVersion) {
  const Audit before = audit;
  see(ProductListed{shoes, limited_terms(2), {}, 5});
  EXPECT_EQ(found(), "at place 2: a known product is listed again");
  audit = before;
  see(StockAdjusted{cap, 5, {}});
  EXPECT_EQ(found(), "at place 2: an unknown product is changed");
  audit = before;
  see(ProductChanged{shoes, 2, limited_terms(2), {}});
  see(StockAdjusted{shoes, -5, {}});
  EXPECT_EQ(found(), "");
  see(ProductChanged{shoes, 4, limited_terms(2), {}});
  EXPECT_EQ(found(), "at place 4: a product's version is skipped");
}

TEST_F(AuditOf, MoreThanThereIs) {
  see(StockAdjusted{shoes, -4, {}});
  see(order(1, 1));
  EXPECT_EQ(found(), "");
  see(order(2, 2, 1, bob));
  EXPECT_EQ(found(), "at place 4: product A: -1 remain");
}

TEST_F(AuditOf, ABuyerOverTheLimitUntilAnOrderEnds) {
  see(order(1, 1, 2));
  see(OrderCancelled{OrderId{1}, alice, {}, {MovedUnits{shoes, 2}}});
  see(order(2, 2, 2));
  EXPECT_EQ(found(), "") << "a cancelled order does not count";
  see(order(3, 3, 1));
  EXPECT_EQ(found(), "at place 5: buyer 1 has 3 units");
}

TEST_F(AuditOf, PricesAndSumsThatAreNotTheProducts) {
  OrderAccepted other = order(1, 1);
  other.total.amount = 499;
  const Audit before = audit;
  see(other);
  EXPECT_EQ(found(), "at place 2: order 1 is not its lines' sum");
  audit = before;
  other.lines[0].unit_price.amount = 499;
  see(other);
  EXPECT_EQ(found(), "at place 2: order 1 has another price than its product");
  audit = before;
  other = order(1, 1);
  other.lines[0].version = 2;
  see(other);
  EXPECT_EQ(found(), "at place 2: order 1 has another price than its product");
}

TEST_F(AuditOf, OrdersThatAreAcceptedTwiceUnknownOrSomebodyElses) {
  see(order(1, 1));
  const Audit before = audit;
  see(order(1, 2));
  EXPECT_EQ(found(), "at place 3: order 1 is accepted twice");
  audit = before;
  see(PaymentStarted{OrderId{7}, alice, AttemptId{8}});
  EXPECT_EQ(found(), "at place 3: order 7 is unknown");
  audit = before;
  see(PaymentStarted{OrderId{1}, bob, AttemptId{8}});
  EXPECT_EQ(found(), "at place 3: an event names another buyer");
}

TEST_F(AuditOf, AStepThatMayNotFollow) {
  see(order(1, 1));
  see(OrderMoved{OrderId{1}, alice, OrderState::shipped, {}, {}, {}, {}});
  EXPECT_EQ(found(), "at place 3: order 1 goes from accepted to shipped");
}

TEST_F(AuditOf, UnitsThatAreTakenAgainGetTheNextTicket) {
  see(order(1, 1));
  see(PaymentStarted{OrderId{1}, alice, AttemptId{8}});
  see(OrderVoided{OrderId{1}, alice, AttemptId{8}, {MovedUnits{shoes, 1}}, VoidReason::unpaid});
  const Audit before = audit;
  see(OrderPaid{OrderId{1}, alice, AttemptId{8}, true, {MovedUnits{shoes, 1}}, {2}});
  EXPECT_EQ(found(), "");
  EXPECT_EQ(audit.products().at(shoes).remaining, 4);
  audit = before;
  see(OrderPaid{OrderId{1}, alice, AttemptId{8}, true, {MovedUnits{shoes, 1}}, {5}});
  EXPECT_EQ(found(), "at place 5: product A: ticket 5 follows 1");
}

/// Where the writer's own state is wrong, whatever the log holds.
class AuditDifference : public testing::Test {
 protected:
  AuditDifference() {
    sale.list(shoes, 5);
    sale.list(cap, 5);
    sale.accepted(1, alice, shoes, 2);
    sale.accepted(2, bob, cap);
    sale.paying(2, bob, 20);
    sale.paid(3, bob, shoes);
    EXPECT_EQ(sale.violation(), "");
  }
  std::string difference() const { return readable(sale.audit.difference(sale.state)); }
  SaleProduct& product(ProductId id) { return *sale.state.product(id); }
  TestSale sale;
};

TEST_F(AuditDifference, OfPlaces) {
  ++sale.state.numbers.place;
  EXPECT_EQ(difference(), "place 9 is not 8");
}

TEST_F(AuditDifference, OfProducts) {
  product(shoes).version = 2;
  EXPECT_EQ(difference(), "product A has other terms");
  product(shoes).version = 1;
  product(shoes).terms.price.amount = 1;
  EXPECT_EQ(difference(), "product A has other terms");
  product(shoes).terms.price.amount = 500;
  ++product(shoes).stock.remaining;
  EXPECT_EQ(difference(), "product A: 3 of 5 remain, 2 of 5 in the whole log");
  --product(shoes).stock.remaining;
  EXPECT_EQ(difference(), "");
  sale.state.slots.erase(cap);
  EXPECT_EQ(difference(), "product B is missing");
  sale.state.products.pop_back();
  EXPECT_EQ(difference(), "another number of products");
}

TEST_F(AuditDifference, OfBuyers) {
  const Buyer somebody(alice, sale.state.slot_of(shoes));
  sale.state.buyers.set(somebody, 1);
  EXPECT_EQ(difference(), "buyer 1 of product A is miscounted");
  sale.state.buyers.set(somebody, 2);
  sale.state.buyers.set(Buyer(seller, 0), 1);
  EXPECT_EQ(difference(), "buyers are counted who have nothing");
}

TEST_F(AuditDifference, OfOpenOrders) {
  OpenOrder* open = sale.state.orders.find(OrderId{1});
  ASSERT_TRUE(open);
  const OpenOrder before = *open;
  const auto with = [&](auto change) {
    *open = before;
    change(*open);
    return difference();
  };
  constexpr auto different = "open order 1 is different";
  EXPECT_EQ(with([](OpenOrder& order) { order.state = OrderState::paid; }), different);
  EXPECT_EQ(with([](OpenOrder& order) { order.payment = PaymentState::pending; }), different);
  EXPECT_EQ(with([](OpenOrder& order) { order.user = bob; }), different);
  EXPECT_EQ(with([](OpenOrder& order) { order.pay_by += Millis(1); }), different);
  EXPECT_EQ(with([](OpenOrder&) {}), "");
  sale.state.orders.set_attempt(OrderId{2}, AttemptId{21});
  EXPECT_EQ(difference(), "open order 2 is different");
  sale.state.orders.set_attempt(OrderId{2}, AttemptId{20});
  sale.state.orders.erase(OrderId{1});
  EXPECT_EQ(difference(), "open order 1 is missing");
}

TEST_F(AuditDifference, OfOrdersThatTheWriterAloneKnows) {
  OpenOrder* closed = sale.state.orders.find(OrderId{3});
  ASSERT_TRUE(closed);
  closed->state = OrderState::shipped;
  EXPECT_EQ(difference(), "order 3 is shipped and paid, in the whole log paid and paid");
  closed->state = OrderState::paid;
  closed->payment = PaymentState::declined;
  EXPECT_EQ(difference(), "order 3 is paid and declined, in the whole log paid and paid");
  sale.state.orders.erase(OrderId{3});
  EXPECT_EQ(difference(), "") << "it may be forgotten";
  OpenOrder stranger;
  stranger.id = OrderId{9};
  sale.state.orders.put(stranger, {}, {});
  EXPECT_EQ(difference(), "order 9 is not in the whole log");
}

}  // namespace
}  // namespace market
