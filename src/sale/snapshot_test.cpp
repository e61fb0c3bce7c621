#include "sale/snapshot.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/test_writer.hpp"
#include "tests/support/whole_state.hpp"

namespace market::sale {
namespace {

using namespace tests;

class SnapshotTest : public testing::Test {
 protected:
  void SetUp() override {
    writer.open(7);
    for (int group = 0; group < 60; ++group) commit_group();
  }
  void commit_group() {
    gather(writer, crowd, crowd.below(30));
    writer.commit();
    writer.now += Millis(crowd.below(300));
  }
  /// All of it while nothing happens.
  std::string copy() {
    SnapshotCopy copy(writer.sequencer);
    EXPECT_TRUE(copy.step([] { return true; }));
    return copy.take_bytes();
  }

  Records log;
  TestWriter writer{log};
  Crowd crowd{3};
};

TEST_F(SnapshotTest, HoldsTheWholeState) {
  EXPECT_GT(writer.state().orders.size(), 20u) << "it is worth copying";
  EXPECT_GT(writer.state().keys.size(), 20u);
  writer.sequencer.forget(writer.sequencer.end().point.last / 2);
  const std::string bytes = copy() + "rest";
  const auto decoded = decode_snapshot(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->rest, "rest");
  EXPECT_EQ(whole(decoded->memory.state), whole(writer.state()));
  EXPECT_EQ(decoded->memory.end, writer.sequencer.end());
  EXPECT_EQ(decoded->memory.forgotten_through, writer.sequencer.forgotten_through());
  EXPECT_EQ(decoded->memory.last_open_at, writer.sequencer.last_open_at());
}

TEST_F(SnapshotTest, OfAnEmptyLogHoldsNothing) {
  Records none;
  TestWriter fresh(none);
  SnapshotCopy copy(fresh.sequencer);
  ASSERT_TRUE(copy.step([] { return true; }));
  const std::string bytes = copy.take_bytes();
  const auto decoded = decode_snapshot(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(whole(decoded->memory.state), whole(fresh.state()));
  EXPECT_EQ(decoded->memory.end, fresh.sequencer.end());
}

/// Groups go on between slices of every size; the copy is the state at its place all the same.
TEST_F(SnapshotTest, CopiedInSlicesItIsTheStateOfItsPlace) {
  for (int round = 0; round < 6; ++round) {
    SnapshotCopy copy(writer.sequencer);
    writer.sequencer.on_settled([&](const UndoLog& undo) { copy.overwritten(undo); });
    const WholeState at_its_place = whole(writer.state());
    const LogEnd end = writer.sequencer.end();
    EXPECT_EQ(copy.place(), end.point.last);
    std::string bytes;
    int slices = 0;
    for (bool done = false; !done; ++slices) {
      commit_group();
      std::size_t parts = crowd.below(200);
      done = copy.step([&] { return parts-- > 0; });
      bytes += copy.take_bytes();
    }
    writer.sequencer.on_settled({});
    EXPECT_GT(slices, 20);
    const auto decoded = decode_snapshot(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(decoded->rest.empty());
    ASSERT_EQ(whole(decoded->memory.state), at_its_place) << "round " << round;
    EXPECT_EQ(decoded->memory.end, end);
  }
}

TEST_F(SnapshotTest, AndTheTailIsTheWholeLog) {
  SnapshotCopy copy(writer.sequencer);
  writer.sequencer.on_settled([&](const UndoLog& undo) { copy.overwritten(undo); });
  std::string bytes;
  bool done = false;
  while (!done) {
    commit_group();
    std::size_t parts = 100;
    done = copy.step([&] { return parts-- > 0; });
    bytes += copy.take_bytes();
  }
  writer.sequencer.on_settled({});
  auto decoded = decode_snapshot(bytes);
  ASSERT_TRUE(decoded);
  TestWriter started(log);
  started.sequencer.restore(std::move(decoded->memory));
  started.follow();
  EXPECT_EQ(whole(started.state()), whole(writer.state()));
  EXPECT_EQ(started.sequencer.end(), writer.sequencer.end());
  // It expires what the writer would expire, and forgets what the writer would forget.
  started.now = writer.now += Millis(100'000);
  for (TestWriter* each : {&writer, &started}) {
    each->open(8 + static_cast<wire::Term>(each == &started));
    while (each->sequencer.next_deadline()) {
      each->sequencer.expire_due(each->now);
      if (each->sequencer.has_group()) each->commit();
    }
    if (each == &writer) log.resize(static_cast<std::size_t>(started.sequencer.end().next - 1));
    each->sequencer.forget(each->sequencer.end().point.last);
  }
  const WholeState expired = whole(writer.state()), as_well = whole(started.state());
  EXPECT_EQ(as_well.buyers, expired.buyers);
  EXPECT_EQ(as_well.keys, expired.keys);
  EXPECT_EQ(as_well.products, expired.products);
  EXPECT_EQ(as_well.orders.size(), expired.orders.size());
}

/// Rows that leave memory while the copy is made are found in the records: forgotten_through says from where.
TEST_F(SnapshotTest, WhatIsForgottenMeanwhileIsLookedUpAfterwards) {
  SnapshotCopy copy(writer.sequencer);
  const WholeState before = whole(writer.state());
  writer.sequencer.forget(writer.sequencer.end().point.last);
  ASSERT_TRUE(copy.step([] { return true; }));
  const std::string bytes = copy.take_bytes();
  const auto decoded = decode_snapshot(bytes);
  ASSERT_TRUE(decoded);
  const WholeState after = whole(decoded->memory.state);
  EXPECT_EQ(after.hash, before.hash);
  EXPECT_LT(after.orders.size() + after.keys.size(), before.orders.size() + before.keys.size());
  EXPECT_EQ(decoded->memory.forgotten_through, writer.sequencer.forgotten_through());
  EXPECT_GT(decoded->memory.forgotten_through, 0);
}

TEST_F(SnapshotTest, ARowThatStandsTwiceIsRefused) {
  constexpr char orders = 2, buyers = 3;  // As the format numbers its sections.
  for (const char section : {orders, buyers}) {
    SnapshotCopy copy(writer.sequencer);
    std::string bytes, again;
    for (bool ended = false; !ended;) {
      const bool head = bytes.empty();
      ended = copy.step([] { return false; });
      const std::string piece = copy.take_bytes();
      bytes += piece;
      if (head || !again.empty() || piece.size() <= 2 || piece.front() != section) continue;
      bytes += again = piece;
    }
    ASSERT_FALSE(again.empty());
    EXPECT_FALSE(decode_snapshot(bytes)) << int{section};
  }
}

/// Format 3 did not say whether a unit was sold: it shows in what is away, and in what its buyers have.
TEST(Snapshot, OfTheFormatBeforeIsRead) {
  Records log;
  TestWriter writer(log);
  writer.open(7);
  ProductTerms regular = event_terms();
  regular.kind = ProductKind::regular;
  const ProductId product = writer.list(5, regular);
  const auto read = [&](std::uint8_t format) {
    SnapshotCopy copy(writer.sequencer);
    std::string bytes;
    for (bool ended = false; !ended;) {
      bytes += copy.take_bytes();
      ended = copy.step([] { return false; });
      constexpr char products = 1;
      std::string piece = copy.take_bytes();
      if (format == 3 && piece.starts_with(products)) piece.pop_back();
      bytes += piece;
    }
    bytes[0] = static_cast<char>(format);
    const auto decoded = decode_snapshot(bytes);
    EXPECT_TRUE(decoded);
    if (!decoded) return false;
    EXPECT_EQ(state_hash(decoded->memory.state), state_hash(writer.state()));
    return decoded->memory.state.product(product)->stock.sold;
  };
  EXPECT_FALSE(read(3));
  EXPECT_FALSE(read(4));
  const OrderId order = writer.buy(UserId{1}, product);
  EXPECT_TRUE(read(3));
  EXPECT_TRUE(read(4));
  writer.carry_out(StartPayment{order, UserId{1}});
  const AttemptId attempt = writer.state().orders.attempt_of(order);
  writer.carry_out(SettlePayment{order, attempt, PaymentOutcome::captured});
  for (const OrderState to : {OrderState::preparing, OrderState::shipped, OrderState::delivered,
                              OrderState::return_requested, OrderState::returned})
    writer.carry_out(MoveOrder{order, {}, to, {}});
  ASSERT_EQ(writer.state().product(product)->stock.remaining, 5);
  EXPECT_TRUE(read(3)) << "what was returned stays among its buyer's units";
  EXPECT_TRUE(read(4));
}

TEST_F(SnapshotTest, ADamagedOneIsRefused) {
  const std::string bytes = copy();
  ASSERT_TRUE(decode_snapshot(bytes));
  for (std::size_t size = 0; size < bytes.size(); size += size < 200 || size + 200 > bytes.size() ? 1 : 97) {
    const auto decoded = decode_snapshot(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(decoded) << size << " of " << bytes.size();
    EXPECT_EQ(decoded.error().code, Code::internal);
  }
  std::string other_format = bytes;
  for (const int other : {2, 5}) {
    other_format[0] = static_cast<char>(other);
    EXPECT_EQ(decode_snapshot(other_format).error().detail,
              fmt::format("the snapshot has format {}, this program knows 3 and 4", other));
  }
  // A flipped bit is the store's to see (its checksum); here it must never do harm.
  for (std::size_t at = 1; at < bytes.size(); at += 61) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    (void)decode_snapshot(flipped);
  }
}

}  // namespace
}  // namespace market::sale
