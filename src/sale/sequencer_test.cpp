#include "sale/sequencer.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_writer.hpp"
#include "tests/support/whole_state.hpp"

namespace market::sale {
namespace {

using namespace tests;
using Missing = Sequencer::Missing;

class SequencerTest : public testing::Test {
 protected:
  void SetUp() override { writer.open(7); }
  const OpenOrder* find(OrderId id) const { return writer.state().orders.find(id); }

  Records log;
  TestWriter writer{log};
};

/// The records' reading of an order, as far as they are folded.
LookedUp order_as_of(Place as_of, OrderPtr order = nullptr) {
  LookedUp found;
  found.order = std::move(order);
  found.order_as_of = as_of;
  return found;
}
LookedUp key_as_of(Place as_of, std::optional<BoundKey> bound = {}) {
  LookedUp found;
  found.bound = bound;
  found.key_as_of = as_of;
  return found;
}
Command with_key(Command command, std::uint64_t key, std::uint64_t fingerprint = 0) {
  command.key = RequestKey{9, key};
  command.fingerprint = fingerprint;
  return command;
}

// ---- Writing ----

TEST_F(SequencerTest, DecidesSealsAndCounts) {
  Sequencer& sequencer = writer.sequencer;
  EXPECT_TRUE(sequencer.writes(7));
  EXPECT_FALSE(sequencer.writes(8));
  EXPECT_FALSE(sequencer.writes(0));
  const ProductId product = writer.list(1);
  EXPECT_EQ(sequencer.end().point, (LogRule::Point{test_log, 7, 1}));
  EXPECT_EQ(sequencer.end().next, 3);
  EXPECT_EQ(sequencer.end().checksum, wire::record_checksum(log.back()));

  const auto sold = writer.ask(place(alice, product)), refused = writer.ask(place(bob, product));
  EXPECT_EQ(sold.event, 0);
  EXPECT_FALSE(sold.refused);
  EXPECT_EQ(refused.event, -1);
  EXPECT_EQ(refused.refused->code, Code::sold_out) << "on top of what the group has taken";
  EXPECT_TRUE(sequencer.has_group());
  EXPECT_FALSE(sequencer.in_flight());
  const std::string record(sequencer.seal());
  EXPECT_FALSE(sequencer.has_group());
  EXPECT_TRUE(sequencer.in_flight());
  EXPECT_EQ(sequencer.in_flight_record(), record) << "the same bytes again";
  EXPECT_EQ(sequencer.end().point.last, 1) << "it does not count yet";
  const CountedEvents events = sequencer.counted(3);
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ((*events)[0].place, 2);
  EXPECT_EQ(order_of((*events)[0].event.fact).value, sold.subject);
  EXPECT_EQ(sequencer.end().point.last, 2);
  EXPECT_EQ(sequencer.end().next, 4);
}

TEST_F(SequencerTest, ABarrierTakesAPlaceAndChangesNothing) {
  const ProductId product = writer.list(5);
  const WholeState before = whole(writer.state());
  writer.sequencer.barrier(writer.now);
  const CountedEvents events = writer.commit();
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ((*events)[0].event.fact, Fact(Barrier{}));
  WholeState after = whole(writer.state());
  EXPECT_EQ(after.numbers.place, before.numbers.place + 1);
  after.numbers.place = before.numbers.place;
  after.hash = before.hash;
  EXPECT_EQ(after, before);
  EXPECT_TRUE(writer.buy(alice, product));
}

TEST_F(SequencerTest, ARefusalOfACopyIsAnEventOfTheGroup) {
  const ProductId product = writer.list(0);
  Command second = place(alice, product);
  second.copy = RequestCopy{RequestKey{3, 4}, 2};
  const auto outcome = writer.ask(second);
  EXPECT_EQ(outcome.event, 0) << "the answer waits for it";
  EXPECT_EQ(outcome.refused->code, Code::sold_out);
  const CountedEvents events = writer.commit();
  EXPECT_EQ(std::get<Refused>((*events)[0].event.fact).request, second.copy.request);
}

TEST_F(SequencerTest, AGroupIsCutByCount) {
  Records records;
  SequencerSettings settings;
  settings.group_events_max = 3;
  TestWriter small(records, settings);
  small.open(7);
  const ProductId product = small.list(9);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(small.ask(place(UserId{i + 1}, product)).event, i);
  const std::uint64_t before = state_hash(small.state());
  const auto over = small.ask(place(UserId{9}, product));
  EXPECT_TRUE(over.full);
  EXPECT_EQ(over.event, -1);
  EXPECT_EQ(state_hash(small.state()), before) << "not decided";
  EXPECT_EQ(small.commit()->size(), 3u);
  EXPECT_EQ(small.ask(place(UserId{9}, product)).event, 0);
}

TEST_F(SequencerTest, AGroupIsCutByBytes) {
  ProductTexts texts;
  texts.description.assign(40'000, 'x');
  std::vector<std::size_t> events;
  int wanted = 60;
  while (wanted > 0) {
    const auto outcome = writer.ask(ListProduct{event_terms(), texts, 1});
    if (!outcome.full) {
      --wanted;
      continue;
    }
    const std::string_view record = writer.sequencer.seal();
    EXPECT_LE(record.size(), std::size_t{512} << 10);
    EXPECT_GT(record.size(), std::size_t{400} << 10) << "and is not cut much too early";
    log.emplace_back(record);
    events.push_back(writer.sequencer.counted(static_cast<Offset>(log.size()))->size());
  }
  ASSERT_GE(events.size(), 4u);
  for (const std::size_t each : events)
    EXPECT_EQ(each, events[0]) << "the group before leaves nothing behind";
}

// ---- Following ----

TEST_F(SequencerTest, ASecondOneThatFollowsHasTheSameStateAtEachPlace) {
  TestWriter reader(log);
  Crowd crowd(1);
  std::size_t kinds = 0;
  for (int group = 0; group < 300; ++group) {
    gather(writer, crowd, crowd.below(20));
    const CountedEvents events = writer.commit();
    for (const CountedEvent& counted : *events) kinds |= std::size_t{1} << counted.event.fact.index();
    reader.follow();
    ASSERT_EQ(whole(reader.state()), whole(writer.state())) << "group " << group;
    ASSERT_EQ(reader.sequencer.end(), writer.sequencer.end());
    ASSERT_EQ(reader.sequencer.next_deadline().has_value(), writer.sequencer.next_deadline().has_value());
    writer.now += Millis(crowd.below(300));
  }
  // RefundOwed, OrderMoved, GraceGranted: too rare in this crowd.
  constexpr std::size_t rare = std::size_t{1} << 8 | std::size_t{1} << 11 | std::size_t{1} << 12;
  EXPECT_EQ(kinds | rare, (std::size_t{1} << std::variant_size_v<Fact>)-1)
      << "every other kind was among them";
}

TEST_F(SequencerTest, OneThatForgetsDecidesAndFollowsLikeOneThatDoesNot) {
  TestWriter reader(log);
  Crowd crowd(2);
  Audit audit;
  for (int group = 0; group < 200; ++group) {
    gather(writer, crowd, crowd.below(20));
    const CountedEvents events = writer.commit();
    for (const CountedEvent& counted : *events) audit.see(counted);
    // A reader that was started anew: it forgets what the records have.
    reader.sequencer.forget(reader.sequencer.end().point.last - static_cast<Place>(crowd.below(30)));
    reader.follow();
    ASSERT_EQ(state_hash(reader.state()), state_hash(writer.state())) << "group " << group;
    ASSERT_EQ(audit.difference(reader.state()), "");
    writer.now += Millis(crowd.below(300));
  }
  for (const auto& [invariant, violation] : audit.findings()) EXPECT_EQ(violation, "") << invariant;
  EXPECT_LT(reader.state().keys.size(), writer.state().keys.size());
  EXPECT_LT(reader.state().orders.size(), writer.state().orders.size());
}

TEST_F(SequencerTest, WhatDoesNotCountIsPassedOver) {
  writer.list(5);
  TestWriter reader(log);
  reader.follow();
  log.push_back(log[0]);  // A late Open, and the first group once more.
  log.push_back(log[1]);
  const LogEnd before = reader.sequencer.end();
  const std::uint64_t hash = state_hash(reader.state());
  for (int i = 0; i < 2; ++i) {
    const Offset at = reader.sequencer.end().next;
    const auto followed = reader.sequencer.follow(at, log[static_cast<std::size_t>(at - 1)]);
    ASSERT_TRUE(followed);
    EXPECT_FALSE(followed->events);
    EXPECT_FALSE(followed->opened);
    EXPECT_FALSE(followed->own);
  }
  EXPECT_EQ(reader.sequencer.end().point, before.point);
  EXPECT_EQ(reader.sequencer.end().next, before.next + 2);
  EXPECT_EQ(state_hash(reader.state()), hash);
}

TEST_F(SequencerTest, ARecordThatCannotBeReadStopsItsReader) {
  TestWriter reader(log);
  reader.follow();
  writer.list(5);
  std::string damaged = log.back();
  damaged[damaged.size() / 2] ^= 1;
  const std::uint64_t hash = state_hash(reader.state());
  const LogEnd end = reader.sequencer.end();
  EXPECT_EQ(reader.sequencer.follow(end.next, damaged).error().code, Code::internal);
  EXPECT_EQ(state_hash(reader.state()), hash);
  EXPECT_EQ(reader.sequencer.end(), end) << "nothing behind it may be followed";
}

TEST_F(SequencerTest, TheGroupInFlightIsReadBack) {
  const ProductId product = writer.list(5);
  writer.ask(with_key(place(alice, product), 1));
  log.emplace_back(writer.sequencer.seal());
  const auto followed = writer.sequencer.follow(3, log.back());
  ASSERT_TRUE(followed);
  EXPECT_TRUE(followed->own);
  ASSERT_TRUE(followed->events);
  EXPECT_EQ(followed->events->size(), 1u);
  EXPECT_FALSE(writer.sequencer.in_flight());
  EXPECT_TRUE(writer.sequencer.next_deadline());
}

TEST_F(SequencerTest, OtherEventsUnderThePlaceOfTheGroupInFlightAreAnAlarm) {
  const ProductId product = writer.list(5);
  Records others = log;
  TestWriter double_of_it(others);
  double_of_it.follow();
  double_of_it.buy(bob, product);
  writer.ask(place(alice, product));
  writer.sequencer.seal();
  EXPECT_EQ(writer.sequencer.follow(3, others.back()).error().code, Code::internal);
}

TEST_F(SequencerTest, AForeignOpenUndoesTheGroupInFlightAndItsDeadlinesComeBack) {
  const ProductId product = writer.list(2);
  const OrderId unpaid = writer.buy(alice, product);
  const auto due = writer.sequencer.next_deadline();
  const WholeState before = whole(writer.state());
  TestWriter other(log);
  other.follow();

  writer.now += Millis(2'000);
  writer.sequencer.expire_due(writer.now);
  writer.ask(with_key(place(bob, product, 2), 5));
  const std::string late(writer.sequencer.seal());
  EXPECT_EQ(find(unpaid)->state, OrderState::expired);
  EXPECT_FALSE(writer.sequencer.next_deadline());

  other.open(8);
  const auto followed = writer.sequencer.follow(4, log.back());
  ASSERT_TRUE(followed);
  EXPECT_TRUE(followed->opened);
  EXPECT_FALSE(followed->events);
  EXPECT_FALSE(writer.sequencer.in_flight());
  EXPECT_FALSE(writer.sequencer.writes(7));
  EXPECT_EQ(whole(writer.state()), before);
  EXPECT_EQ(writer.sequencer.next_deadline(), due);

  log.push_back(late);  // A zombie's: it never counts.
  other.follow();
  other.buy(bob, product);
  writer.follow();
  EXPECT_EQ(whole(writer.state()), whole(other.state()));
  EXPECT_FALSE(writer.state().keys.contains(RequestKey{9, 5}));

  writer.open(9);
  writer.sequencer.expire_due(writer.now);
  ASSERT_TRUE(writer.sequencer.has_group());
  EXPECT_TRUE(std::holds_alternative<OrderVoided>(writer.sequencer.event_made(0).fact));
}

TEST_F(SequencerTest, AnAbandonedGroupLeavesNothing) {
  const ProductId product = writer.list(2);
  const WholeState before = whole(writer.state());
  writer.ask(with_key(place(alice, product), 5));
  writer.sequencer.seal();
  writer.sequencer.abandon();
  EXPECT_EQ(whole(writer.state()), before);
  EXPECT_FALSE(writer.sequencer.in_flight());
  EXPECT_FALSE(writer.keys.may_contain(RequestKey{9, 5})) << "only what counts is remembered";
  const auto again = writer.ask(with_key(place(alice, product), 5));
  EXPECT_EQ(again.event, 0);
  writer.commit();
  EXPECT_TRUE(writer.keys.may_contain(RequestKey{9, 5}));
}

TEST_F(SequencerTest, WhatWasClosedAndCameBackByAnUndoIsForgottenAllTheSame) {
  const ProductId product = writer.list(2);
  const OrderId order = writer.buy(alice, product);
  const AttemptId attempt{0};
  writer.carry_out(StartPayment{order, alice});
  writer.carry_out(SettlePayment{order, writer.state().orders.attempt_of(order), PaymentOutcome::captured});
  EXPECT_NE(writer.state().orders.attempt_of(order), attempt);
  const Place recorded = writer.sequencer.end().point.last;
  // A cancel whose append fails: meanwhile it has open work, a refund.
  writer.ask(CancelOrder{order, alice});
  writer.sequencer.seal();
  writer.sequencer.forget(recorded);
  writer.sequencer.abandon();
  ASSERT_NE(find(order), nullptr);
  writer.sequencer.forget(recorded);
  EXPECT_EQ(find(order), nullptr);
}

// ---- Memory ----

class Forgetting : public SequencerTest {
 protected:
  void SetUp() override {
    SequencerTest::SetUp();
    product = writer.list(5);
    order = writer.buy(alice, product, 5);
    writer.carry_out(CancelOrder{order, alice});
    closed_at = writer.sequencer.end().point.last;
    Audit audit;
    TestWriter reader(log);
    while (reader.sequencer.end().next <= static_cast<Offset>(log.size())) {
      const Offset at = reader.sequencer.end().next;
      const auto followed = reader.sequencer.follow(at, log[static_cast<std::size_t>(at - 1)]);
      if (followed->events)
        for (const CountedEvent& counted : *followed->events) audit.see(counted);
    }
    recorded = std::make_shared<const Order>(audit.orders().at(order));
  }
  ProductId product;
  OrderId order;
  Place closed_at = 0;
  OrderPtr recorded;
};

TEST_F(Forgetting, ForgetsOnlyWhatIsClosedAndRecorded) {
  const OrderId open = writer.buy(bob, product, 6);
  writer.sequencer.forget(closed_at - 1);
  EXPECT_NE(find(order), nullptr);
  EXPECT_FALSE(writer.state().keys.contains(RequestKey{9, 5})) << "its acceptance is recorded already";
  writer.sequencer.forget(closed_at);
  EXPECT_EQ(find(order), nullptr);
  EXPECT_EQ(writer.sequencer.forgotten_through(), closed_at);
  writer.sequencer.forget(writer.sequencer.end().point.last);
  EXPECT_NE(find(open), nullptr) << "it can still be paid";
  EXPECT_FALSE(writer.state().keys.contains(RequestKey{9, 6}));
}

TEST_F(Forgetting, AForgottenOrderIsLookedUpAsItWasNoEarlierThanItWasForgotten) {
  EXPECT_EQ(writer.ask(CancelOrder{order, alice}).refused->code, Code::order_not_cancellable);
  writer.sequencer.forget(closed_at);
  const Command cancel = CancelOrder{order, alice};
  EXPECT_EQ(writer.ask(cancel).missing, Missing::order);
  EXPECT_EQ(writer.ask(cancel, order_as_of(closed_at - 1, recorded)).missing, Missing::order);
  EXPECT_EQ(writer.ask(cancel, order_as_of(closed_at - 1)).missing, Missing::order) << "may not deny either";
  EXPECT_EQ(find(order), nullptr);
  EXPECT_FALSE(writer.sequencer.has_group());
  EXPECT_EQ(writer.ask(cancel, order_as_of(closed_at)).refused->code, Code::order_not_found);
  EXPECT_EQ(writer.ask(CancelOrder{order, bob}, order_as_of(closed_at, recorded)).refused->code,
            Code::order_not_found);
  EXPECT_EQ(writer.ask(cancel, order_as_of(closed_at, recorded)).refused->code, Code::order_not_cancellable);
  ASSERT_NE(find(order), nullptr);
  writer.sequencer.forget(closed_at);
  EXPECT_EQ(find(order), nullptr) << "it does not stay for good";
}

TEST_F(Forgetting, ALookedUpOrderGoesOnWhereItWas) {
  const OrderId paid = writer.buy(bob, product);
  writer.carry_out(StartPayment{paid, bob});
  const AttemptId attempt = writer.state().orders.attempt_of(paid);
  writer.carry_out(SettlePayment{paid, attempt, PaymentOutcome::captured});
  const Place end = writer.sequencer.end().point.last;
  Order as_recorded;
  as_recorded.id = paid;
  as_recorded.user = bob;
  as_recorded.state = OrderState::paid;
  as_recorded.payment = PaymentState::paid;
  as_recorded.attempt = attempt;
  as_recorded.place = end;
  as_recorded.lines.push_back(OrderLine{product, 1, 1, Money{500, {}}, 2});
  writer.sequencer.forget(end);
  ASSERT_EQ(find(paid), nullptr);
  const auto outcome =
      writer.ask(CancelOrder{paid, bob}, order_as_of(end, std::make_shared<const Order>(as_recorded)));
  ASSERT_EQ(outcome.event, 0);
  const auto& cancelled = std::get<OrderCancelled>(writer.sequencer.event_made(0).fact);
  EXPECT_EQ(cancelled.refund, attempt);
  EXPECT_EQ(cancelled.units, (Units{MovedUnits{product, 1}}));
  writer.commit();
  writer.sequencer.forget(writer.sequencer.end().point.last);
  EXPECT_NE(find(paid), nullptr) << "its money is owed back";
  EXPECT_EQ(writer.state().product(product)->stock.remaining, 5);
}

TEST_F(Forgetting, AForgottenKeyIsLookedUpAsItWasNoEarlierThanItWasForgotten) {
  writer.sequencer.forget(closed_at);
  const Command again = with_key(place(alice, product), 5), mismatch = with_key(place(alice, product), 5, 1);
  const BoundKey bound{order.value, 0};
  EXPECT_EQ(writer.ask(again).missing, Missing::key);
  EXPECT_EQ(writer.ask(again, key_as_of(closed_at - 1, bound)).missing, Missing::key);
  EXPECT_EQ(writer.ask(again, key_as_of(closed_at - 1)).missing, Missing::key);
  const auto replayed = writer.ask(again, key_as_of(closed_at, bound));
  EXPECT_TRUE(replayed.replayed);
  EXPECT_EQ(replayed.subject, order.value);
  EXPECT_EQ(replayed.event, -1);
  EXPECT_EQ(writer.ask(mismatch, key_as_of(closed_at, bound)).refused->code, Code::idempotency_mismatch);
  EXPECT_FALSE(writer.sequencer.has_group());
  EXPECT_EQ(writer.ask(again, key_as_of(closed_at)).event, 0) << "a false hit of the filter";
}

TEST_F(Forgetting, AKeyThatIsCertainlyNewIsNotLookedUp) {
  writer.sequencer.forget(closed_at);
  EXPECT_EQ(writer.ask(with_key(place(bob, product), 77)).event, 0);
}

TEST_F(Forgetting, WhatTheGroupBindsComesBeforeWhatWasLookedUp) {
  writer.sequencer.forget(closed_at);
  const Command command = with_key(place(alice, product), 5);
  const auto first = writer.ask(command, key_as_of(closed_at));
  ASSERT_EQ(first.event, 0);
  const auto second = writer.ask(command, key_as_of(closed_at));
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.subject, first.subject);
}

// ---- Time ----

TEST_F(SequencerTest, ExpiresWhenTheTickOfItsDeadlineIsOver) {
  const ProductId product = writer.list(5);
  const OrderId order = writer.buy(alice, product);  // Due at 1000.
  EXPECT_EQ(writer.sequencer.next_deadline(), at(1'100));
  for (const std::int64_t millis : {999, 1'000, 1'099}) {
    writer.sequencer.expire_due(at(millis));
    EXPECT_FALSE(writer.sequencer.has_group()) << millis;
  }
  writer.sequencer.expire_due(at(1'100));
  ASSERT_TRUE(writer.sequencer.has_group());
  const auto& voided = std::get<OrderVoided>(writer.sequencer.event_made(0).fact);
  EXPECT_EQ(voided.order, order);
  EXPECT_EQ(voided.user, alice);
  writer.now = at(1'100);
  EXPECT_EQ(writer.commit()->size(), 1u);
  EXPECT_FALSE(writer.sequencer.next_deadline());
  writer.sequencer.expire_due(at(9'999'999));
  EXPECT_FALSE(writer.sequencer.has_group()) << "once";
}

TEST_F(SequencerTest, AnOpenAttemptAndTheGracePutADeadlineOff) {
  const ProductId product = writer.list(5);
  const OrderId order = writer.buy(alice, product);
  writer.now = at(900);
  writer.carry_out(GrantGrace{at(2'000)});
  writer.now = at(1'900);
  writer.sequencer.expire_due(writer.now);
  EXPECT_FALSE(writer.sequencer.has_group());
  EXPECT_EQ(writer.sequencer.next_deadline(), at(2'100));
  writer.carry_out(StartPayment{order, alice});  // 100 ms before the grace ends.
  writer.sequencer.expire_due(at(2'100));
  EXPECT_FALSE(writer.sequencer.has_group());
  EXPECT_EQ(writer.sequencer.next_deadline(), at(7'100)) << "attempt_bound behind the end of the grace";
  writer.sequencer.expire_due(at(7'099));
  EXPECT_FALSE(writer.sequencer.has_group());
  writer.sequencer.expire_due(at(7'100));
  ASSERT_TRUE(writer.sequencer.has_group());
  EXPECT_TRUE(std::get<OrderVoided>(writer.sequencer.event_made(0).fact).attempt);
}

TEST_F(SequencerTest, ARushOfExpiriesLeavesHalfOfAGroupToBuyers) {
  Records records;
  SequencerSettings settings;
  settings.group_events_max = 10;
  TestWriter small(records, settings);
  small.open(7);
  const ProductId product = small.list(20);
  for (int i = 1; i <= 20; ++i) small.buy(UserId{i}, product);
  small.now = at(5'000);
  std::size_t voided = 0;
  for (int group = 0; group < 4; ++group) {
    small.sequencer.expire_due(small.now);
    EXPECT_EQ(small.ask(place(UserId{100 + group}, product)).event, 5);
    const CountedEvents events = small.commit();
    for (const CountedEvent& counted : *events)
      voided += std::holds_alternative<OrderVoided>(counted.event.fact);
  }
  EXPECT_EQ(voided, 20u);
}

TEST_F(SequencerTest, TimeIsHeldWhileTheLogIsALittleAhead) {
  writer.now = at(10'000);
  writer.list(1);
  Sequencer& sequencer = writer.sequencer;
  EXPECT_EQ(sequencer.time(at(10'001)), at(10'001));
  EXPECT_EQ(sequencer.time(at(9'999)), at(10'000));
  EXPECT_EQ(sequencer.time(at(8'000)), at(10'000)) << "2 s";
  EXPECT_EQ(sequencer.clock_alarms(), 0u);
  EXPECT_EQ(sequencer.time(at(7'999)), at(7'999)) << "some clock was wrong: the own one holds";
  EXPECT_EQ(sequencer.clock_alarms(), 1u);
  writer.now = at(9'000);
  writer.list(1);
  EXPECT_EQ(writer.state().numbers.last_at, at(10'000)) << "events do not go back";
  writer.now = at(1'000);
  writer.list(1);
  EXPECT_EQ(writer.state().numbers.last_at, at(1'000));
  EXPECT_EQ(sequencer.clock_alarms(), 2u);
}

TEST_F(SequencerTest, TheSignOfLifeIsTheNewestEventOrOpen) {
  EXPECT_EQ(writer.sequencer.last_sign_of_life(), at(0));
  writer.now = at(5'000);
  writer.list(1);
  EXPECT_EQ(writer.sequencer.last_sign_of_life(), at(5'000));
  writer.now = at(6'000);
  writer.open(8);
  EXPECT_EQ(writer.sequencer.last_sign_of_life(), at(6'000));
  writer.open(9);
  EXPECT_TRUE(writer.sequencer.writes(9));
}

}  // namespace
}  // namespace market::sale
