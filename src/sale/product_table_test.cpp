#include "sale/product_table.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/test_sale.hpp"
#include "tests/support/wait.hpp"

namespace market::sale {
namespace {

using namespace tests;

struct CountedPage final : ProductPage {
  explicit CountedPage(std::string what) : text(std::move(what)) {}
  const std::string text;
};

class ProductTableTest : public testing::Test {
 protected:
  /// One event through the state and into the table, as the gate does it.
  void put(Fact fact) {
    const CountedEvent counted{sale.state.numbers.place + 1, Event{sale.now, {}, 0, {}, std::move(fact)}};
    ASSERT_TRUE(apply(sale.state, counted.event));
    table.follow({counted}, sale.state);
  }
  void list(ProductId id, std::string name, std::int64_t stock, ProductTerms terms = event_terms()) {
    put(ProductListed{id, std::move(terms), {std::move(name), {}, {}, {}}, stock});
  }
  void change(ProductId id, std::string name, ProductTerms terms = event_terms()) {
    put(ProductChanged{
        id, sale.state.product(id)->version + 1, std::move(terms), {std::move(name), {}, {}, {}}});
  }
  std::vector<std::int64_t> ids(const std::vector<ShownProductPtr>& products) {
    std::vector<std::int64_t> found;
    for (const auto& product : products) found.push_back(product->id.value);
    return found;
  }
  using Ids = std::vector<std::int64_t>;

  TestSale sale;
  KeyFilter keys;
  ProductTable table{keys, [](const ShownProduct& product) {
                       return std::make_shared<const CountedPage>(product.texts.name + " v" +
                                                                  std::to_string(product.version));
                     }};
};

TEST_F(ProductTableTest, ShowsTermsTextsAndStock) {
  EXPECT_EQ(table.find(shoes), nullptr);
  sale.now = at(5);
  list(shoes, "shoes", 3);
  const ShownProduct* shown = table.find(shoes);
  ASSERT_NE(shown, nullptr);
  EXPECT_EQ(shown->id, shoes);
  EXPECT_EQ(shown->version, 1);
  EXPECT_EQ(shown->terms, event_terms());
  EXPECT_EQ(shown->texts.name, "shoes");
  EXPECT_EQ(shown->created_at, at(5));
  EXPECT_EQ(shown->live->remaining, 3);
  EXPECT_EQ(shown->live->capacity, 3);
  EXPECT_EQ(static_cast<const CountedPage&>(*shown->page).text, "shoes v1");
  EXPECT_EQ(table.find(cap), nullptr);
}

TEST_F(ProductTableTest, AChangeKeepsTheLiveNumbersAndTheDayItWasListed) {
  sale.now = at(5);
  list(shoes, "shoes", 3);
  const std::shared_ptr<LiveStock> live = table.find(shoes)->live;
  const std::uint64_t changes = live->changes;
  sale.now = at(9);
  change(shoes, "boots", event_terms(700));
  const ShownProduct* shown = table.find(shoes);
  EXPECT_EQ(shown->version, 2);
  EXPECT_EQ(shown->terms.price.amount, 700);
  EXPECT_EQ(shown->created_at, at(5));
  EXPECT_EQ(shown->updated_at, at(9));
  EXPECT_EQ(shown->live, live);
  EXPECT_GT(live->changes, changes) << "caches and streams compare it";
  EXPECT_EQ(static_cast<const CountedPage&>(*shown->page).text, "boots v2");
}

TEST_F(ProductTableTest, NamesHoldUntilTheNextOne) {
  list(shoes, "shoes", 3);
  change(shoes, "shoes", event_terms(600));
  change(shoes, "boots");
  change(shoes, "boots", event_terms(1));
  change(shoes, "shoes");
  EXPECT_EQ(table.name_of(shoes, 0), "");
  EXPECT_EQ(table.name_of(shoes, 1), "shoes");
  EXPECT_EQ(table.name_of(shoes, 2), "shoes");
  EXPECT_EQ(table.name_of(shoes, 3), "boots");
  EXPECT_EQ(table.name_of(shoes, 4), "boots");
  EXPECT_EQ(table.name_of(shoes, 5), "shoes");
  EXPECT_EQ(table.name_of(cap, 1), "");
}

TEST_F(ProductTableTest, ANewNameCopiesNoneOfThoseBeforeIt) {
  list(shoes, "shoes", 3);
  change(shoes, "boots");
  const auto* first = table.name_of(shoes, 1).data();
  change(shoes, "sandals");
  EXPECT_EQ(table.name_of(shoes, 1), "shoes");
  EXPECT_EQ(table.name_of(shoes, 1).data(), first);
}

TEST_F(ProductTableTest, WithdrawnOnesAreFoundButNotListed) {
  list(shoes, "shoes", 3);
  list(cap, "cap", 3);
  ProductTerms withdrawn = event_terms();
  withdrawn.withdrawn = true;
  change(shoes, "shoes", withdrawn);
  ASSERT_NE(table.find(shoes), nullptr) << "its orders still name it";
  EXPECT_TRUE(table.find(shoes)->terms.withdrawn);
  EXPECT_EQ(table.name_of(shoes, 1), "shoes");
  EXPECT_EQ(ids(*table.all()), (Ids{cap.value}));
  EXPECT_EQ(ids(table.newest({}, 10)), (Ids{cap.value}));
}

TEST_F(ProductTableTest, UnpublishedOnesAreThereAndSaySo) {
  ProductTerms terms = event_terms();
  terms.publish_at = at(1'000);
  list(shoes, "shoes", 3, terms);
  EXPECT_FALSE(is_public(table.find(shoes)->terms, at(999)));
  EXPECT_TRUE(is_public(table.find(shoes)->terms, at(1'000)));
  EXPECT_EQ(ids(*table.all()), (Ids{shoes.value})) << "whether it is shown is a question of the moment";
}

TEST_F(ProductTableTest, ListsTheNewestFirst) {
  for (const std::int64_t id : {20, 10, 40, 30}) list(ProductId{id}, "p", 1);
  EXPECT_EQ(ids(table.newest({}, 3)), (Ids{40, 30, 20}));
  EXPECT_EQ(ids(table.newest(ProductId{20}, 3)), (Ids{10}));
  EXPECT_EQ(ids(table.newest(ProductId{25}, 1)), (Ids{20}));
  const auto all = table.all();
  EXPECT_EQ(ids(*all), (Ids{40, 30, 20, 10}));
  EXPECT_EQ(table.all(), all) << "the same until something changes";
  change(ProductId{10}, "q");
  EXPECT_EQ(table.all()->back()->texts.name, "q");
  EXPECT_EQ(all->back()->texts.name, "p") << "whoever reads the old list is not disturbed";
}

TEST_F(ProductTableTest, StockFollowsEveryEventThatMovesIt) {
  list(shoes, "shoes", 5);
  const auto remaining = [&] { return table.find(shoes)->live->remaining.load(); };
  const auto carry_out = [&](const Command& command) {
    const Event event = sale.event_of(command);
    put(event.fact);
    return order_of(event.fact);
  };
  const OrderId first = carry_out(place(alice, shoes, 2));
  EXPECT_EQ(remaining(), 3);
  carry_out(CancelOrder{first, alice});
  EXPECT_EQ(remaining(), 5);
  const OrderId second = carry_out(place(alice, shoes));
  sale.now = at(1'000);
  const std::uint64_t before = table.find(shoes)->live->changes;
  carry_out(ExpireOrder{second});
  EXPECT_EQ(remaining(), 5);
  EXPECT_GT(table.find(shoes)->live->changes, before);
  carry_out(AdjustStock{shoes, 4, "more"});
  EXPECT_EQ(remaining(), 9);
  EXPECT_EQ(table.find(shoes)->live->capacity, 9);
  EXPECT_EQ(table.find(shoes)->version, 1) << "stock is no part of the version";
}

TEST_F(ProductTableTest, AGroupShowsTheStockBehindAllOfIt) {
  list(shoes, "shoes", 5);
  std::vector<CountedEvent> events;
  for (int i = 0; i < 3; ++i) {
    events.push_back(CountedEvent{sale.state.numbers.place + 1, sale.event_of(place(alice, shoes))});
    ASSERT_TRUE(apply(sale.state, events.back().event));
  }
  table.follow(events, sale.state);
  EXPECT_EQ(table.find(shoes)->live->remaining, 2);
}

TEST_F(ProductTableTest, LoadsWhatTheRecordsKnow) {
  RecordedProduct recorded;
  recorded.id = shoes;
  recorded.version = 5;
  recorded.terms = event_terms();
  recorded.texts.name = "boots";
  recorded.stock = ProductStock{9, 4, 1};
  recorded.created_at = at(1);
  recorded.names = {{1, "shoes"}, {4, "boots"}};
  RecordedProduct withdrawn = recorded;
  withdrawn.id = cap;
  withdrawn.terms.withdrawn = true;
  table.load({recorded, withdrawn});
  EXPECT_EQ(table.find(shoes)->live->remaining, 4);
  EXPECT_EQ(table.find(shoes)->live->capacity, 9);
  EXPECT_EQ(table.name_of(shoes, 3), "shoes");
  EXPECT_EQ(table.name_of(shoes, 5), "boots");
  EXPECT_EQ(ids(*table.all()), (Ids{shoes.value}));
  sale.list(shoes, 7);
  table.show_stock(sale.state);
  EXPECT_EQ(table.find(shoes)->live->remaining, 7) << "the log is newer than the records";
}

TEST_F(ProductTableTest, NumbersAheadOfTheLogAreShownUntilItHasComeSoFar) {
  list(shoes, "shoes", 5);
  list(cap, "cap", 5);
  const auto remaining = [&](ProductId id) { return table.find(id)->live->remaining.load(); };
  const Place place = sale.state.numbers.place;
  const auto line = [](ProductId id, Place at, std::int64_t left) {
    return StockLine{id, at, left, 5, {}, {}};
  };
  table.show_ahead({line(shoes, place, 1), line(ProductId{77}, place + 9, 1)}, place);
  EXPECT_EQ(remaining(shoes), 5) << "that is no news";
  EXPECT_EQ(table.find(ProductId{77}), nullptr);
  table.show_ahead({line(shoes, place + 2, 3), line(cap, place + 3, 2)}, place);
  EXPECT_EQ(remaining(shoes), 3);
  const std::uint64_t changes = table.find(cap)->live->changes;
  table.show_ahead({line(cap, place + 4, 2), line(cap, place + 3, 4)}, place);
  EXPECT_EQ(remaining(cap), 2) << "the newest place";
  EXPECT_EQ(table.find(cap)->live->changes, changes) << "no stream repeats what it has said";
  put(sale.event_of(AdjustStock{shoes, 1, "more"}).fact);
  EXPECT_EQ(remaining(shoes), 3) << "an older number never comes back";
  put(sale.event_of(AdjustStock{cap, 1, "more"}).fact);
  EXPECT_EQ(remaining(shoes), 6) << "here the log has come to it, and says so";
  EXPECT_EQ(remaining(cap), 2);
  EXPECT_TRUE(table.shows_ahead());
  table.end_ahead(place + 1'000, sale.state);
  EXPECT_EQ(remaining(cap), 6);
  EXPECT_FALSE(table.shows_ahead());
}

TEST_F(ProductTableTest, OtherThreadsSeeEachChange) {
  list(shoes, "v1", 5);
  std::atomic<std::int64_t> seen{0};
  std::atomic<bool> wrong{false}, stop{false};
  std::thread reader([&] {
    std::int64_t last = 0;
    while (!stop) {
      const ShownProduct* shown = table.find(shoes);
      wrong = wrong || shown->version < last || shown->texts.name != "v" + std::to_string(shown->version);
      last = shown->version;
      seen = last;
    }
  });
  for (int version = 2; version <= 200; ++version) change(shoes, "v" + std::to_string(version));
  tests::wait([&] { return seen >= 200; });
  stop = true;
  reader.join();
  EXPECT_EQ(seen, 200);
  EXPECT_FALSE(wrong);
}

TEST_F(ProductTableTest, SaysWhetherTheLogIsReadAgainAndWhichKeysMayBeKnown) {
  EXPECT_FALSE(table.recovering());
  table.set_recovering(true);
  EXPECT_TRUE(table.recovering());
  EXPECT_FALSE(table.may_know(RequestKey{1, 2}));
  keys.add(RequestKey{1, 2}, at(0));
  EXPECT_TRUE(table.may_know(RequestKey{1, 2}));
}

}  // namespace
}  // namespace market::sale
