#include "domain/sale/open_orders.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace market {
namespace {

struct PlainOrder {
  OpenOrder row;
  OpenLines lines;
  AttemptId attempt;
};
using PlainOrders = std::map<std::int64_t, PlainOrder>;

OpenLines random_lines() {
  OpenLines lines;
  const int count = *rc::gen::inRange(0, 6);
  for (int i = 0; i < count; ++i)
    lines.push_back(OpenLine{*rc::gen::inRange<std::uint32_t>(0, 50), *rc::gen::inRange(1, 9)});
  return lines;
}

/// Everything that can be asked, of every id that was ever in it.
void check_same(const OpenOrders& orders, const PlainOrders& plain, std::int64_t ids) {
  RC_ASSERT(orders.size() == plain.size());
  for (std::int64_t id = 1; id < ids; ++id) {
    const OpenOrder* found = orders.find(OrderId{id});
    const auto known = plain.find(id);
    RC_ASSERT((found != nullptr) == (known != plain.end()));
    if (found == nullptr) {
      RC_ASSERT(orders.attempt_of(OrderId{id}) == AttemptId{});
      continue;
    }
    RC_ASSERT(found->id == OrderId{id});
    RC_ASSERT(found->user == known->second.row.user);
    RC_ASSERT(found->pay_by == known->second.row.pay_by);
    RC_ASSERT(found->place == known->second.row.place);
    RC_ASSERT(orders.lines_of(*found) == known->second.lines);
    RC_ASSERT(orders.attempt_of(OrderId{id}) == known->second.attempt);
  }
  std::size_t seen = 0;
  for (std::size_t part = 0; part < OpenOrders::parts(); ++part)
    orders.for_each_of(part, [&](const OpenOrder& order) {
      ++seen;
      RC_ASSERT(OpenOrders::part_number(order.id) == part);
      RC_ASSERT(plain.contains(order.id.value));
    });
  RC_ASSERT(seen == plain.size());
}

TEST(OpenOrders, AreAPlainMap) {
  constexpr std::int64_t ids = 40;
  const bool held = rc::check([] {
    OpenOrders orders;
    PlainOrders plain;
    const int steps = *rc::gen::inRange(1, 120);
    for (int step = 0; step < steps; ++step) {
      const std::int64_t id = *rc::gen::inRange<std::int64_t>(1, ids);
      const int what = *rc::gen::inRange(0, 4);
      if (what <= 1) {
        PlainOrder order;
        order.row.id = OrderId{id};
        order.row.user = UserId{*rc::gen::inRange<std::int64_t>(1, 1'000)};
        order.row.pay_by = Instant(Millis(step));
        order.row.place = step;
        order.lines = random_lines();
        order.attempt = AttemptId{*rc::gen::inRange<std::int64_t>(0, 3)};
        orders.put(order.row, order.lines, order.attempt);
        plain[id] = order;
      } else if (what == 2) {
        orders.erase(OrderId{id});
        plain.erase(id);
      } else if (plain.contains(id)) {
        const AttemptId attempt{*rc::gen::inRange<std::int64_t>(0, 3)};
        orders.set_attempt(OrderId{id}, attempt);
        plain[id].attempt = attempt;
      }
    }
    check_same(orders, plain, ids);
    OpenOrders moved = std::move(orders);
    check_same(moved, plain, ids);
  });
  EXPECT_TRUE(held);
}

TEST(OpenOrders, UseTheRowsAndLinesOfErasedOrdersAgain) {
  // Many times more orders than are there at once, over the edge of a block, each with lines of its own.
  OpenOrders orders;
  constexpr std::int64_t alive = 9'000, all = 60'000;
  for (std::int64_t id = 1; id <= all; ++id) {
    OpenOrder order;
    order.id = OrderId{id};
    const auto slot = static_cast<std::uint32_t>(id);
    orders.put(order, OpenLines{OpenLine{slot, 1}, OpenLine{slot, 2}, OpenLine{slot, 3}}, AttemptId{id});
    if (id > alive) orders.erase(OrderId{id - alive});
  }
  EXPECT_EQ(orders.size(), static_cast<std::size_t>(alive));
  std::int64_t wrong = 0;
  orders.for_each([&](const OpenOrder& order) {
    const auto slot = static_cast<std::uint32_t>(order.id.value);
    const OpenLines expected{OpenLine{slot, 1}, OpenLine{slot, 2}, OpenLine{slot, 3}};
    wrong += orders.lines_of(order) != expected || orders.attempt_of(order.id).value != order.id.value;
  });
  EXPECT_EQ(wrong, 0);
}

TEST(RowBlocks, KeepEachRowUnderItsNumber) {
  const bool held = rc::check([] {
    RowBlocks<int> rows;
    std::map<std::uint32_t, int> plain;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
    for (const int step : steps) {
      if (step < 60 || plain.empty()) {
        const std::uint32_t number = rows.add(step);
        RC_ASSERT(plain.emplace(number, step).second);  // None that is in use.
      } else {
        const auto gone = std::next(plain.begin(), step % static_cast<int>(plain.size()));
        rows.remove(gone->first);
        plain.erase(gone);
      }
    }
    for (const auto& [number, value] : plain) RC_ASSERT(rows[number] == value);
  });
  EXPECT_TRUE(held);
}

TEST(RowBlocks, NeverMoveARow) {
  RowBlocks<int> rows;
  const int* first = &rows[rows.add(7)];
  std::uint32_t last = 0;
  for (int i = 1; i < 20'000; ++i) last = rows.add(i);
  EXPECT_EQ(last, 19'999u);
  EXPECT_EQ(*first, 7);
  EXPECT_EQ(first, &rows[0]);
  rows.remove(5);
  EXPECT_EQ(rows.add(1), 5u) << "before any new one";
}

TEST(SegmentedMap, IsAPlainMap) {
  const bool held = rc::check([] {
    SegmentedMap<OrderId, int> map;
    std::map<std::int64_t, int> plain;
    const int steps = *rc::gen::inRange(1, 200);
    for (int step = 0; step < steps; ++step) {
      const auto id = *rc::gen::inRange<std::int64_t>(1, 20);
      if (*rc::gen::inRange(0, 3) < 2)
        map[OrderId{id}] = plain[id] = step;
      else
        map.erase(OrderId{id}), plain.erase(id);
    }
    RC_ASSERT(map.size() == plain.size());
    std::size_t seen = 0;
    for (std::size_t part = 0; part < map.parts(); ++part)
      for (const auto& [id, value] : map.part(part)) {
        ++seen;
        RC_ASSERT((SegmentedMap<OrderId, int>::part_number(id) == part));
        RC_ASSERT(plain.at(id.value) == value);
        RC_ASSERT(map.find(id) == &value);
      }
    RC_ASSERT(seen == plain.size());
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace market
