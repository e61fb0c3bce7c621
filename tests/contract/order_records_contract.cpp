/// ports/order_records.hpp: what every adapter must keep, with segments small enough to be closed often.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "domain/sale/fold_order.hpp"
#include "tests/contract/order_records_stores.hpp"
#include "tests/contract/run_task.hpp"

namespace market::contract {
namespace {

const Instant start{Millis(1'790'000'000'000)};
constexpr ProductId shoes{77}, hat{78};

OrderAccepted acceptance(std::int64_t id, std::int64_t user) {
  OrderAccepted accepted;
  accepted.order = OrderId{id};
  accepted.user = UserId{user};
  accepted.total = Money{19'900, {}};
  accepted.pay_by = start + Millis(600'000 + id);
  OrderLine line;
  line.product = shoes;
  line.quantity = 1;
  line.unit_price = accepted.total;
  line.ticket = id;
  accepted.lines.push_back(line);
  return accepted;
}
OrderPaid payment(std::int64_t id, std::int64_t user) {
  OrderPaid paid;
  paid.order = OrderId{id};
  paid.user = UserId{user};
  paid.attempt = AttemptId{id + 500};
  return paid;
}
CountedEvents group_of(std::vector<CountedEvent> events) {
  return std::make_shared<const std::vector<CountedEvent>>(std::move(events));
}

class OrderRecordsContract : public testing::TestWithParam<Candidate> {
 protected:
  void SetUp() override {
    if (GetParam().needs != nullptr && tests::engine(GetParam().needs).empty())
      GTEST_SKIP() << tests::how_to_have_engines;
    store_ = GetParam().open();
  }
  CountedEvent next(Fact fact, RequestKey key = {}, std::uint64_t fingerprint = 0) {
    CountedEvent counted;
    counted.place = ++place_;
    counted.event.at = start + Millis(place_);
    counted.event.key = key;
    counted.event.fingerprint = fingerprint;
    counted.event.fact = std::move(fact);
    return counted;
  }
  void fold(std::vector<CountedEvent> events) {
    if (events.empty()) return;
    const std::vector groups{group_of(std::move(events))};
    const auto folded = store_->fold().fold(folded_, groups);
    ASSERT_TRUE(folded) << folded.error().detail;
    ASSERT_EQ(*folded, place_);
    folded_ = place_;
  }
  std::vector<std::int64_t> list(std::int64_t user, OrderFilter filter = {}) {
    const auto found = run(store_->records().list(UserId{user}, filter));
    EXPECT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->as_of, folded_);
    std::vector<std::int64_t> ids;
    for (const auto& order : found->orders) ids.push_back(order->id.value);
    return ids;
  }
  OrderPtr find(std::int64_t id) {
    const auto found = run(store_->records().find(OrderId{id}));
    EXPECT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->as_of, folded_);
    return found->order;
  }
  /// What the key is bound to; 0: nothing.
  std::int64_t subject_of(std::int64_t user, RequestKey key, Instant since, std::uint64_t fingerprint) {
    const auto found = run(store_->records().find_key(UserId{user}, key, since));
    EXPECT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->as_of, folded_);
    if (!found->bound) return 0;
    EXPECT_EQ(found->bound->fingerprint, fingerprint);
    return found->bound->subject;
  }
  std::vector<RecordedProduct> products() {
    auto all = store_->fold().products();
    EXPECT_TRUE(all) << all.error().detail;
    return *all;
  }
  std::unique_ptr<Store> store_;
  Place place_ = 0, folded_ = 0;
};

using Ids = std::vector<std::int64_t>;

TEST_P(OrderRecordsContract, IsEmptyAtFirst) {
  EXPECT_EQ(*store_->fold().place(), 0);
  EXPECT_EQ(find(5), nullptr);
  EXPECT_EQ(list(1), Ids{});
  EXPECT_EQ(*store_->fold().load(OrderId{5}), nullptr);
  EXPECT_TRUE(products().empty());
  EXPECT_FALSE(*store_->fold().log());
  EXPECT_EQ(*store_->fold().fold(0, {}), 0);
}

TEST_P(OrderRecordsContract, RemembersWhichLog) {
  const LogId log{~0ull, 1ull << 63, 0xFFFF'FFFF};
  ASSERT_TRUE(store_->fold().set_log(log));
  fold({next(Barrier{})});
  store_->reopen();
  EXPECT_EQ(*store_->fold().log(), log);
  EXPECT_EQ(*store_->fold().place(), 1);
}

TEST_P(OrderRecordsContract, GivesBackEveryMemberOfAnOrder) {
  auto accepted = acceptance(10, 3);
  accepted.total = Money{Money::amount_max, *Currency::parse("USD")};
  OrderLine other;
  other.product = ProductId{std::numeric_limits<std::int64_t>::max()};
  other.version = std::numeric_limits<std::int64_t>::max();
  other.quantity = 1000;
  other.unit_price = Money{5, *Currency::parse("EUR")};
  accepted.lines.push_back(other);
  const auto first = next(accepted, RequestKey{~0ull, 1ull << 63}, ~0ull);
  Order expected = accepted_order(first);
  fold({first});
  ASSERT_NE(find(10), nullptr);
  EXPECT_EQ(*find(10), expected);
  EXPECT_EQ(**store_->fold().load(OrderId{10}), expected);

  auto paid = payment(10, 3);
  paid.retaken = true;
  paid.tickets = {41, 42};
  OrderMoved returned;
  returned.order = OrderId{10};
  returned.user = UserId{3};
  returned.state = OrderState::returned;
  returned.refund = AttemptId{510};
  const auto second = next(paid), third = next(returned);
  fold_order(expected, second);
  fold_order(expected, third);
  fold({second, third});
  EXPECT_EQ(*find(10), expected);
  EXPECT_EQ(expected.payment, PaymentState::refunding);
  EXPECT_EQ(expected.history.size(), 3u);
  EXPECT_EQ(expected.lines[1].ticket, 42);
  EXPECT_EQ(subject_of(3, RequestKey{~0ull, 1ull << 63}, start, ~0ull), 10) << "the key stays";

  auto empty = acceptance(11, 3);
  empty.lines.clear();
  fold({next(empty)});
  EXPECT_TRUE(find(11)->lines.empty());
}

TEST_P(OrderRecordsContract, EventsOfAnOrderMayComeWithItOrLater) {
  const auto first = next(acceptance(1, 7)), second = next(payment(1, 7));
  Order expected = accepted_order(first);
  fold_order(expected, second);
  fold({first, next(acceptance(2, 7))});
  EXPECT_EQ(find(1)->place, 1);
  fold({next(payment(2, 7)), next(acceptance(3, 7)), next(payment(3, 7)), next(payment(99, 7))});
  EXPECT_EQ(find(2)->state, OrderState::paid);
  EXPECT_EQ(find(2)->place, 4);
  EXPECT_EQ(find(3)->state, OrderState::paid);
  EXPECT_EQ(find(3)->place, 6);
  EXPECT_EQ(find(99), nullptr) << "an event about an order that is none";
  OrderFilter paid;
  paid.state = OrderState::paid;
  EXPECT_EQ(list(7, paid), (Ids{3, 2}));
}

TEST_P(OrderRecordsContract, GoesOnOnlyFromWhereTheRecordsAre) {
  ProductListed listed{shoes, {}, {"shoes", "", "", ""}, 10};
  const auto first = group_of({next(listed), next(acceptance(1, 1))});
  const auto second = group_of({next(acceptance(2, 1)), next(acceptance(3, 1))});
  const std::vector all{first, second}, only_second{second}, only_first{first};
  auto& records = store_->fold();
  EXPECT_EQ(*records.fold(2, only_second), 0) << "they are not there yet";
  EXPECT_EQ(find(3), nullptr);
  EXPECT_EQ(*records.fold(0, only_first), 2);
  EXPECT_EQ(*records.fold(0, all), 2) << "somebody else has folded";
  folded_ = 2;
  EXPECT_EQ(find(3), nullptr);
  EXPECT_EQ(*records.fold(2, all), 4) << "what is not behind `from` is left out";
  folded_ = 4;
  EXPECT_NE(find(3), nullptr);
  EXPECT_EQ(*records.fold(4, all), 4) << "nothing is behind it";
  EXPECT_EQ(products().front().stock.remaining, 7);
}

TEST_P(OrderRecordsContract, GivesBackEveryMemberOfAProduct) {
  ProductTerms terms;
  terms.seller = UserId{9};
  terms.price = Money{Money::amount_max, *Currency::parse("USD")};
  terms.kind = ProductKind::event;
  terms.sale = Sale{start, start + Millis(5), 2};
  terms.publish_at = start - Millis(7);
  const ProductTexts texts{"한정판 \"shoes\"", "one\ntwo", "shoes", std::string(64, 'a')};
  fold({next(ProductListed{shoes, terms, texts, 100}), next(ProductListed{hat, {}, {}, 3})});
  fold({next(acceptance(1, 1)), next(StockAdjusted{shoes, -30, "counted"})});
  auto all = products();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, shoes);
  EXPECT_EQ(all[0].version, 1);
  EXPECT_EQ(all[0].terms, terms);
  EXPECT_EQ(all[0].texts, texts);
  EXPECT_EQ(all[0].stock, (ProductStock{70, 69, 1}));
  EXPECT_EQ(all[0].created_at, start + Millis(1));
  EXPECT_EQ(all[0].updated_at, start + Millis(1));
  EXPECT_EQ(all[1].terms, ProductTerms{});
  EXPECT_EQ(all[1].stock, (ProductStock{3, 3, 1}));

  terms.sale->closes_at.reset();
  terms.sale->per_user_limit.reset();
  terms.publish_at.reset();
  terms.withdrawn = true;
  fold({next(ProductChanged{shoes, 2, terms, texts})});
  terms.sale.reset();
  ProductTexts renamed = texts;
  renamed.name = "boots";
  renamed.picture.clear();
  fold({next(ProductChanged{shoes, 3, terms, renamed}), next(ProductChanged{shoes, 4, terms, texts})});
  store_->reopen();
  all = products();
  EXPECT_EQ(all[0].version, 4);
  EXPECT_EQ(all[0].terms, terms);
  EXPECT_EQ(all[0].texts, texts);
  EXPECT_EQ(all[0].created_at, start + Millis(1));
  EXPECT_EQ(all[0].updated_at, start + Millis(7));
  EXPECT_EQ(all[0].stock, (ProductStock{70, 69, 1}));
  using Names = std::vector<std::pair<std::int64_t, std::string>>;
  EXPECT_EQ(all[0].names, (Names{{1, texts.name}, {3, "boots"}, {4, texts.name}}));
}

TEST_P(OrderRecordsContract, StockIsWhatTheEventsMove) {
  fold({next(ProductListed{shoes, {}, {}, 10}), next(acceptance(1, 1)), next(acceptance(2, 1))});
  const Units units{MovedUnits{shoes, 1}};
  OrderVoided voided{OrderId{1}, UserId{1}, {}, units, VoidReason::unpaid};
  OrderCancelled cancelled{OrderId{2}, UserId{1}, {}, units};
  fold({next(voided), next(acceptance(3, 2))});
  EXPECT_EQ(products()[0].stock.remaining, 8);
  fold({next(cancelled), next(StockAdjusted{hat, 5, "no such product"})});
  EXPECT_EQ(products()[0].stock.remaining, 9);
  EXPECT_EQ(products()[0].stock.capacity, 10);
  EXPECT_EQ(products().size(), 1u);
}

TEST_P(OrderRecordsContract, PagesMeetWithoutGapOrOverlap) {
  for (int first = 1; first <= 300; first += 15) {
    std::vector<CountedEvent> events;
    for (int id = first; id < first + 15; ++id) events.push_back(next(acceptance(id, id % 2)));
    fold(std::move(events));
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

/// One buyer's many orders are no reason to read on and on.
TEST_P(OrderRecordsContract, OfThoseInAStateAPageEndsWhenMuchWasLookedThrough) {
  constexpr int count = OrderRecords::looked_through_max + 50;
  std::vector<CountedEvent> events;
  for (int id = 1; id <= count; ++id) events.push_back(next(acceptance(id, 1)));
  for (const int id : {1, 30, 1'000}) events.push_back(next(payment(id, 1)));
  fold(std::move(events));
  OrderFilter paid{OrderState::paid, {}, 20};
  const auto page = [&] { return *run(store_->records().list(UserId{1}, paid)); };
  const auto first = page();
  ASSERT_EQ(first.orders.size(), 1u);
  EXPECT_EQ(first.orders[0]->id, OrderId{1'000});
  EXPECT_EQ(first.next, OrderId{51});
  paid.before = first.next;
  const auto second = page();
  EXPECT_EQ(second.orders.size(), 2u);
  EXPECT_FALSE(second.next);
  paid = {OrderState::paid, {}, 1};
  EXPECT_FALSE(page().next) << "the page is full";
  EXPECT_FALSE(run(store_->records().list(UserId{1}, {{}, {}, 20}))->next);
}

TEST_P(OrderRecordsContract, FindsWhatAKeyWasBoundToWithinItsTime) {
  for (int id = 1; id <= 50; ++id)
    fold({next(acceptance(id, id % 3), RequestKey{1, static_cast<std::uint64_t>(id)}, 7)});
  fold({next(payment(4, 1), RequestKey{2, 4}, 8), next(ProductListed{hat, {}, {}, 3}, RequestKey{3, 1}, 9)});
  EXPECT_EQ(subject_of(1, RequestKey{1, 4}, start, 7), 4);
  EXPECT_EQ(subject_of(1, RequestKey{1, 49}, start, 7), 49);
  EXPECT_EQ(subject_of(1, RequestKey{1, 4}, start + Millis(5), 7), 0);
  EXPECT_EQ(subject_of(1, RequestKey{1, 51}, start, 7), 0);
  EXPECT_EQ(subject_of(1, RequestKey{2, 4}, start, 8), 4) << "of a payment";
  EXPECT_EQ(subject_of(9, RequestKey{3, 1}, start, 9), hat.value);
  EXPECT_EQ(subject_of(9, RequestKey{3, 1}, start + Millis(1'000), 9), 0);
  fold({next(ProductListed{ProductId{79}, {}, {}, 3}, RequestKey{3, 1}, 10)});
  EXPECT_EQ(subject_of(9, RequestKey{3, 1}, start, 10), 79) << "bound again, a day later";
}

/// Random batches with late ids, later events and restarts, against a plain map.
TEST_P(OrderRecordsContract, BehavesLikeAMap) {
  std::mt19937 random(7);
  const auto dice = [&random](std::int64_t sides) { return static_cast<std::int64_t>(random()) % sides; };
  std::map<std::int64_t, Order> model;
  std::int64_t newest = 1000;
  for (int step = 0; step < 200; ++step) {
    std::vector<CountedEvent> batch;
    for (auto k = dice(12); k-- > 0;) {
      if (!model.empty() && dice(3) == 0) {
        auto& order = std::next(model.begin(), dice(std::ssize(model)))->second;
        batch.push_back(next(payment(order.id.value, order.user.value)));
        fold_order(order, batch.back());
        continue;
      }
      std::int64_t id = newest += 1 + dice(40);
      if (dice(3) == 0) id -= dice(900);  // From a clock that is behind.
      if (model.count(id) != 0) continue;
      batch.push_back(next(acceptance(id, 1 + dice(4))));
      model[id] = accepted_order(batch.back());
    }
    fold(std::move(batch));
    if (step % 17 == 0) store_->reopen();
    ASSERT_EQ(*store_->fold().place(), folded_);

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

/// Whoever reads sees everything up to the place the answer names, while segments close under its feet.
TEST_P(OrderRecordsContract, AnswersAreAsNewAsTheirPlace) {
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int id = 1; id <= 2000; ++id) {
      const std::vector groups{group_of({next(acceptance(id, 1))})};
      EXPECT_EQ(store_->fold().fold(id - 1, groups).value_or(-1), id);
    }
    done = true;
  });
  OrderFilter filter;
  filter.limit = 40;
  while (!done) {
    const auto found = run(store_->records().list(UserId{1}, filter));
    EXPECT_TRUE(found) << found.error().detail;
    if (!found) break;
    EXPECT_EQ(std::ssize(found->orders), std::min<Place>(found->as_of, 40));
    for (std::size_t i = 0; i < found->orders.size(); ++i)
      EXPECT_EQ(found->orders[i]->id.value, found->as_of - static_cast<Place>(i));
    const auto newest = run(store_->records().find(OrderId{found->as_of}));
    EXPECT_TRUE(newest && (found->as_of == 0 || newest->order)) << found->as_of;
  }
  writer.join();
}

INSTANTIATE_TEST_SUITE_P(
    Adapters, OrderRecordsContract,
    testing::Values(Candidate{"sqlite", [] { return std::unique_ptr<Store>(new SqliteStore); }},
                    Candidate{"memory", [] { return std::unique_ptr<Store>(new MemoryStore); }},
                    Candidate{"mysql", [] { return std::unique_ptr<Store>(new MysqlStore); }, "MYSQL"}),
    [](const auto& info) { return info.param.adapter; });

}  // namespace
}  // namespace market::contract
