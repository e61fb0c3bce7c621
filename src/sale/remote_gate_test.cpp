/// Several gates on one log, each with a link to the others: whoever is asked answers, whoever writes. In
/// real time, with short silences; log and net are memory.
#include "sale/remote_gate.hpp"

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "tests/support/two_gates.hpp"

namespace market::sale {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

using tests::GateInstance;

class RemoteGates : public tests::TwoGates {
 protected:
  RemoteGates() {
    linked = true;
    per_user = 1;
  }
  Command order_of(std::int64_t user, std::uint64_t key = 0, std::uint64_t fingerprint = 1) const {
    Command command = TwoGates::order_of(user, key);
    command.fingerprint = fingerprint;
    return command;
  }
};

TEST_F(RemoteGates, WhoeverIsAskedAnswersWithWhatTheWriterDecides) {
  const auto sold = b->submit(order_of(1, 7));
  ASSERT_TRUE(sold) << sold.error().detail;
  EXPECT_FALSE(b->gate().writes());
  ASSERT_TRUE(sold->event);
  EXPECT_TRUE(b->has_order(UserId{1}, sold->subject)) << "it is read where it was answered, at once";
  EXPECT_EQ(b->remaining(product), 99);
  const auto again = b->submit(order_of(1, 7));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->subject, sold->subject);
  EXPECT_EQ(a->submit(order_of(1, 7))->subject, sold->subject);
  EXPECT_EQ(b->submit(order_of(1, 7, 2)).error().code, Code::idempotency_mismatch);
  EXPECT_EQ(b->submit(order_of(1)).error().code, Code::limit_exceeded);
  const auto stock = b->submit(AdjustStock{product, 5, "more"});
  ASSERT_TRUE(stock);
  EXPECT_EQ(stock->stock->remaining, 104);
  const auto none = b->submit(AdjustStock{product, 0, "none"});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->stock->remaining, 104);
  EXPECT_EQ(b->submit(AdjustStock{ProductId{1}, 5, "more"}).error().code, Code::product_not_found);
  const auto made = list(*b, 3);
  ASSERT_TRUE(made);
  EXPECT_EQ(b->remaining(made->product()), 3);
}

/// As at the writer itself: it does not stand in the desk without an answer until its sender gives up.
TEST_F(RemoteGates, WhatTheWriterCannotLookUpIsAnsweredAtOnce) {
  const auto sold = b->submit(order_of(1, 7));
  ASSERT_TRUE(sold) << sold.error().detail;
  ASSERT_TRUE(b->submit(CancelOrder{sold->order(), UserId{1}, false}));
  ASSERT_TRUE(b->submit(order_of(2, 8)));
  ASSERT_TRUE(wait([&] {  // It has left the writer's memory.
    a->records.reads_away = true;
    const bool looked_up = !a->submit(order_of(1, 7));
    a->records.reads_away = false;
    return looked_up;
  }));
  a->records.reads_away = true;
  const auto began = Steady::now();
  const auto again = b->submit(order_of(1, 7));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::unavailable);
  EXPECT_LT(Steady::now() - began, 2s) << "and not when it has waited for so long as it may";
  EXPECT_EQ(b->gate().waiting_elsewhere(), 0u);
  a->records.reads_away = false;
  EXPECT_TRUE(b->submit(order_of(1, 7))->replayed);
}

TEST_F(RemoteGates, ACommandWaitsForTheNextWriterWhenThisOneDies) {
  ASSERT_TRUE(b->submit(order_of(1, 1)));
  a->die();
  const auto began = Steady::now();
  const auto sold = b->submit(order_of(2, 2));
  ASSERT_TRUE(sold) << sold.error().detail;
  EXPECT_LT(Steady::now() - began, 2s);
  EXPECT_TRUE(b->gate().writes());
  a->start();
  const auto back = a->submit(order_of(3, 3));
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_FALSE(a->gate().writes());
  EXPECT_TRUE(wait([&] { return a->remaining(product) == 97 && b->remaining(product) == 97; }));
}

TEST_F(RemoteGates, WhatAWriterHadInFlightWhenItLostTheLogIsDecidedOnce) {
  a->door.shut(true);  // What it sends is kept back.
  std::thread asks([&] {
    const auto sold = a->submit(order_of(1, 1));
    EXPECT_TRUE(sold) << sold.error().detail;
  });
  ASSERT_TRUE(wait([&] { return b->gate().writes(); }));
  a->door.open();  // Late, under a term that is over.
  asks.join();
  EXPECT_TRUE(wait([&] { return a->remaining(product) == 99 && b->remaining(product) == 99; }));
}

TEST_F(RemoteGates, AHandOverIsAnsweredByTheHeir) {
  ASSERT_TRUE(a->submit(AdjustStock{product, 100'000, "more than are asked for"}));
  std::atomic<bool> done{false};
  std::atomic<int> sold{0}, failed{0};
  std::thread asks([&] {
    for (std::int64_t user = 1; !done; ++user) ++(b->submit(order_of(user, 1)) ? sold : failed);
  });
  ASSERT_TRUE(wait([&] { return sold > 5; }));
  a->stop();
  ASSERT_TRUE(wait([&] { return b->gate().writes(); }));
  const int before = sold;
  ASSERT_TRUE(wait([&] { return sold > before + 5 || failed > 0; }));
  done = true;
  asks.join();
  EXPECT_EQ(failed, 0);
}

TEST_F(RemoteGates, ASenderThatNobodyHearsSaysThatItDoesNotKnow) {
  CommandSender sender({.answer_time_max = Millis(200)}, {1, 2});
  std::optional<Code> said;
  const Instant begun{Millis(1'000'000)};
  sender.opened(5, "there");
  ASSERT_TRUE(sender.add(
      order_of(1), [&](Result<Submitted> answer) { said = answer.error().code; }, begun));
  ASSERT_TRUE(sender.message(begun));
  sender.expire(begun + Millis(200));
  for (auto& each : sender.take_finished()) each.done(std::move(each.answer));
  EXPECT_EQ(said, Code::unavailable);
}

/// An instance that only follows, a standby, and both begin anew where their own snapshots end.
TEST_F(RemoteGates, WhoFollowsKeepsSnapshotsAndBeginsWithThem) {
  auto c = std::make_unique<GateInstance>(memory, 3, &net, false);
  for (GateInstance* each : {b.get(), c.get()}) {
    each->stop();
    each->snapshot_every = 10;
    each->start();
  }
  for (std::int64_t user = 1; user <= 20; ++user) ASSERT_TRUE(b->submit(order_of(user, 1)));
  std::int64_t user = 21;
  for (GateInstance* each : {b.get(), c.get()}) {
    EXPECT_EQ(each->gate().started_from(), 0) << "it had none";
    ASSERT_TRUE(wait([&] { return each->gate().snapshots_made() > 0; }));
    ASSERT_FALSE(each->gate().writes());
    each->stop();
    each->snapshot_every = 500'000;
    ASSERT_TRUE(a->submit(order_of(user++, 1))) << "which it does not hear";
    each->start();
    EXPECT_GE(each->gate().started_from(), 10);
    EXPECT_EQ(each->remaining(product), 100 - user + 1);
    // It knows who writes, though the term is older than the snapshot; and what it had forgotten.
    ASSERT_TRUE(each->submit(order_of(user++, 1)));
    EXPECT_EQ(each->submit(order_of(1, 2)).error().code, Code::limit_exceeded);
    EXPECT_TRUE(each->submit(order_of(2, 1))->replayed);
  }
  a->die();
  ASSERT_TRUE(wait([&] { return b->gate().writes(); })) << "and may write on what it began with";
  EXPECT_TRUE(c->submit(order_of(user, 1)));
}

TEST_F(RemoteGates, ASnapshotThatIsDamagedOrOfAnotherLogIsLeftAside) {
  b->stop();
  b->snapshot_every = 10;
  b->start();
  for (std::int64_t user = 1; user <= 20; ++user) ASSERT_TRUE(b->submit(order_of(user, 1)));
  ASSERT_TRUE(wait([&] { return b->gate().snapshots_made() > 0; }));
  b->stop();
  const std::string whole = *b->snapshots.bytes;
  b->snapshot_every = 500'000;
  b->snapshots.bytes = whole.substr(0, whole.size() / 2);
  b->start();
  EXPECT_EQ(b->gate().started_from(), 0);
  EXPECT_EQ(b->remaining(product), 80);

  tests::SharedMemory other;
  GateInstance elsewhere(other, 4);
  ASSERT_TRUE(wait([&] { return elsewhere.gate().writes(); }));
  product = list(elsewhere, 100)->product();
  for (std::int64_t user = 1; user <= 20; ++user) ASSERT_TRUE(elsewhere.submit(order_of(user, 1)));
  elsewhere.stop();
  elsewhere.snapshots.bytes = whole;
  elsewhere.start();
  EXPECT_EQ(elsewhere.gate().started_from(), 0);
  EXPECT_EQ(elsewhere.remaining(product), 80);
}

/// Two hundred buyers at three instances, a net that loses, repeats and delays, and writers that come, go and
/// die: each is answered, each unit is sold once.
TEST_F(RemoteGates, ACrowdBuysAtAllOfThemWhileWritersDie) {
  auto c = std::make_unique<GateInstance>(memory, 3, &net);
  net.set({.lost = 10, .twice = 15, .late = 30});
  std::mutex mutex;
  std::map<std::int64_t, std::int64_t> sold;  // Order by user.
  int sold_out = 0;
  std::map<Code, int> others;
  std::atomic<std::int64_t> next{1};
  std::atomic<bool> done{false};
  GateInstance* all[] = {a.get(), b.get(), c.get()};
  // Instances 1 and 2 lose their door to the log again and again; who is asked stays there.
  std::thread nemesis([&] {
    for (unsigned i = 0; !done; ++i) {
      GateInstance& one = *all[i % 3];
      one.door.shut(i % 2 == 0);
      tests::wait([&] { return done.load(); }, Millis(100 + (i * 97) % 250));
      one.door.open();
      tests::wait([&] { return done.load(); }, Millis(200 + (i * 53) % 150));
    }
  });
  std::vector<std::thread> buyers;
  for (int n = 0; n < 6; ++n)
    buyers.emplace_back([&, n] {
      for (std::int64_t user; (user = next++) <= 200;) {
        Result<Submitted> answer = fail(Code::recovering, "");
        int at = n;
        wait([&] {  // As a client that repeats with its key.
          answer = all[at++ % 3]->submit(order_of(user, 1));
          return answer ||
                 (answer.error().code != Code::recovering && answer.error().code != Code::unavailable);
        });
        const std::scoped_lock lock(mutex);
        if (answer)
          sold[user] = answer->subject;
        else if (answer.error().code == Code::sold_out)
          ++sold_out;
        else
          ++others[answer.error().code];
      }
    });
  for (auto& each : buyers) each.join();
  done = true;
  nemesis.join();
  EXPECT_EQ(sold.size(), 100u);
  EXPECT_EQ(sold_out, 100);
  EXPECT_TRUE(others.empty());
  ASSERT_TRUE(wait([&] {
    return all[0]->gate().place() == all[1]->gate().place() &&
           all[1]->gate().place() == all[2]->gate().place();
  }));
  for (GateInstance* each : all) {
    EXPECT_EQ(each->remaining(product), 0);
    EXPECT_EQ(each->gate().counters().oversell_prevented, 0u);
    for (const auto& [user, order] : sold) EXPECT_TRUE(each->has_order(UserId{user}, order)) << user;
  }
}

TEST_F(RemoteGates, OneThatMayNotWriteNeverDoesAndSellsAllTheSame) {
  GateInstance shop(memory, 3, &net, false);
  ASSERT_TRUE(shop.submit(order_of(1, 7)));
  b->stop();
  a->die();
  const auto longer_than_anybody_waits = Millis(700);
  EXPECT_TRUE(tests::stays_away([&] { return shop.gate().writes(); }, longer_than_anybody_waits));
  b->start();
  ASSERT_TRUE(wait([&] { return b->gate().writes(); }));
  const auto again = shop.submit(order_of(1, 7));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_TRUE(list(shop, 5));
  EXPECT_FALSE(shop.gate().writes());
}

}  // namespace
}  // namespace market::sale
