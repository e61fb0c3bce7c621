/// ports/order_search.hpp: what every adapter must keep.
#include <gtest/gtest.h>

#include "adapters/mysql/order_search.hpp"
#include "adapters/mysql/record_fold.hpp"
#include "adapters/sqlite/order_search.hpp"
#include "adapters/sqlite/record_fold.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/mysql_database.hpp"

namespace market::contract {
namespace {

constexpr UserId alice{1}, bob{2};
constexpr ProductId bag{100}, cap{1'000};  // One id is the beginning of the other.
Instant at(std::int64_t millis) {
  return Instant(Millis(1'790'000'000'000 + millis));
}

/// Records, and who searches them.
struct Searched {
  virtual ~Searched() = default;
  virtual RecordFold& fold() = 0;
  virtual OrderSearch& search() = 0;
};

struct InFile final : Searched {
  RecordFold& fold() override { return fold_; }
  OrderSearch& search() override { return search_; }

  TemporaryFolder folder_;
  sqlite::SqliteRecordFold fold_{folder_.file("records.db")};
  sqlite::SqliteOrderSearch search_{folder_.file("records.db")};
};

struct InMysql final : Searched {
  RecordFold& fold() override { return fold_; }
  OrderSearch& search() override { return search_; }

  tests::MysqlDatabase database_;
  mysql::MysqlRecordFold fold_{database_.server()};
  mysql::MysqlOrderSearch search_{database_.server()};
};

class OrderSearchContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "mysql" && tests::engine("MYSQL").empty()) GTEST_SKIP() << tests::how_to_have_engines;
    if (GetParam() == "mysql")
      store_ = std::make_unique<InMysql>();
    else
      store_ = std::make_unique<InFile>();
    for (const ProductId product : {bag, cap})
      count(0, ProductListed{product, {}, {"thing", {}, {}, {}}, 50});
  }
  void count(std::int64_t when, Fact fact) {
    Event event;
    event.at = at(when);
    event.fact = std::move(fact);
    auto group = std::make_shared<std::vector<CountedEvent>>();
    group->push_back(CountedEvent{++place_, std::move(event)});
    const CountedEvents events = std::move(group);
    const auto folded = store_->fold().fold(place_ - 1, {&events, 1});
    ASSERT_TRUE(folded && *folded == place_);
  }
  OrderId accepted(std::int64_t id, UserId user, std::vector<ProductId> products) {
    OrderAccepted fact;
    fact.order = OrderId{id};
    fact.user = user;
    for (const ProductId product : products) fact.lines.push_back(OrderLine{product, 1, 2, Money{10, {}}, 0});
    fact.total = Money{static_cast<std::int64_t>(20 * products.size()), {}};
    count(0, std::move(fact));
    return OrderId{id};
  }
  OrderId paid(std::int64_t id, std::int64_t when, UserId user = alice) {
    accepted(id, user, {bag});
    count(when, OrderPaid{OrderId{id}, user, AttemptId{id}, false, {}, {}});
    return OrderId{id};
  }
  std::vector<std::int64_t> waiting(OrderState state, std::int64_t until, WaitingOrder after = {},
                                    int limit = 100) {
    std::vector<std::int64_t> ids;
    const auto found = *run(store_->search().waiting(state, at(until), after, limit));
    for (const WaitingOrder& each : found) ids.push_back(each.id.value);
    return ids;
  }
  std::vector<std::int64_t> search(OrderQuery query) {
    std::vector<std::int64_t> ids;
    last_ = *run(store_->search().search(query));
    for (const OrderPtr& order : last_.orders) ids.push_back(order->id.value);
    return ids;
  }
  using Ids = std::vector<std::int64_t>;

  std::unique_ptr<Searched> store_;
  Place place_ = 0;
  FoundPage last_;
};

TEST_P(OrderSearchContract, FindsWhatIsDueThoseLongestFirst) {
  paid(2'001, 300);
  paid(2'002, 100);
  paid(2'003, 300);
  paid(2'004, 301);
  accepted(2'005, alice, {bag});
  EXPECT_EQ(waiting(OrderState::paid, 300), (Ids{2'002, 2'001, 2'003}));
  EXPECT_EQ(waiting(OrderState::paid, 99), Ids{});
  EXPECT_EQ(waiting(OrderState::paid, 300, {}, 2), (Ids{2'002, 2'001}));
  EXPECT_EQ(waiting(OrderState::paid, 300, WaitingOrder{at(300), OrderId{2'001}}, 2), Ids{2'003});
  count(400, OrderMoved{OrderId{2'002}, alice, OrderState::preparing, {}, {}, {}, AttemptId{2'002}});
  EXPECT_EQ(waiting(OrderState::paid, 300), (Ids{2'001, 2'003}));
  EXPECT_EQ(waiting(OrderState::preparing, 399), Ids{});
  EXPECT_EQ(waiting(OrderState::preparing, 400), Ids{2'002}) << "since it is in this state";
  EXPECT_EQ(waiting(OrderState::shipped, 999), Ids{});
}

TEST_P(OrderSearchContract, AnOrderWhoseMoneyHasGoneWaitsForNothing) {
  for (const std::int64_t id : {2'001, 2'002}) {
    paid(id, 100);
    count(200, OrderMoved{OrderId{id}, alice, OrderState::shipped, {}, {}, {}, AttemptId{id}});
  }
  count(300, RefundOwed{OrderId{2'001}, alice, AttemptId{2'001}, OrderState::shipped});
  EXPECT_EQ(waiting(OrderState::shipped, 999), Ids{2'002});
  count(400, Refunded{OrderId{2'001}, alice, AttemptId{2'001}});
  EXPECT_EQ(waiting(OrderState::shipped, 999), Ids{2'002});
  const OrderCounts counts = *run(store_->search().count(bag));
  EXPECT_EQ(counts.refunded.at(Currency{}), 20);
  EXPECT_EQ(counts.by_state[static_cast<std::size_t>(OrderState::shipped)].amounts.at(Currency{}), 20)
      << "the other's";
}

TEST_P(OrderSearchContract, FindsByStateUserAndProductNewestFirst) {
  accepted(2'001, alice, {bag});
  accepted(2'002, bob, {cap});
  accepted(2'003, alice, {cap, bag});
  paid(2'004, 10, bob);
  EXPECT_EQ(search({}), (Ids{2'004, 2'003, 2'002, 2'001}));
  EXPECT_FALSE(last_.next);
  OrderQuery query;
  query.product = cap;
  EXPECT_EQ(search(query), (Ids{2'003, 2'002}));
  query.product = bag;
  EXPECT_EQ(search(query), (Ids{2'004, 2'003, 2'001})) << "also where it is not the first";
  query.user = alice;
  EXPECT_EQ(search(query), (Ids{2'003, 2'001}));
  query = {};
  query.state = OrderState::paid;
  EXPECT_EQ(search(query), Ids{2'004});
  query.state = OrderState::returned;
  EXPECT_EQ(search(query), Ids{});
}

TEST_P(OrderSearchContract, GoesOnWhereAPageEnds) {
  for (std::int64_t id = 2'001; id <= 2'005; ++id) accepted(id, id % 2 == 0 ? alice : bob, {bag});
  OrderQuery query;
  query.user = bob;
  query.limit = 2;
  EXPECT_EQ(search(query), (Ids{2'005, 2'003}));
  query.before = last_.next;
  ASSERT_TRUE(query.before);
  EXPECT_EQ(search(query), Ids{2'001});
  EXPECT_FALSE(last_.next);
}

TEST_P(OrderSearchContract, CountsMoreThanItReadsAtOnce) {
  for (std::int64_t id = 2'001; id <= 2'001 + mysql::MysqlOrderSearch::counted_at_once; ++id)
    accepted(id, alice, {bag});
  const OrderCounts counts = *run(store_->search().count(bag));
  EXPECT_EQ(counts.by_state[static_cast<std::size_t>(OrderState::accepted)].orders,
            mysql::MysqlOrderSearch::counted_at_once + 1);
}

TEST_P(OrderSearchContract, CountsWhatLiesBehindManyOrdersOfOtherProducts) {
  accepted(2'001, alice, {bag});
  for (std::int64_t id = 2'002; id <= 2'001 + mysql::MysqlOrderSearch::counted_at_once; ++id)
    accepted(id, alice, {cap});
  accepted(9'001, alice, {bag});
  const OrderCounts counts = *run(store_->search().count(bag));
  EXPECT_EQ(counts.by_state[static_cast<std::size_t>(OrderState::accepted)].orders, 2);
}

TEST_P(OrderSearchContract, FindsOneAndCountsAProduct) {
  accepted(2'001, alice, {cap, bag});
  paid(2'002, 5);
  EXPECT_EQ((*run(store_->search().find(OrderId{2'002})))->state, OrderState::paid);
  EXPECT_EQ(*run(store_->search().find(OrderId{9})), nullptr);
  const OrderCounts counts = *run(store_->search().count(bag));
  const auto& accepted_ones = counts.by_state[static_cast<std::size_t>(OrderState::accepted)];
  EXPECT_EQ(accepted_ones.orders, 1);
  EXPECT_EQ(accepted_ones.units, 2);
  EXPECT_EQ(accepted_ones.amounts.at(Currency{}), 20);
  EXPECT_EQ(counts.by_state[static_cast<std::size_t>(OrderState::paid)].orders, 1);
}

INSTANTIATE_TEST_SUITE_P(, OrderSearchContract, testing::Values("sqlite", "mysql"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace market::contract
