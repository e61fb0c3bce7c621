/// ports/order_records.hpp: what every adapter must keep, with segments small enough to be closed often.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "adapters/sqlite/order_fold.hpp"
#include "adapters/sqlite/order_records.hpp"
#include "tests/contract/run_task.hpp"

namespace market::contract {
namespace {

const Instant start{Millis(1'790'000'000'000)};

Order order_of(std::int64_t id, std::int64_t user, OrderState state = OrderState::accepted) {
  Order order;
  order.id = OrderId{id};
  order.user = UserId{user};
  order.state = state;
  order.total = Money{19'900, {}};
  order.created_at = order.updated_at = start + Millis(id);
  order.pay_by = order.created_at + Millis(600'000);
  order.key = RequestKey{static_cast<std::uint64_t>(user), static_cast<std::uint64_t>(id)};
  OrderLine line;
  line.product = ProductId{77};
  line.quantity = 1;
  line.unit_price = order.total;
  line.ticket = id;
  order.lines.push_back(line);
  const StateChange accepted{OrderState::accepted, order.created_at};
  order.history.push_back(accepted);
  return order;
}
OrderPtr shared(Order order) {
  return std::make_shared<const Order>(std::move(order));
}

class Store {
 public:
  virtual ~Store() = default;
  virtual OrderFold& fold() = 0;
  virtual OrderRecords& records() = 0;
  virtual void reopen() = 0;  ///< As after a crash: nothing is told to the store before.
};

class SqliteStore final : public Store {
 public:
  SqliteStore() { reopen(); }
  ~SqliteStore() override { pool_.stop(); }
  OrderFold& fold() override { return *fold_; }
  OrderRecords& records() override { return *records_; }
  void reopen() override {
    records_.reset();
    fold_.reset();
    fold_ = std::make_unique<sqlite::SqliteOrderFold>(folder_.file("records.db"), 16);
    records_ =
        std::make_unique<sqlite::SqliteOrderRecords>(folder_.file("records.db"), fold_->index(), pool_, 2);
  }

 private:
  TemporaryFolder folder_;
  BlockingPool pool_{2, 100};
  std::unique_ptr<sqlite::SqliteOrderFold> fold_;
  std::unique_ptr<sqlite::SqliteOrderRecords> records_;
};

struct Candidate {
  std::string adapter;
  std::unique_ptr<Store> (*open)();
};

class OrderRecordsContract : public testing::TestWithParam<Candidate> {
 protected:
  void store(std::vector<OrderPtr> orders) { ASSERT_TRUE(store_->fold().store(orders, ++position_)); }
  std::vector<std::int64_t> list(std::int64_t user, OrderFilter filter = {}) {
    const auto found = run(store_->records().list(UserId{user}, filter));
    EXPECT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->as_of, position_);
    std::vector<std::int64_t> ids;
    for (const auto& order : found->orders) ids.push_back(order->id.value);
    return ids;
  }
  OrderPtr find(std::int64_t id) {
    const auto found = run(store_->records().find(OrderId{id}));
    EXPECT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->as_of, position_);
    return found->order;
  }
  std::unique_ptr<Store> store_ = GetParam().open();
  Position position_ = 0;
};

using Ids = std::vector<std::int64_t>;

TEST_P(OrderRecordsContract, IsEmptyAtFirst) {
  EXPECT_EQ(*store_->fold().position(), 0);
  EXPECT_EQ(find(5), nullptr);
  EXPECT_EQ(list(1), Ids{});
  EXPECT_EQ(*store_->fold().load(OrderId{5}), nullptr);
}

TEST_P(OrderRecordsContract, GivesBackEveryMemberOfAnOrder) {
  auto order = order_of(10, 3, OrderState::return_requested);
  order.payment = PaymentState::refunding;
  order.attempt = AttemptId{9};
  order.total = Money{Money::amount_max, *Currency::parse("USD")};
  order.key = RequestKey{~0ull, 1ull << 63};
  order.body_fingerprint = ~0ull;
  order.updated_at += Millis(1);
  OrderLine other;
  other.product = ProductId{std::numeric_limits<std::int64_t>::max()};
  other.quantity = 1000;
  other.unit_price = Money{5, *Currency::parse("EUR")};
  order.lines.push_back(other);
  const StateChange paid{OrderState::paid, order.updated_at};
  order.history.push_back(paid);
  store({shared(order)});
  ASSERT_NE(find(10), nullptr);
  EXPECT_EQ(*find(10), order);
  EXPECT_EQ(**store_->fold().load(OrderId{10}), order);
  auto empty = order_of(11, 3);
  empty.lines.clear();
  empty.history.clear();
  store({shared(empty)});
  EXPECT_EQ(*find(11), empty);
}

TEST_P(OrderRecordsContract, AnOrderStoredAgainIsReplacedAndListedOnce) {
  for (int id = 1; id <= 40; ++id) store({shared(order_of(id, 1))});
  for (const int id : {1, 17, 40}) store({shared(order_of(id, 1, OrderState::paid))});
  EXPECT_EQ(find(17)->state, OrderState::paid);
  OrderFilter paid;
  paid.state = OrderState::paid;
  EXPECT_EQ(list(1, paid), (Ids{40, 17, 1}));
  OrderFilter all;
  all.limit = 1000;
  EXPECT_EQ(list(1, all).size(), 40u);
}

TEST_P(OrderRecordsContract, PagesMeetWithoutGapOrOverlap) {
  std::vector<OrderPtr> orders;
  for (int id = 1; id <= 300; ++id) orders.push_back(shared(order_of(id, id % 2)));
  for (std::size_t i = 0; i < 300; i += 15) {
    const auto from = orders.begin() + static_cast<long>(i);
    store({from, from + 15});
  }
  OrderFilter page;
  page.limit = 7;
  std::int64_t expected = 299;
  for (auto ids = list(1, page); !ids.empty(); ids = list(1, page)) {
    for (const auto id : ids) {
      EXPECT_EQ(id, expected);
      expected -= 2;
    }
    page.before = OrderId{ids.back()};
  }
  EXPECT_EQ(expected, -1);
}

TEST_P(OrderRecordsContract, FindsTheOrderOfAKeyWithinItsTime) {
  for (int id = 1; id <= 50; ++id) store({shared(order_of(id, id % 3))});
  const auto by_key = [&](std::int64_t user, RequestKey key, Instant since) {
    const auto found = run(store_->records().find_by_key(UserId{user}, key, since));
    EXPECT_TRUE(found);
    EXPECT_EQ(found->as_of, position_);
    return found->order ? found->order->id.value : 0;
  };
  EXPECT_EQ(by_key(1, RequestKey{1, 4}, start), 4);
  EXPECT_EQ(by_key(1, RequestKey{1, 49}, start), 49);
  EXPECT_EQ(by_key(1, RequestKey{1, 4}, start + Millis(5)), 0);
  EXPECT_EQ(by_key(2, RequestKey{1, 4}, start), 0);
  EXPECT_EQ(by_key(1, RequestKey{1, 5}, start), 0);
}

/// Random batches with late ids, updates and restarts, against a plain map.
TEST_P(OrderRecordsContract, BehavesLikeAMap) {
  std::mt19937 random(7);
  const auto dice = [&random](std::int64_t sides) { return static_cast<std::int64_t>(random()) % sides; };
  std::map<std::int64_t, Order> model;
  std::int64_t newest = 1000;
  for (int step = 0; step < 200; ++step) {
    std::map<std::int64_t, OrderPtr> batch;
    for (auto k = dice(12); k-- > 0;) {
      const bool update = !model.empty() && dice(4) == 0;
      std::int64_t id = newest += 1 + dice(40);
      if (!update && dice(3) == 0) id -= dice(900);  // From a slower thread.
      if (update) id = std::next(model.begin(), dice(std::ssize(model)))->first;
      const auto known = model.find(id);
      const auto user = known == model.end() ? 1 + dice(4) : known->second.user.value;
      const auto order = order_of(id, user, static_cast<OrderState>(dice(3)));
      model[id] = order;
      batch[id] = shared(order);
    }
    std::vector<OrderPtr> orders;
    for (const auto& [id, order] : batch) orders.push_back(order);
    std::shuffle(orders.begin(), orders.end(), random);
    store(orders);
    if (step % 17 == 0) store_->reopen();
    ASSERT_EQ(*store_->fold().position(), position_);

    OrderFilter filter;
    filter.limit = static_cast<int>(1 + dice(200));
    if (dice(2) == 0) filter.before = OrderId{std::max<std::int64_t>(1, newest - dice(2000))};
    if (dice(3) == 0) filter.state = OrderState::paid;
    const std::int64_t user = 1 + dice(4);
    Ids expected;
    for (auto it = model.rbegin(); it != model.rend() && std::ssize(expected) < filter.limit; ++it)
      if (it->second.user.value == user && (!filter.before || it->first < filter.before.value) &&
          (!filter.state || it->second.state == *filter.state))
        expected.push_back(it->first);
    ASSERT_EQ(list(user, filter), expected) << "step " << step;
  }
  for (const auto& [id, order] : model) ASSERT_EQ(*find(id), order);
}

/// Whoever reads sees everything up to the position the answer names, while segments close under its feet.
TEST_P(OrderRecordsContract, AnswersAreAsNewAsTheirPosition) {
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int id = 1; id <= 2000; ++id)
      EXPECT_TRUE(store_->fold().store(std::vector{shared(order_of(id, 1))}, id));
    done = true;
  });
  OrderFilter filter;
  filter.limit = 40;
  while (!done) {
    const auto found = run(store_->records().list(UserId{1}, filter));
    EXPECT_TRUE(found) << found.error().detail;
    if (!found) break;
    EXPECT_EQ(std::ssize(found->orders), std::min<Position>(found->as_of, 40));
    for (std::size_t i = 0; i < found->orders.size(); ++i)
      EXPECT_EQ(found->orders[i]->id.value, found->as_of - static_cast<Position>(i));
  }
  writer.join();
}

INSTANTIATE_TEST_SUITE_P(Adapters, OrderRecordsContract,
                         testing::Values(Candidate{"sqlite",
                                                   [] { return std::unique_ptr<Store>(new SqliteStore); }}),
                         [](const auto& info) { return info.param.adapter; });

}  // namespace
}  // namespace market::contract
