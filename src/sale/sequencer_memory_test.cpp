#include "sale/sequencer.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/memory.hpp"
#include "tests/support/test_writer.hpp"
#include "tests/support/whole_state.hpp"

namespace market::sale {
namespace {

using namespace tests;
using Missing = Sequencer::Missing;

class SequencerMemoryTest : public testing::Test {
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

// ---- Memory ----

class Forgetting : public SequencerMemoryTest {
 protected:
  void SetUp() override {
    SequencerMemoryTest::SetUp();
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

TEST_F(Forgetting, ARowOfAPlaceThatIsToComeIsNoPartOfTheState) {
  writer.sequencer.forget(closed_at);
  Order later = *recorded;
  later.place = closed_at + 1;  // Another instance writes, and this one has not heard of it.
  const auto ahead = order_as_of(closed_at + 1, std::make_shared<const Order>(later));
  EXPECT_EQ(writer.ask(CancelOrder{order, alice}, ahead).refused->code, Code::order_not_found)
      << "which its barrier holds back";
  EXPECT_EQ(find(order), nullptr);
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
  EXPECT_EQ(writer.ask(again, key_as_of(closed_at - 1)).missing, Missing::key);
  EXPECT_TRUE(writer.ask(again, key_as_of(closed_at - 1, bound)).replayed) << "what is bound stays so";
  const auto replayed = writer.ask(again, key_as_of(closed_at, bound));
  EXPECT_TRUE(replayed.replayed);
  EXPECT_EQ(replayed.subject, order.value);
  EXPECT_EQ(replayed.event, -1);
  EXPECT_EQ(writer.ask(mismatch, key_as_of(closed_at, bound)).refused->code, Code::idempotency_mismatch);
  EXPECT_FALSE(writer.sequencer.has_group());
  EXPECT_EQ(writer.ask(again, key_as_of(closed_at)).event, 0) << "a false hit of the filter";
}

TEST_F(Forgetting, ARepeatIsAnsweredByItsKeyAndAsksForNoOrder) {
  writer.sequencer.forget(closed_at);
  const Command cancel = with_key(CancelOrder{order, alice}, 5);
  const auto replayed =
      writer.ask(cancel, key_as_of(closed_at - 1, BoundKey{order.value, cancel.fingerprint}));
  EXPECT_EQ(replayed.missing, Missing::nothing);
  EXPECT_TRUE(replayed.replayed);
  EXPECT_EQ(replayed.subject, order.value);
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

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Unpaid orders of buyers who buy once, with the keys that the filter keeps: as bench/engine.cpp.
double bytes_per_order(int lines, int orders) {
  constexpr int group = 1'000;
  KeyFilter keys;
  Sequencer sequencer({}, keys);
  const std::string open = sequencer.open(7, test_log, at(0), {}, {});
  EXPECT_TRUE(sequencer.follow(1, open));
  Offset next = 2;
  const auto commit = [&] {
    sequencer.seal();
    sequencer.counted(next++);
    sequencer.forget(sequencer.end().point.last);
  };
  PlaceOrder wanted;
  wanted.payment_window = std::chrono::hours(1);
  for (int i = 0; i < lines; ++i) {
    const auto listed =
        sequencer.decide(ListProduct{event_terms(), {"shoes", {}, {}, {}}, orders}, {}, at(0));
    wanted.lines.push_back(WantedLine{ProductId{listed.subject}, 1});
    commit();
  }
  const double before = resident_bytes();
  for (int i = 1; i <= orders; ++i) {
    wanted.user = UserId{i};
    LookedUp nothing;
    nothing.key_as_of = sequencer.end().point.last;
    const auto number = static_cast<std::uint64_t>(i);
    EXPECT_GE(sequencer.decide(with_key(wanted, number * 0x9E3779B97F4A7C15ull), nothing, at(0)).event, 0);
    if (i % group == 0) commit();
  }
  return (resident_bytes() - before) / orders;
}

/// In a process of its own: memory that another measurement has freed would be used again.
double measured_apart(int lines, int orders) {
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    return_free_memory();  // Of the tests before.
    const double bytes = bytes_per_order(lines, orders);
    ::_exit(::write(ends[1], &bytes, sizeof bytes) == sizeof bytes ? 0 : 1);
  }
  double bytes = -1;
  ::close(ends[1]);
  EXPECT_EQ(::read(ends[0], &bytes, sizeof bytes), static_cast<ssize_t>(sizeof bytes));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return bytes;
}

TEST(SequencerBytes, AnUnpaidOrderTakes128BytesAndEachFurtherLine24) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's memory is another";
#endif
  EXPECT_LE(measured_apart(1, 1'000'000), 128.0);
  const double one = measured_apart(1, 300'000), four = measured_apart(4, 300'000);
  EXPECT_LE((four - one) / 3, 24.0);
}

// ---- Time ----

TEST_F(SequencerMemoryTest, ExpiresWhenTheTickOfItsDeadlineIsOver) {
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

TEST_F(SequencerMemoryTest, AnOpenAttemptAndTheGracePutADeadlineOff) {
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

TEST_F(SequencerMemoryTest, ARushOfExpiriesLeavesHalfOfAGroupToBuyers) {
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

TEST_F(SequencerMemoryTest, TimeIsHeldWhileTheLogIsALittleAhead) {
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

TEST_F(SequencerMemoryTest, TheSignOfLifeIsTheNewestEventOrOpen) {
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
