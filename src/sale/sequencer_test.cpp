#include "sale/sequencer.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_writer.hpp"
#include "tests/support/whole_state.hpp"

namespace market::sale {
namespace {

using namespace tests;

class SequencerTest : public testing::Test {
 protected:
  void SetUp() override { writer.open(7); }
  const OpenOrder* find(OrderId id) const { return writer.state().orders.find(id); }

  Records log;
  TestWriter writer{log};
};

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

/// Whole, and of this format, but with what only a newer program knows: also at the second look.
TEST_F(SequencerTest, AGroupThatCannotBeReadStopsItsReaderForEver) {
  TestWriter reader(log);
  writer.list(5);
  reader.follow();
  const LogEnd end = reader.sequencer.end();
  ProductListed listed;
  listed.product = ProductId{7};
  listed.terms.kind = static_cast<ProductKind>(77);
  wire::GroupWriter newer;
  newer.begin(end.point.term, end.point.last + 1);
  newer.add(Event{Instant(Millis(1)), {}, 0, {}, listed});
  const std::string record(newer.finish());
  for (int look = 0; look < 2; ++look) {
    EXPECT_EQ(reader.sequencer.follow(end.next, record).error().code, Code::internal);
    EXPECT_EQ(reader.sequencer.end(), end);
  }
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

TEST_F(SequencerTest, ADeadlineOfAnOrderThatAnUndoneGroupHadClosedIsKept) {
  const ProductId product = writer.list(2);
  const OrderId unpaid = writer.buy(alice, product);
  TestWriter other(log);
  other.follow();
  writer.ask(CancelOrder{unpaid, alice, false});
  writer.sequencer.seal();
  EXPECT_EQ(find(unpaid)->state, OrderState::cancelled);
  writer.now += Millis(5'000);
  writer.sequencer.skip_due(writer.now);  // As a writer does that has lost the log, and may lose its term.
  other.open(8);
  writer.follow();
  EXPECT_EQ(find(unpaid)->state, OrderState::accepted);
  writer.open(9);
  writer.sequencer.expire_due(writer.now);
  ASSERT_TRUE(writer.sequencer.has_group()) << "else its unit is held until a restart";
  EXPECT_TRUE(std::holds_alternative<OrderVoided>(writer.sequencer.event_made(0).fact));
}

TEST_F(SequencerTest, ARecordWhosePlacesAreNoneDoesNotCountAndStopsNobody) {
  const ProductId product = writer.list(2);
  const WholeState before = whole(writer.state());
  for (const Place first : {Place{0}, Place{-5}, std::numeric_limits<Place>::max()}) {
    wire::GroupWriter foreign;
    foreign.begin(7, first);
    Event event;
    event.fact = Barrier{};
    foreign.add(event);
    log.emplace_back(foreign.finish());
    writer.follow();
    EXPECT_EQ(whole(writer.state()), before) << first;
  }
  EXPECT_TRUE(writer.buy(alice, product));
}

TEST_F(SequencerTest, ARefusedCopySaysAllThatARefusalSays) {
  ProductTerms later = tests::event_terms();
  later.sale = Sale{writer.now + Millis(60'000), std::nullopt, std::nullopt};
  const ProductId product = writer.list(5, later);
  Command second = place(alice, product);
  second.copy = {RequestKey{1, 2}, 2};
  const auto outcome = writer.ask(second);
  ASSERT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.refused->code, Code::sale_not_open);
  EXPECT_EQ(outcome.refused->extras->opens_at, format_rfc3339(later.sale->opens_at));
  EXPECT_TRUE(std::holds_alternative<Refused>(writer.sequencer.event_made(0).fact));
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

}  // namespace
}  // namespace market::sale
