// undo(apply(s, e)) == s, for random commands in groups.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/test_sale.hpp"
#include "tests/support/whole_state.hpp"

namespace market {
namespace {

using namespace tests;

constexpr UserId users[] = {alice, bob, UserId{3}};
constexpr ProductId products[] = {ProductId{100}, ProductId{101}, ProductId{102}};
constexpr std::int64_t first_order = 1'000;

template <class T, std::size_t size>
T one_of(const T (&choices)[size]) {
  return choices[*rc::gen::inRange<std::size_t>(0, size)];
}
OrderId random_order(const std::vector<OrderId>& made) {
  return made.empty() ? OrderId{first_order} : made[*rc::gen::inRange<std::size_t>(0, made.size())];
}

ProductTerms random_terms() {
  ProductTerms terms = event_terms(*rc::gen::inRange(1, 5));
  if (*rc::gen::arbitrary<bool>()) terms.sale = Sale{at(0), std::nullopt, *rc::gen::inRange(1, 4)};
  terms.withdrawn = *rc::gen::inRange(0, 20) == 0;
  return terms;
}

Command random_place() {
  PlaceOrder wanted = place(one_of(users), one_of(products), *rc::gen::inRange(1, 4));
  if (*rc::gen::arbitrary<bool>()) wanted.lines.push_back(WantedLine{one_of(products), 1});
  return wanted;
}

Command random_command(const TestSale& sale, const std::vector<OrderId>& made) {
  const OrderId order = random_order(made);
  const OpenOrder* open = sale.state.orders.find(order);
  const UserId user = open != nullptr && *rc::gen::inRange(0, 5) > 0 ? open->user : one_of(users);
  switch (*rc::gen::inRange(0, 15)) {
    case 0:
      return AdjustStock{one_of(products), *rc::gen::inRange(-3, 6), "counted"};
    case 1:
      return sale.change_of(one_of(products), random_terms());
    case 2:
      return ListProduct{random_terms(), {}, 3};
    case 3:
    case 4:
      return StartPayment{order, user};
    case 5:
    case 6:
    case 7:
      return SettlePayment{order, sale.state.orders.attempt_of(order),
                           one_of<PaymentOutcome, 4>({PaymentOutcome::captured, PaymentOutcome::captured,
                                                      PaymentOutcome::declined, PaymentOutcome::refunded})};
    case 8:
      return CancelOrder{order, user};
    case 9:
      return ExpireOrder{order};
    case 10:
      return MoveOrder{order, {}, static_cast<OrderState>(*rc::gen::inRange(2, 7)), "moved"};
    case 11:
      return GrantGrace{sale.now + Millis(*rc::gen::inRange(-100, 500))};
    case 12:
      return RefundOrder{order};
    default:
      return random_place();
  }
}

/// Decides and applies up to `events` events onto `sale`; what they overwrite is noted.
void apply_group(TestSale& sale, UndoLog& notes, std::vector<OrderId>& made, int events) {
  for (int i = 0; i < events; ++i) {
    Command command = random_command(sale, made);
    if (const int key = *rc::gen::inRange(0, 8)) command.key = RequestKey{1, static_cast<std::uint64_t>(key)};
    command.fingerprint = 1;
    if (const int copy = *rc::gen::inRange(0, 4))
      command.copy = {RequestKey{2, *rc::gen::inRange<std::uint64_t>(1, 5)},
                      static_cast<std::uint32_t>(copy)};
    sale.now += Millis(*rc::gen::inRange(0, 400));
    const Decision decision = sale.ask(command);
    const auto* event = std::get_if<Event>(&decision);
    if (event == nullptr) continue;
    RC_ASSERT(apply(sale.state, *event, &notes));
    if (const auto* accepted = std::get_if<OrderAccepted>(&event->fact)) made.push_back(accepted->order);
  }
}

TEST(Undo, TakesBackAGroupAsIfItHadNeverBeen) {
  const bool held = rc::check([] {
    TestSale sale;
    sale.rules.copies_settled_for = Millis(1'000);
    for (const ProductId product : products) sale.list(product, 5);
    std::vector<OrderId> made;
    UndoLog notes;
    const int groups = *rc::gen::inRange(1, 8);
    for (int group = 0; group < groups; ++group) {
      const WholeState before = whole(sale.state);
      const std::vector<OrderId> made_before = made;
      const Instant now = sale.now;
      notes.begin(sale.state);
      RC_ASSERT(notes.entries().empty());
      const int events = *rc::gen::inRange(1, 12);
      apply_group(sale, notes, made, events);
      const bool counts = *rc::gen::inRange(0, 3) > 0;
      if (counts) continue;
      undo(sale.state, notes);
      RC_ASSERT(whole(sale.state) == before);
      made = made_before;
      sale.now = now;
    }
  });
  EXPECT_TRUE(held);
}

/// And what was applied again afterwards is what was applied at first.
TEST(Undo, TheSameGroupAppliedAgainIsTheSame) {
  const bool held = rc::check([] {
    TestSale sale;
    for (const ProductId product : products) sale.list(product, 5);
    std::vector<OrderId> made;
    UndoLog notes;
    notes.begin(sale.state);
    apply_group(sale, notes, made, 20);
    notes.begin(sale.state);
    std::vector<Event> events;
    for (int i = 0; i < 10; ++i) {
      const Decision decision = sale.ask(random_command(sale, made));
      if (const auto* event = std::get_if<Event>(&decision)) {
        RC_ASSERT(apply(sale.state, *event, &notes));
        events.push_back(*event);
      }
    }
    const WholeState first = whole(sale.state);
    undo(sale.state, notes);
    for (const Event& event : events) RC_ASSERT(apply(sale.state, event));
    RC_ASSERT(whole(sale.state) == first);
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace market
