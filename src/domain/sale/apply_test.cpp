#include <gtest/gtest.h>

#include "tests/support/test_sale.hpp"

namespace market {
namespace {

using namespace tests;

class Apply : public testing::Test {
 protected:
  ~Apply() override { EXPECT_EQ(sale_.violation(), ""); }
  TestSale sale_;
};

TEST_F(Apply, AnAcceptanceTakesUnitsTicketsLimitAndKey) {
  sale_.list(shoes, 5);
  Command asked = place(alice, shoes, 2);
  asked.key = RequestKey{7, 8};
  asked.fingerprint = 9;
  const OrderPtr order = sale_.carry_out(asked, 1);
  const OpenOrder* open = sale_.state.orders.find(OrderId{1});
  ASSERT_NE(open, nullptr);
  EXPECT_EQ(open->user, alice);
  EXPECT_EQ(open->pay_by, order->pay_by);
  EXPECT_EQ(open->place, sale_.state.numbers.place);
  EXPECT_EQ(sale_.state.orders.lines_of(*open), (OpenLines{OpenLine{sale_.state.slot_of(shoes), 2}}));
  EXPECT_EQ(sale_.stock_of(shoes), (ProductStock{5, 3, 2, true}));
  EXPECT_EQ(sale_.bought(shoes, alice), 2);
  EXPECT_EQ(*sale_.state.keys.find(asked.key), (KeyBinding{1, 9}));
}

TEST_F(Apply, RefusesAnAcceptanceBeyondTheStockAndCountsIt) {
  sale_.list(shoes, 5);
  sale_.list(cap, 1);
  PlaceOrder asked = place(alice, shoes);
  asked.lines.push_back(WantedLine{cap, 1});
  const Event accepted = sale_.event_of(asked);
  sale_.accepted(2, bob, cap);  // Between decide and apply: a bug that must not become an oversell.
  SaleState& state = sale_.state;
  UndoLog notes;
  notes.begin(state);
  EXPECT_FALSE(apply(state, accepted, &notes));
  EXPECT_EQ(state.numbers.oversell_prevented, 1);
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 5) << "none of its lines is taken";
  EXPECT_EQ(state.orders.find(std::get<OrderAccepted>(accepted.fact).order), nullptr);
  undo(state, notes);
  EXPECT_EQ(state.numbers.oversell_prevented, 0);
}

TEST_F(Apply, RefusesAKnownOrderAndWhatIsAboutNoKnownProduct) {
  sale_.list(shoes, 5);
  const Event accepted = sale_.event_of(place(alice, shoes));
  ASSERT_TRUE(sale_.put(accepted));
  SaleState& state = sale_.state;
  UndoLog notes;
  notes.begin(state);
  const std::uint64_t before = state_hash(state);
  EXPECT_FALSE(apply(state, accepted, &notes)) << "twice";
  EXPECT_FALSE(apply(state, Event{at(0), {}, 0, {}, ProductListed{shoes, event_terms(), {}, 9}}, &notes));
  EXPECT_FALSE(apply(state, Event{at(0), {}, 0, {}, ProductChanged{cap, 2, event_terms(), {}}}, &notes));
  EXPECT_FALSE(apply(state, Event{at(0), {}, 0, {}, StockAdjusted{cap, 1, "x"}}, &notes));
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 4);
  EXPECT_EQ(state.numbers.oversell_prevented, 0);
  EXPECT_EQ(state.numbers.place, 6) << "each takes a place all the same";
  undo(state, notes);
  EXPECT_EQ(state_hash(state), before);
}

TEST_F(Apply, ExpiryGivesUnitsAndLimitBackButNeverATicket) {
  sale_.list(shoes, 2, limited_terms(2));
  sale_.accepted(1, alice, shoes, 2);
  const OrderPtr order = sale_.expired(1);
  EXPECT_EQ(order->state, OrderState::expired);
  EXPECT_EQ(order->updated_at, sale_.now);
  EXPECT_EQ(order->history.back(), (StateChange{OrderState::expired, sale_.now}));
  EXPECT_EQ(sale_.stock_of(shoes), (ProductStock{2, 2, 2, true}));
  EXPECT_EQ(sale_.bought(shoes, alice), 0);
  EXPECT_EQ(sale_.accepted(2, bob, shoes)->lines[0].ticket, 2);
}

TEST_F(Apply, EachStepOfAPayment) {
  sale_.list(shoes, 2);
  sale_.accepted(1, alice, shoes);
  EXPECT_EQ(sale_.paying(1, alice, 7)->payment, PaymentState::pending);
  EXPECT_EQ(sale_.state.orders.attempt_of(OrderId{1}), AttemptId{7});
  const OrderPtr declined = sale_.settled(1, 7, PaymentOutcome::declined);
  EXPECT_EQ(declined->payment, PaymentState::declined);
  EXPECT_EQ(declined->state, OrderState::accepted) << "it can still be paid";
  sale_.paying(1, alice, 8);
  sale_.now = at(50);
  const OrderPtr paid = sale_.settled(1, 8, PaymentOutcome::captured);
  EXPECT_EQ(paid->payment, PaymentState::paid);
  EXPECT_EQ(paid->state, OrderState::paid);
  EXPECT_EQ(paid->history.back(), (StateChange{OrderState::paid, at(50)}));
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 1) << "money in time moves no unit";
}

TEST_F(Apply, AnAttemptThatAskedNobodyForMoneyLeavesThePaymentAsItWas) {
  sale_.list(shoes, 2);
  sale_.accepted(1, alice, shoes);
  const auto not_charged = [&](std::int64_t attempt, PaymentState before) {
    sale_.paying(1, alice, attempt);
    SettlePayment settle{OrderId{1}, AttemptId{attempt}, PaymentOutcome::declined, before};
    const OrderPtr order = sale_.carry_out(settle);
    EXPECT_EQ(sale_.state.orders.find(OrderId{1})->payment, order->payment);
    return order->payment;
  };
  EXPECT_EQ(not_charged(7, PaymentState::none), PaymentState::none);
  sale_.paying(1, alice, 8);
  sale_.settled(1, 8, PaymentOutcome::declined);
  EXPECT_EQ(not_charged(9, PaymentState::declined), PaymentState::declined);
  sale_.paying(1, alice, 10);
  EXPECT_EQ(sale_.settled(1, 10, PaymentOutcome::captured)->payment, PaymentState::paid);
}

TEST_F(Apply, ACancellationGivesEverythingBack) {
  sale_.list(shoes, 3);
  sale_.accepted(1, alice, shoes);
  EXPECT_EQ(sale_.carry_out(CancelOrder{OrderId{1}, alice})->payment, PaymentState::none)
      << "nothing is owed";
  sale_.paid(2, alice, shoes);
  const OrderPtr cancelled = sale_.carry_out(CancelOrder{OrderId{2}, alice});
  EXPECT_EQ(cancelled->state, OrderState::cancelled);
  EXPECT_EQ(cancelled->payment, PaymentState::refunding);
  EXPECT_TRUE(has_open_work(cancelled->state, cancelled->payment));
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 3);
  EXPECT_EQ(sale_.bought(shoes, alice), 0);
}

TEST_F(Apply, AReturnGivesUnitsAndMoneyBackButNotTheLimit) {
  sale_.list(shoes, 1, limited_terms(1));
  sale_.paid(1, alice, shoes);
  for (const auto state : {OrderState::preparing, OrderState::shipped, OrderState::delivered})
    EXPECT_EQ(sale_.moved(1, state)->payment, PaymentState::paid);
  EXPECT_EQ(sale_.moved(1, OrderState::return_requested)->payment, PaymentState::paid);
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 0) << "it is still on its way back";
  const OrderPtr returned = sale_.moved(1, OrderState::returned);
  EXPECT_EQ(returned->payment, PaymentState::refunding);
  EXPECT_EQ(returned->history.size(), 7u);
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 1);
  EXPECT_EQ(sale_.refusal(place(alice, shoes)), Code::limit_exceeded);
}

TEST_F(Apply, ARestockReopensASoldOutProduct) {
  sale_.list(shoes, 1);
  sale_.accepted(1, alice, shoes);
  EXPECT_EQ(sale_.refusal(place(bob, shoes)), Code::sold_out);
  sale_.carry_out(AdjustStock{shoes, 2, "restock"});
  EXPECT_EQ(sale_.stock_of(shoes), (ProductStock{3, 2, 2, true}));
  EXPECT_EQ(sale_.accepted(2, bob, shoes)->lines[0].ticket, 2);
  sale_.carry_out(AdjustStock{shoes, -1, "lost"});
  EXPECT_EQ(sale_.stock_of(shoes), (ProductStock{2, 0, 3, true}));
}

TEST_F(Apply, NewTermsChangeNoOldOrder) {
  sale_.list(shoes, 2, event_terms(500));
  sale_.accepted(1, alice, shoes);
  sale_.carry_out(sale_.change_of(shoes, event_terms(900)));
  EXPECT_EQ(sale_.audit.orders().at(OrderId{1}).total.amount, 500);
  EXPECT_EQ(sale_.accepted(2, alice, shoes)->total.amount, 900);
}

TEST_F(Apply, AnEventOfAForgottenOrderStillMovesItsUnits) {
  sale_.list(shoes, 2);
  sale_.accepted(1, alice, shoes);
  sale_.state.orders.erase(OrderId{1});
  sale_.put(Event{at(5), {}, 0, {}, OrderVoided{OrderId{1}, alice, {}, {MovedUnits{shoes, 1}}}});
  EXPECT_EQ(sale_.stock_of(shoes).remaining, 2);
  EXPECT_EQ(sale_.bought(shoes, alice), 0);
}

/// What a later decision needs of an order, however it came into memory.
std::string row_of(const SaleState& state, OrderId id) {
  const OpenOrder* order = state.orders.find(id);
  if (order == nullptr) return "none";
  std::string row = std::to_string(order->user.value) + " " + std::string(text_of(order->state)) + " " +
                    std::string(text_of(order->payment)) + " attempt " +
                    std::to_string(state.orders.attempt_of(id).value);
  for (const OpenLine& line : state.orders.lines_of(*order))
    row += " " + std::to_string(line.slot) + "x" + std::to_string(line.quantity);
  return row;
}

/// An order that is closed, and so may be forgotten, and the events that may still come for it: whoever had
/// forgotten it and whoever had not must know the same of it afterwards. A restart forgets what the records
/// have, and decides on what the log behind them brings back.
TEST_F(Apply, AForgottenOrderComesBackAsItIs) {
  sale_.list(shoes, 8);
  sale_.list(cap, 12);
  PlaceOrder both = place(alice, shoes, 2);
  both.lines.push_back(WantedLine{cap, 3});
  for (const std::int64_t id : {1, 2, 3, 4}) {
    sale_.carry_out(both, id);
    sale_.paying(id, alice, 10 + id);
  }
  for (const std::int64_t id : {1, 2}) sale_.settled(id, 10 + id, PaymentOutcome::captured);
  for (const std::int64_t id : {3, 4}) sale_.settled(id, 10 + id, PaymentOutcome::declined);
  sale_.carry_out(CancelOrder{OrderId{3}, alice});
  sale_.expired(4);
  std::vector<Command> late;
  for (const auto to : {OrderState::preparing, OrderState::shipped, OrderState::delivered,
                        OrderState::return_requested, OrderState::returned})
    late.push_back(MoveOrder{OrderId{1}, {}, to, {}});
  late.push_back(MoveOrder{OrderId{2}, {}, OrderState::preparing, {}});
  late.push_back(CancelOrder{OrderId{2}, alice});
  late.push_back(SettlePayment{OrderId{3}, AttemptId{13}, PaymentOutcome::captured});  // Refused before.
  late.push_back(SettlePayment{OrderId{4}, AttemptId{14}, PaymentOutcome::captured});
  late.push_back(CancelOrder{OrderId{4}, alice});
  for (const Command& command : late) {
    const Event event = sale_.event_of(command);
    const OrderId id = order_of(event.fact);
    const OpenOrder known = *sale_.state.orders.find(id);
    const OpenLines lines = sale_.state.orders.lines_of(known);
    const AttemptId attempt = sale_.state.orders.attempt_of(id);
    UndoLog notes;
    notes.begin(sale_.state);
    sale_.state.orders.erase(id);
    ASSERT_TRUE(apply(sale_.state, event, &notes));
    const std::string forgotten = row_of(sale_.state, id);
    undo(sale_.state, notes);
    EXPECT_EQ(row_of(sale_.state, id), "none");
    sale_.state.orders.put(known, lines, attempt);
    sale_.put(event);
    EXPECT_EQ(forgotten, row_of(sale_.state, id)) << "kind " << event.fact.index();
  }
}

TEST_F(Apply, ASettledRequestIsForgottenByTheLogsTime) {
  const auto refused = [](std::int64_t millis, std::uint64_t request, std::int64_t until) {
    return Event{at(millis), {}, 0, {}, Refused{RequestKey{1, request}, Code::sold_out, at(until)}};
  };
  sale_.put(refused(0, 1, 10));
  sale_.put(refused(5, 2, 15));
  EXPECT_EQ(sale_.state.refused.size(), 2u);
  sale_.put(refused(10, 3, 20));
  EXPECT_FALSE(sale_.state.refused.contains(RequestKey{1, 1}));
  EXPECT_TRUE(sale_.state.refused.contains(RequestKey{1, 2}));
  EXPECT_FALSE(apply(sale_.state, refused(11, 2, 99))) << "settled once";
  EXPECT_EQ(sale_.state.refused.at(RequestKey{1, 2}).until, at(15));
  sale_.audit.see(CountedEvent{4, refused(11, 2, 99)});
}

TEST_F(Apply, TheSameEventsMakeTheSameStateInAnyTable) {
  TestSale other;
  for (TestSale* sale : {&sale_, &other}) {
    sale->list(shoes, 3'000);
    if (sale == &other) {
      // Much was in its hash tables once: they hold the same in another order.
      UndoLog notes;
      notes.begin(other.state);
      for (int i = 0; i < 3'000; ++i)
        ASSERT_TRUE(apply(other.state, other.event_of(place(UserId{1'000 + i}, shoes)), &notes));
      undo(other.state, notes);
    }
    for (int i = 1; i <= 50; ++i) sale->accepted(i, UserId{i}, shoes);
    sale->paid(100, alice, shoes);
  }
  EXPECT_EQ(state_hash(sale_.state), state_hash(other.state));
  other.accepted(200, bob, shoes);
  EXPECT_NE(state_hash(sale_.state), state_hash(other.state));
}

TEST(StateHash, TellsAPausedSaleFromOneThatGoesOn) {
  TestSale sale;
  sale.list(shoes, 5);
  auto& terms = sale.state.product(shoes)->terms;
  terms.sale = Sale{at(1), std::nullopt, std::nullopt};
  const std::uint64_t open = state_hash(sale.state);
  terms.sale->paused = true;
  EXPECT_NE(state_hash(sale.state), open);
}

TEST(Audit, FindsWhatABugWouldBreak) {
  TestSale sale;
  sale.list(shoes, 5);
  sale.accepted(1, alice, shoes, 2);
  ASSERT_EQ(sale.violation(), "");
  SaleState& state = sale.state;
  SaleProduct& product = *state.product(shoes);
  const std::uint32_t slot = state.slot_of(shoes);
  const auto found_while = [&](auto damage, auto repair) {
    damage();
    const bool found = !sale.violation().empty();
    repair();
    EXPECT_EQ(sale.violation(), "");
    return found;
  };
  EXPECT_TRUE(found_while([&] { ++product.stock.remaining; }, [&] { --product.stock.remaining; }));
  EXPECT_TRUE(found_while([&] { ++product.stock.capacity; }, [&] { --product.stock.capacity; }));
  EXPECT_TRUE(found_while([&] { ++product.stock.next_ticket; }, [&] { --product.stock.next_ticket; }));
  EXPECT_TRUE(found_while([&] { ++product.version; }, [&] { --product.version; }));
  const Buyer known{alice, slot}, unknown{bob, slot};
  EXPECT_TRUE(found_while([&] { state.buyers.set(known, 3); }, [&] { state.buyers.set(known, 2); }));
  EXPECT_TRUE(found_while([&] { state.buyers.set(unknown, 1); }, [&] { state.buyers.set(unknown, 0); }));
  EXPECT_TRUE(found_while([&] { ++state.numbers.place; }, [&] { --state.numbers.place; }));
  OpenOrder& order = *state.orders.find(OrderId{1});
  EXPECT_TRUE(
      found_while([&] { order.state = OrderState::paid; }, [&] { order.state = OrderState::accepted; }));
  EXPECT_TRUE(found_while([&] { order.pay_by += Millis(1); }, [&] { order.pay_by -= Millis(1); }));
  const OpenOrder kept = order;
  const OpenLines lines = state.orders.lines_of(order);
  EXPECT_TRUE(
      found_while([&] { state.orders.erase(OrderId{1}); }, [&] { state.orders.put(kept, lines, {}); }));
}

TEST(Audit, FindsWhatTheLogItselfHasWrong) {
  const auto line = [](std::int32_t quantity, std::int64_t ticket) {
    return OrderLine{shoes, 1, quantity, Money{500, {}}, ticket};
  };
  const auto accepted = [&](std::int64_t id, OrderLine bought) {
    OrderAccepted fact{OrderId{id}, alice, at(1'000), Money{500 * bought.quantity, {}}, {}};
    fact.lines.push_back(bought);
    return fact;
  };
  const auto finds = [&](std::vector<Fact> facts, Place first = 2) {
    Audit audit;
    audit.see(CountedEvent{1, Event{at(0), {}, 0, {}, ProductListed{shoes, limited_terms(3), {}, 4}}});
    for (Fact& fact : facts) audit.see(CountedEvent{first++, Event{at(0), {}, 0, {}, std::move(fact)}});
    std::string found;
    for (const auto& [invariant, violation] : audit.findings())
      if (!violation.empty()) found += invariant.substr(0, invariant.find(' ')) + ";";
    return found;
  };
  EXPECT_EQ(finds({accepted(1, line(3, 1))}), "");
  EXPECT_EQ(finds({accepted(1, line(3, 1))}, 3), "places;");
  EXPECT_EQ(finds({accepted(1, line(1, 1)), accepted(1, line(1, 2))}), "every;");
  EXPECT_EQ(finds({RefundOwed{OrderId{1}, alice, AttemptId{1}}}), "every;");
  EXPECT_EQ(finds({accepted(1, line(1, 1)), PaymentStarted{OrderId{1}, bob, AttemptId{1}}}), "every;");
  EXPECT_EQ(finds({accepted(1, line(4, 1))}), "no;");
  EXPECT_EQ(finds({StockAdjusted{shoes, -3, "x"}, accepted(1, line(2, 1))}), "capacity;");
  EXPECT_EQ(finds({accepted(1, line(1, 2))}), "tickets;");
  EXPECT_EQ(finds({accepted(1, line(1, 1)), accepted(2, line(1, 1))}), "tickets;");
  OrderAccepted cheap = accepted(1, line(1, 1));
  cheap.lines[0].unit_price.amount = cheap.total.amount = 1;
  EXPECT_EQ(finds({cheap}), "prices;");
}

}  // namespace
}  // namespace market
