#include "wire/json/public_event.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "domain/sale/fold_order.hpp"

namespace market::wire {
namespace {

using boost::json::value;

constexpr LogId our_log{1, 2, 3};
Instant at(std::int64_t seconds) {
  return Instant(std::chrono::seconds(1'790'000'000 + seconds));
}
CountedEvent counted(Fact fact, std::int64_t seconds = 0, Place place = 7) {
  Event event;
  event.at = at(seconds);
  event.fact = std::move(fact);
  return {place, std::move(event)};
}
ProductListed listed(std::optional<Instant> publish_at = std::nullopt) {
  ProductListed fact;
  fact.product = ProductId{5};
  fact.terms.seller = UserId{77};
  fact.terms.price.amount = 100;
  fact.terms.publish_at = publish_at;
  fact.texts.name = "Shoe \"\x01 \xff";
  fact.stock = 3;
  return fact;
}

TEST(PublicEvent, SaysWhatHappenedAndBehindWhat) {
  PublicEvents events;
  const auto made = events.of(counted(listed()), our_log, 4);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->place, 7);
  EXPECT_EQ(made->key, ProductId{5}.text());
  const value body = boost::json::parse(made->body);
  EXPECT_EQ(body.at("id"), "evt_00000000000000010000000000000002_3_7");
  EXPECT_EQ(body.at("type"), "product.listed");
  EXPECT_EQ(body.at("generation"), 3);
  EXPECT_EQ(body.at("place"), 7);
  EXPECT_EQ(body.at("previous"), 4);
  EXPECT_EQ(body.at("data").at("stock"), 3);
  EXPECT_TRUE(body.at("data").at("sale").is_null());
  EXPECT_FALSE(body.at("data").as_object().contains("sellerId"));
  EXPECT_TRUE(boost::json::parse(events.of(counted(listed()), our_log, 0)->body).at("previous").is_null());
}

TEST(PublicEvent, NothingOfAProductBeforeItIsPublished) {
  PublicEvents events;
  EXPECT_FALSE(events.of(counted(listed(at(10))), our_log, 0));
  StockAdjusted more;
  more.product = ProductId{5};
  more.delta = 2;
  EXPECT_FALSE(events.of(counted(more, 9, 8), our_log, 0));
  EXPECT_TRUE(events.of(counted(more, 10, 9), our_log, 0)) << "by then it is";
  ProductChanged sooner;
  sooner.product = ProductId{5};
  sooner.version = 2;
  sooner.terms.publish_at = at(5);
  EXPECT_TRUE(events.of(counted(sooner, 6, 10), our_log, 0));
  EXPECT_TRUE(events.of(counted(more, 9, 11), our_log, 0));
  EXPECT_FALSE(events.of(counted(more, 9, 8), our_log, 0)) << "one that comes again is what it was";
}

TEST(PublicEvent, NothingOfAProductWhoseTermsAreNotKnown) {
  PublicEvents events;
  StockAdjusted more;
  more.product = ProductId{5};
  EXPECT_FALSE(events.of(counted(more, 9), our_log, 0));
  EXPECT_FALSE(events.knows(ProductId{5}, 7));
  events.note(ProductId{5}, 6, at(9));
  EXPECT_TRUE(events.knows(ProductId{5}, 7));
  EXPECT_FALSE(events.knows(ProductId{5}, 5));
  EXPECT_FALSE(events.of(counted(more, 8), our_log, 0));
  EXPECT_TRUE(events.of(counted(more, 9), our_log, 0));
  events.forget();
  EXPECT_FALSE(events.of(counted(more, 9), our_log, 0));
}

TEST(PublicEvent, APauseIsSeen) {
  PublicEvents events;
  ProductChanged changed;
  changed.product = ProductId{5};
  changed.version = 2;
  changed.terms.sale.emplace();
  for (const bool paused : {true, false}) {
    changed.terms.sale->paused = paused;
    const value body = boost::json::parse(events.of(counted(changed), our_log, 0)->body);
    EXPECT_EQ(body.at("data").at("sale").at("paused").as_bool(), paused);
  }
}

/// What a reader adds up that believes the words.
std::int64_t units_back(const value& data) {
  std::int64_t sum = 0;
  for (const auto& [name, sign] : {std::pair("unitsReturned", 1), std::pair("unitsTaken", -1)})
    if (const auto* units = data.as_object().if_contains(name))
      for (const value& each : units->as_array()) sum += sign * each.at("quantity").as_int64();
  return sum;
}

TEST(PublicEvent, UnitsAreReturnedWhereTheStockRises) {
  PublicEvents events;
  const OrderId order{9};
  const Units units{{ProductId{5}, 2}, {ProductId{6}, 1}};
  std::vector<Fact> facts{OrderVoided{order, {}, {}, units}, OrderCancelled{order, {}, {}, units},
                          OrderPaid{order, {}, AttemptId{8}, true, units, {}},
                          OrderPaid{order, {}, AttemptId{8}, false, {}, {}}};
  for (const OrderState state : {OrderState::preparing, OrderState::shipped, OrderState::delivered,
                                 OrderState::return_requested, OrderState::returned}) {
    OrderMoved moved;
    moved.order = order;
    moved.state = state;
    moved.units = units;
    facts.push_back(moved);
  }
  for (const Fact& fact : facts) {
    const value body = boost::json::parse(events.of(counted(fact), our_log, 0)->body);
    std::int64_t back = 0;
    for (const StockMove& move : stock_moves(fact)) back += move.remaining;
    EXPECT_EQ(units_back(body.at("data")), back) << body;
    EXPECT_EQ(body.at("data").at("orderId").as_string(), order.text());
    EXPECT_EQ(body.at("data").as_object().contains("unitsReturned"), back > 0) << body;
  }
}

TEST(PublicEvent, LateMoneyTellsItsNewTickets) {
  PublicEvents events;
  const OrderPaid paid{OrderId{9}, {}, AttemptId{8}, true, {{ProductId{5}, 2}, {ProductId{6}, 1}}, {14, 0}};
  const value body = boost::json::parse(events.of(counted(paid), our_log, 0)->body);
  const auto& taken = body.at("data").at("unitsTaken").as_array();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].at("ticket"), 14);
  EXPECT_TRUE(taken[1].at("ticket").is_null());
}

TEST(PublicEvent, NobodyIsNamedAndNoReasonIsRepeated) {
  PublicEvents events;
  events.note(counted(listed()));
  const UserId user{123'456'789};
  OrderAccepted accepted;
  accepted.order = OrderId{9};
  accepted.user = user;
  accepted.lines.push_back(OrderLine{ProductId{5}, 1, 2, Money{10, {}}, 4});
  OrderMoved moved;
  moved.order = OrderId{9};
  moved.user = user;
  moved.state = OrderState::return_requested;
  moved.reason = "my name is Kim";
  StockAdjusted adjusted;
  adjusted.product = ProductId{5};
  adjusted.reason = "call Kim";
  OrderVoided voided;
  voided.order = OrderId{9};
  voided.user = user;
  voided.units.push_back({ProductId{5}, 2});
  for (const Fact& fact :
       {Fact(accepted), Fact(moved), Fact(adjusted), Fact(voided),
        Fact(OrderPaid{OrderId{9}, user, AttemptId{8}, false, {}, {}}),
        Fact(PaymentDeclined{OrderId{9}, user, AttemptId{8}}),
        Fact(RefundOwed{OrderId{9}, user, AttemptId{8}}), Fact(Refunded{OrderId{9}, user, AttemptId{8}}),
        Fact(OrderCancelled{OrderId{9}, user, {}, {}})}) {
    const auto made = events.of(counted(fact), our_log, 0);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->body.find(user.text()), std::string::npos) << made->body;
    EXPECT_EQ(made->body.find("Kim"), std::string::npos) << made->body;
  }
  for (const Fact& fact : {Fact(PaymentStarted{OrderId{9}, user, AttemptId{8}}), Fact(GraceGranted{}),
                           Fact(Refused{}), Fact(Barrier{})})
    EXPECT_FALSE(events.of(counted(fact), our_log, 0)) << "of the engine alone";
}

}  // namespace
}  // namespace market::wire
