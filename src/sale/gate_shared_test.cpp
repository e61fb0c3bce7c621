/// Several gates on one log: one writes, the others follow, and take over when it is silent. In real time,
/// with short silences; the log is memory (tests/contract runs logs on real engines).
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/two_gates.hpp"

namespace market::sale {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

using tests::GateInstance;

class SharedGate : public tests::TwoGates {
 protected:
  /// On whoever writes, as a client that repeats with its key.
  Result<Submitted> buy(std::int64_t user, std::uint64_t key) {
    Result<Submitted> answer = fail(Code::recovering, "nobody writes");
    wait([&] {
      for (GateInstance* each : {a.get(), b.get()}) {
        if (!each || !each->running || !each->gate().writes()) continue;
        answer = each->submit(order_of(user, key));
        if (answer || (answer.error().code != Code::recovering && answer.error().code != Code::unavailable))
          return true;
      }
      return false;
    });
    return answer;
  }
};

TEST_F(SharedGate, OneWritesAndTheOtherFollows) {
  const auto sold = a->submit(order_of(1));
  ASSERT_TRUE(sold);
  EXPECT_TRUE(wait([&] { return b->remaining(product) == 99; }));
  EXPECT_TRUE(b->has_order(UserId{1}, sold->subject));
  EXPECT_FALSE(b->gate().writes());
  EXPECT_EQ(b->submit(order_of(2)).error().code, Code::recovering) << "only the writer decides";
  EXPECT_TRUE(tests::stays_away([&] { return !a->gate().writes() || b->gate().writes(); }, Millis(600)))
      << "an idle writer gives signs of life";
}

TEST_F(SharedGate, WhoeverIsCutOffFromTheRecordsAloneKeepsNoMoreThanItsBound) {
  b->fold_lag_max = 3;
  b->stop();
  b->records.fail_next = 1'000'000;
  b->start();
  for (int user = 1; user <= 6; ++user) ASSERT_TRUE(a->submit(order_of(user)));
  EXPECT_TRUE(tests::stays_away([&] { return b->told_to_start_anew.load(); }))
      << "orders have events to come";
  for (int user = 7; user <= 20; ++user) ASSERT_TRUE(a->submit(order_of(user)));
  EXPECT_TRUE(wait([&] { return b->told_to_start_anew.load(); }));
  EXPECT_FALSE(a->told_to_start_anew.load());
}

TEST_F(SharedGate, UnpaidOrdersExpireAlsoAfterTheirWriterHasDied) {
  ASSERT_TRUE(a->submit(order_of(1, 0, Millis(200))));
  EXPECT_EQ(a->remaining(product), 99);
  EXPECT_TRUE(wait([&] { return a->remaining(product) == 100 && b->remaining(product) == 100; }));
  ASSERT_TRUE(a->submit(order_of(2, 0, Millis(200))));
  a->door.shut();  // It says no good-bye.
  a->stop();
  a->door.open();
  EXPECT_TRUE(wait([&] { return b->gate().writes() && b->remaining(product) == 100; }))
      << "whoever writes next voids what became due meanwhile";
}

TEST_F(SharedGate, AWriterThatStopsHandsOverAtOnce) {
  ASSERT_TRUE(buy(1, 5));
  const auto stops = Steady::now();
  a->stop();
  ASSERT_TRUE(wait([&] { return b->gate().writes(); }));
  EXPECT_LT(Steady::now() - stops, 120ms) << "less than a silence";
  EXPECT_TRUE(buy(1, 5)->replayed);
}

TEST_F(SharedGate, AWriterWhoseClockIsWrongHandsOverAndDoesNotComeBack) {
  b->door.say_clock_is_off(Millis(-900));
  a->door.say_clock_is_off(Millis(120'000));
  ASSERT_TRUE(wait([&] { return b->gate().writes() && !a->gate().writes(); }));
  EXPECT_NE(a->gate().clock_trouble(), "");
  EXPECT_EQ(b->gate().clock_trouble(), "");
  ASSERT_TRUE(b->submit(order_of(1)));
  EXPECT_TRUE(wait([&] { return a->remaining(product) == 99; })) << "it follows";
  b->stop();
  EXPECT_TRUE(tests::stays_away([&] { return a->gate().writes(); }, Millis(600)));
  a->door.say_clock_is_off(Millis(0));
  EXPECT_TRUE(wait([&] { return a->gate().writes(); })) << "whoever did not write asks again";
  EXPECT_TRUE(a->submit(order_of(2)));
}

TEST_F(SharedGate, WhoseClockIsWrongFromTheStartOpensNoTerm) {
  a->stop();
  b->stop();
  const auto before = memory.end();
  a->door.say_clock_is_off(Millis(-2'000));
  a->start();
  EXPECT_TRUE(tests::stays_away([&] { return a->gate().writes(); }, Millis(600)));
  EXPECT_GT(memory.end(), before) << "it has asked";
  b->start();
  ASSERT_TRUE(wait([&] { return b->gate().writes(); })) << "what it asked by counts for nobody";
  EXPECT_TRUE(b->submit(order_of(1)));
}

TEST_F(SharedGate, AWriterThatDiesIsFollowedByTheOther) {
  const auto first = buy(1, 5);
  ASSERT_TRUE(first);
  a->door.shut();  // It says no good-bye.
  a->stop();
  a->door.open();
  const auto died = Steady::now();
  ASSERT_TRUE(wait([&] { return b->gate().writes(); }));
  EXPECT_LT(Steady::now() - died, 1s);
  const auto again = buy(1, 5);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->subject, first->subject);
  ASSERT_TRUE(buy(2, 1));
  a->start();  // It reads what happened meanwhile, and follows.
  EXPECT_TRUE(wait([&] { return a->remaining(product) == 98; }));
  EXPECT_FALSE(a->gate().writes());
}

TEST_F(SharedGate, AWriterThatIsCutOffAndComesBackWithdrawsNothingAndSellsNothingTwice) {
  ASSERT_TRUE(buy(1, 1));
  a->door.shut(true);
  const auto unknown = a->submit(order_of(2, 2));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::unavailable) << "nobody knows yet";
  ASSERT_TRUE(wait([&] { return b->gate().writes(); }));
  ASSERT_TRUE(b->submit(order_of(3, 3)));
  a->door.open();  // What it had sent comes late, under a term that is over.
  ASSERT_TRUE(wait([&] { return a->gate().place() == b->gate().place() && !a->gate().writes(); }));
  const auto retried = buy(2, 2);
  ASSERT_TRUE(retried);
  EXPECT_FALSE(retried->replayed) << "the late group does not count";
  EXPECT_TRUE(wait([&] { return a->remaining(product) == 97 && b->remaining(product) == 97; }));
}

TEST_F(SharedGate, AWriterThatLearnsInItsAppendThatAnotherWritesFollowsAtOnce) {
  KeyFilter keys;
  Sequencer quicker(a->settings().sequencer, keys);
  a->door.before_append([&] {
    for (const auto& record : memory.from(1)) ASSERT_TRUE(quicker.follow(quicker.end().next, record));
    memory.append(quicker.open(77, quicker.end().point.log, a->clock.now(), {}, {}));
  });
  const auto sold = a->submit(order_of(1, 1));
  EXPECT_FALSE(a->running->table.recovering()) << "or it would refuse everything until the next Open";
  EXPECT_FALSE(sold);
  EXPECT_TRUE(buy(1, 1));
}

TEST_F(SharedGate, WhoFindsAnotherWriterWhenItLooksBeforeItsOpenLeavesItToThat) {
  KeyFilter keys;
  Sequencer quicker(a->settings().sequencer, keys);
  std::atomic<Steady::time_point> opened{};
  b->door.before_read([&] {
    for (const auto& record : memory.from(1)) ASSERT_TRUE(quicker.follow(quicker.end().next, record));
    memory.append(quicker.open(77, quicker.end().point.log, a->clock.now(), {}, {}));
    opened = Steady::now();
  });
  a->stop();
  ASSERT_TRUE(wait([&] { return b->gate().writes(); })) << "the quicker one is silent";
  EXPECT_GE(Steady::now() - opened.load(), b->settings().watch.silence_max);
}

TEST(SharedGateAtItsStart, NamesItsRecordsBeforeAnythingIsFolded) {
  tests::SharedMemory elsewhere, memory;
  {
    GateInstance writer(elsewhere, 1);
    ASSERT_TRUE(tests::wait([&] { return writer.gate().writes(); }));
    ProductTerms terms;
    terms.price.amount = 1000;
    ASSERT_TRUE(writer.submit(ListProduct{terms, {"shoes", {}, {}, {}}, 5}));
  }
  GateInstance late(memory, 2, nullptr, false);
  late.stop();
  late.may_write = true;
  // Its start finds nothing; all of it comes just before it would open the log itself, which its thread does.
  std::function<void()> come = [&, starting = std::this_thread::get_id()] {
    if (std::this_thread::get_id() == starting) return late.door.before_read(come);
    for (const auto& record : elsewhere.from(1)) memory.append(record);
  };
  late.door.before_read(come);
  const auto folded = [&] { return *late.records.place() > 0; };
  late.door.before_append([&] { EXPECT_TRUE(tests::wait(folded)); });
  late.start();
  ASSERT_TRUE(tests::wait([&] { return late.gate().writes(); }, Millis(8'000)));
  EXPECT_FALSE(late.records.folded_unnamed);
}

TEST_F(SharedGate, WhoIsCutOffShowsWhatIsAheadUntilTheLogIsBack) {
  ASSERT_TRUE(a->submit(order_of(1)));
  ASSERT_TRUE(wait([&] { return b->remaining(product) == 99; }));
  EXPECT_EQ(b->gate().log(), a->gate().log());
  EXPECT_TRUE(b->gate().log());
  b->door.shut();
  for (int user = 2; user < 7; ++user) ASSERT_TRUE(a->submit(order_of(user)));
  const auto line = [&](Place place, std::int64_t left) {
    return std::vector{StockLine{product, place, left, 100, {}, {}}};
  };
  b->gate().show_ahead(line(a->gate().place(), 94));
  ASSERT_TRUE(wait([&] { return b->remaining(product) == 94; }));
  b->gate().show_ahead(line(a->gate().place() + 1'000'000, 3));  // Whoever wrote that has spoiled it.
  ASSERT_TRUE(wait([&] { return b->remaining(product) == 3; }));
  EXPECT_TRUE(tests::stays_away([&] { return b->remaining(product) != 3; })) << "there is nothing better yet";
  b->door.open();
  EXPECT_TRUE(wait([&] { return b->remaining(product) == a->remaining(product); }));
  ASSERT_TRUE(a->submit(order_of(7)));
  EXPECT_TRUE(wait([&] { return b->remaining(product) == 93; })) << "the log's own numbers again";
}

TEST_F(SharedGate, AGroupBehindAnothersRecordsIsReadBackAndCounts) {
  a->door.before_append([&] { memory.append("foreign bytes, of no version"); });
  const auto sold = a->submit(order_of(1, 1));
  ASSERT_TRUE(sold) << sold.error().detail;
  EXPECT_TRUE(a->gate().writes()) << "what does not count changes nothing";
  EXPECT_TRUE(wait([&] { return b->remaining(product) == 99; }));
}

TEST_F(SharedGate, AWriterWhoseTermWasTakenLearnsItFromItsOwnAppend) {
  wire::Open other;
  ASSERT_TRUE(buy(1, 1));
  // As another instance would: an Open behind the newest term.
  LogRule rule;
  for (const auto& record : memory.from(1)) {
    const auto decoded = wire::decode_record(record);
    ASSERT_TRUE(decoded);
    if (const auto* open = std::get_if<wire::Open>(&*decoded)) rule.judge(*open);
    if (const auto* group = std::get_if<wire::Group>(&*decoded)) rule.judge(group->head);
  }
  other.log = rule.at().log;
  other.after = rule.at().term;
  other.nonce = 0xABCDEF;
  other.clock = a->clock.now();
  a->door.before_append([&] { memory.append(wire::encode_open(other)); });
  const auto sold = a->submit(order_of(2, 2));
  EXPECT_FALSE(sold);
  EXPECT_FALSE(a->running->table.recovering()) << "it follows what the other writes: it is ready";
  const auto retried = buy(2, 2);
  ASSERT_TRUE(retried);
  EXPECT_FALSE(retried->replayed);
  EXPECT_TRUE(wait([&] { return a->remaining(product) == 98 && b->remaining(product) == 98; }));
}

TEST_F(SharedGate, ACutLogIsSoldFromByNobody) {
  ASSERT_TRUE(buy(1, 1));
  ASSERT_TRUE(wait([&] { return b->remaining(product) == 99; }));
  a->door.shut();
  a->stop();
  memory.cut(2);
  EXPECT_TRUE(tests::stays_away([&] { return b->gate().writes(); }, Millis(800)));
  EXPECT_TRUE(b->submit(order_of(2)).error().code == Code::recovering);
  EXPECT_EQ(b->remaining(product), 99) << "reads go on";
}

/// Writers come and go under a crowd; each answer that was given is an order, once, and no unit is sold
/// twice.
TEST_F(SharedGate, ACrowdBuysWhileWritersComeAndGo) {
  std::atomic<bool> done{false};
  std::atomic<std::int64_t> changes{0};  // Of a door.
  std::thread nemesis([&] {
    std::uint64_t random = 88172645463325252ull;
    while (!done) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      GateInstance& one = random % 2 ? *a : *b;
      one.door.shut(random & 4);
      ++changes;
      tests::wait([&] { return done.load(); }, Millis(100 + (random >> 8) % 250));
      one.door.open();
      ++changes;
      tests::wait([&] { return done.load(); }, Millis(150 + (random >> 16) % 100));
    }
  });
  std::map<std::int64_t, std::int64_t> sold;  // Order by user.
  int sold_out = 0;
  for (std::int64_t user = 1; user <= 130; ++user) {
    const auto answer = buy(user, 1);
    if (answer)
      sold[user] = answer->subject;
    else if (answer.error().code == Code::sold_out)
      ++sold_out;
    EXPECT_TRUE(wait([&] { return 20 * changes >= user; })) << "some buy between any two changes";
  }
  done = true;
  nemesis.join();
  EXPECT_EQ(sold.size(), 100u);
  EXPECT_EQ(sold_out, 30);
  ASSERT_TRUE(wait([&] { return a->gate().place() == b->gate().place(); }));
  for (GateInstance* each : {a.get(), b.get()}) {
    EXPECT_EQ(each->remaining(product), 0);
    EXPECT_EQ(each->gate().counters().oversell_prevented, 0u);
    for (const auto& [user, order] : sold) EXPECT_TRUE(each->has_order(UserId{user}, order)) << user;
  }
}

}  // namespace
}  // namespace market::sale
