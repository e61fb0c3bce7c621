/// How a gate starts, or refuses to, on what it finds; and that it never writes to a log that it does not
/// know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <future>
#include <sstream>

#include "sale/begin_term.hpp"
#include "sale/log_reader.hpp"
#include "tests/support/damaged_group.hpp"
#include "tests/support/selling_gate.hpp"
#include "tests/support/wait.hpp"

namespace market::sale {
namespace {

using Failure = MemoryLog::Failure;

class GateStart : public tests::SellingGate {
 protected:
  void sell(int from, int to) {
    for (int user = from; user <= to; ++user) ASSERT_TRUE(on->submit(order_of(user)));
  }
  /// Why it does not start; empty: it does.
  std::string trouble() {
    try {
      on->start();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  }
  /// As `market log adopt` does.
  void adopt() {
    KeyFilter keys;
    Sequencer sequencer({}, keys);
    ASSERT_TRUE(follow_to_end(on->log, sequencer, {}));
    LogId raised = sequencer.end().point.log;
    ++raised.generation;
    ASSERT_TRUE(begin_term(on->log, sequencer, 4711, raised, on->clock.now(), ""));
  }
  /// A gate on the same log whose records are made anew.
  std::unique_ptr<tests::TestGate> with_new_records(const GateSettings& settings) {
    auto anew = std::make_unique<tests::TestGate>(settings);
    anew->stop();
    anew->log.cut(0);
    EXPECT_TRUE(on->log.read(
        1, [&](Offset, std::string_view record) { return anew->log.append(record).has_value(); }));
    EXPECT_TRUE(anew->records.set_log({}));
    return anew;
  }
};

TEST_F(GateStart, SaysWhatCannotBeRead) {
  make();
  on->stop();
  on->records.log_away = true;
  EXPECT_EQ(trouble(), "the records cannot be read: the records are away");
  on->records.log_away = false;
  on->log.fail_next(Failure::read_fails);
  EXPECT_EQ(trouble(), "the event log cannot be read: the log cannot be read");
  EXPECT_EQ(trouble(), "") << "it was for a moment";
}

TEST_F(GateStart, SaysWhereTheLogIsDamaged) {
  make();
  on->stop();
  ASSERT_TRUE(on->log.append("no record"));
  const auto said = trouble();
  EXPECT_TRUE(said.starts_with("the event log cannot be read: the record at offset 3: ")) << said;
}

TEST_F(GateStart, NamesTheOrdersThatTheLogHasLost) {
  make();
  sell(1, 7);
  ASSERT_TRUE(on->wait_until_folded());
  on->stop();
  on->log.cut(6);  // An Open, a product, four orders.
  auto said = trouble();
  EXPECT_NE(said.find("it ends at place 5, the records know 8 (orders "), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), ','), 2 + 2) << "all three: " << said;
  on->log.cut(2);
  said = trouble();
  EXPECT_NE(said.find(" and 2 more)"), std::string::npos) << said;
}

TEST_F(GateStart, GoesOnWithRecordsThatCannotBeNamedYet) {
  make();
  on->stop();
  ASSERT_TRUE(on->records.set_log({}));
  on->records.unnamed = true;
  on->start();
  EXPECT_FALSE(*on->records.log());
  sell(1, 1);
  on->records.unnamed = false;
  on->restart();
  EXPECT_EQ(*on->records.log(), on->gate().log()) << "the next start names them";
}

/// What `market log adopt` appends.
TEST_F(GateStart, RecordsThatAreMadeAnewAreOfTheGenerationThatTheLogHasNow) {
  auto settings = tests::TestGate::quick();
  make(settings);
  sell(1, 3);
  on->stop();
  adopt();
  const auto anew = with_new_records(settings);
  anew->start();
  EXPECT_EQ(anew->records.log()->generation, 1u);
  EXPECT_TRUE(anew->wait_until_folded());
  anew->restart();
  EXPECT_EQ(anew->gate().log().generation, 1u);
}

/// As `market restore` leaves a store: its log is that of the backup, and its records are named anew.
TEST_F(GateStart, BehindARestoreTheNextTermIsOfTheGenerationThatItGaveTheRecords) {
  auto settings = tests::TestGate::quick();
  make(settings);
  sell(1, 3);
  const LogId named = id_behind_restore(on->gate().log(), on->clock.now());
  on->stop();
  const auto restored = with_new_records(settings);
  EXPECT_GT(named.generation, 1'000'000u);
  ASSERT_TRUE(restored->records.set_log(named));
  restored->start();
  EXPECT_EQ(restored->gate().log(), named);
  ASSERT_TRUE(restored->submit(order_of(9)));
  restored->restart();
  EXPECT_EQ(restored->gate().log(), named) << "it is raised once";
  EXPECT_EQ(*restored->records.log(), named);
}

TEST_F(GateStart, RecordsOfBeforeAnAdoptionAreNoReasonToRestore) {
  make();
  sell(1, 3);
  ASSERT_TRUE(on->wait_until_folded());
  on->stop();
  adopt();
  EXPECT_EQ(trouble(),
            "the event log was adopted, and the records were not folded anew; run 'market log adopt' again");
}

TEST_F(GateStart, NothingOfAnotherLogComesIntoTheRecords) {
  make();
  sell(1, 1);
  ASSERT_TRUE(on->wait_until_folded());
  on->stop();
  const Place known = *on->records.place();
  on->log.cut(0);
  wire::Open open;
  open.log = LogId{77, 78, 0};
  open.nonce = 9;
  ASSERT_TRUE(on->log.append(wire::encode_open(open)));
  wire::GroupWriter writer;
  writer.begin(9, 1);
  for (int i = 0; i < 50; ++i) writer.add(Event{Instant(Millis(1)), {}, 0, {}, Barrier{}});
  ASSERT_TRUE(on->log.append(std::string(writer.finish())));
  EXPECT_EQ(trouble(), "the records belong to another log than this event log; restore a backup");
  EXPECT_EQ(*on->records.place(), known);
}

TEST_F(GateStart, IsAtMostSoFarAheadOfRecordsThatAreMadeAnew) {
  auto settings = tests::TestGate::quick();
  make(settings);
  sell(1, 60);
  on->stop();
  settings.fold_lag_max = 5;
  const auto anew = with_new_records(settings);
  anew->start();
  EXPECT_EQ(anew->gate().place(), 61);
  EXPECT_TRUE(anew->wait_until_folded());
  EXPECT_EQ(anew->table().find(product)->live->remaining.load(), 40);
}

TEST_F(GateStart, WithAClockBehindTheLogItSellsAtTheLogsTime) {
  make();
  sell(1, 1);
  on->stop();
  on->clock.advance(Millis(-90'000));
  on->start();
  const auto sold = on->submit(order_of(2));
  ASSERT_TRUE(sold) << sold.error().detail;
  EXPECT_EQ(remaining(), 98);
}

TEST_F(GateStart, ANewLogGetsTheNameThatItIsGiven) {
  auto settings = tests::TestGate::quick();
  settings.new_log = LogId{11, 12, 0};
  make(settings);
  EXPECT_EQ(on->gate().log(), (LogId{11, 12, 0}));
  const Place before = on->gate().place();
  on->restart();
  EXPECT_EQ(on->gate().log(), (LogId{11, 12, 0}));
  EXPECT_EQ(on->gate().place(), before);
  EXPECT_TRUE(on->gate().follow_to_now(Millis(0))) << "nobody else writes it";
}

/// An older copy of the disk under a running server: nothing is sold until somebody has looked.
TEST_F(GateStart, ALogThatWasCutMeanwhileIsNeverWrittenAgain) {
  make();
  sell(1, 3);
  ASSERT_TRUE(on->wait_until_folded());
  on->log.hang();
  auto sold = std::async(std::launch::async, [this] { return on->submit(order_of(4)); });
  while (on->gate().unable_for() == Millis(0) && on->gate().waiting() == 0) std::this_thread::yield();
  on->log.cut(3);
  on->log.fail_next(Failure::unknown_lost);
  on->log.go_on();
  EXPECT_EQ(sold.get().error().code, Code::unavailable);
  for (int i = 0; i < 20; ++i) {
    on->clock.advance(Millis(10));
    const auto refused = on->submit(order_of(5 + i));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::recovering);
  }
  EXPECT_FALSE(on->gate().writes());
  EXPECT_TRUE(on->table().recovering());
  EXPECT_EQ(*on->log.end(), 4) << "not even an Open";
}

class SnapshotStart : public GateStart {
 protected:
  void SetUp() override {
    auto settings = tests::TestGate::quick();
    settings.snapshot_every = 10;
    make(settings);
    sell(1, 20);
    ASSERT_TRUE(tests::wait([this] { return on->gate().snapshots_made() > 0; }));
    on->stop();
  }
  /// Whatever it was: the whole log is read instead.
  void expect_all_is_there() {
    on->start();
    EXPECT_EQ(remaining(), 80);
    EXPECT_TRUE(on->submit(order_of(1))->replayed);
    on->stop();
  }
};

TEST_F(SnapshotStart, ADamagedOneIsNotUsed) {
  const std::string whole = *on->snapshots.bytes;
  for (const std::string& damaged : {std::string(), std::string("rubbish"), whole.substr(0, 100)}) {
    on->snapshots.bytes = damaged;
    expect_all_is_there();
  }
}

TEST_F(SnapshotStart, ThatOneCannotBeReadIsSaid) {
  on->snapshots.unreadable = true;
  std::ostringstream said;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said)));
  expect_all_is_there();
  spdlog::set_default_logger(before);
  EXPECT_THAT(said.str(), testing::HasSubstr("the snapshot's disk is broken"));
}

TEST_F(SnapshotStart, OneOfAnotherLogIsNotUsed) {
  auto& bytes = *on->snapshots.bytes;
  // As far as this log, and of other bytes there: the checksum of its last record is not what lies there.
  const auto decoded = decode_snapshot(bytes);
  ASSERT_TRUE(decoded);
  std::string sum(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) sum[i] = static_cast<char>(decoded->memory.end.checksum >> 8 * i);
  const auto at = bytes.find(sum);
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  expect_all_is_there();
}

TEST_F(SnapshotStart, OneIsNotUsedWhenItsRecordCannotBeRead) {
  on->log.fail_next(Failure::read_fails);
  expect_all_is_there();
}

TEST_F(SnapshotStart, OneThatIsAheadOfTheRecordsIsNotUsed) {
  const auto behind = with_new_records(tests::TestGate::quick());
  behind->snapshots.bytes = *on->snapshots.bytes;
  behind->start();
  EXPECT_EQ(behind->table().find(product)->live->remaining.load(), 80);
  EXPECT_TRUE(behind->wait_until_folded());
}

/// What remains of a log whose newest events are gone, with records that are made anew.
class SnapshotAhead : public SnapshotStart {
 protected:
  /// `records`: how many records the log has left.
  std::unique_ptr<tests::TestGate> cut_to(Offset records) {
    auto cut = with_new_records(tests::TestGate::quick());
    cut->log.cut(records);
    cut->snapshots.bytes = *on->snapshots.bytes;
    return cut;
  }
  static std::string trouble_of(tests::TestGate& gate) {
    try {
      gate.start();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  }
  Place known() { return decode_snapshot(*on->snapshots.bytes)->memory.end.point.last; }
};

TEST_F(SnapshotAhead, WhatTheLogHasLostIsNamed) {
  const auto cut = cut_to(3);
  const std::string said = trouble_of(*cut);
  EXPECT_THAT(said, testing::HasSubstr("the event log has lost its newest events: it ends at place 2"));
  EXPECT_THAT(said,
              testing::HasSubstr(fmt::format("the snapshot (gate.snapshot) knows {} (orders ", known())));
  EXPECT_THAT(said, testing::HasSubstr("market log adopt"));
  // Again: what the first try has folded changes nothing.
  EXPECT_EQ(trouble_of(*cut), said);
}

TEST_F(SnapshotAhead, AnAdoptedLogIsOfAnotherGeneration) {
  const auto cut = cut_to(3);
  on->log.cut(3);
  adopt();
  cut->log.cut(0);
  ASSERT_TRUE(
      on->log.read(1, [&](Offset, std::string_view record) { return cut->log.append(record).has_value(); }));
  ASSERT_TRUE(cut->records.set_log({}));
  EXPECT_EQ(trouble_of(*cut), "");
}

TEST_F(SnapshotAhead, AnEmptyLogIsTheOneThatItIsNamedAfter) {
  const LogId log = decode_snapshot(*on->snapshots.bytes)->memory.end.point.log;
  EXPECT_THAT(trouble_of(*cut_to(0)), testing::HasSubstr("it ends at place 0"));
  auto settings = tests::TestGate::quick();
  settings.new_log = LogId{log.hi + 1, log.lo, 0};
  tests::TestGate another(settings);
  another.stop();
  another.log.cut(0);
  another.snapshots.bytes = *on->snapshots.bytes;
  EXPECT_TRUE(another.records.set_log({}));
  EXPECT_EQ(trouble_of(another), "");
}

TEST_F(SnapshotAhead, OnlyOneOfThisLogThatIsWholeKnowsAnything) {
  const std::string whole = *on->snapshots.bytes;
  auto damaged = cut_to(3);
  for (const std::string& bytes : {std::string("rubbish"), whole.substr(0, 100)}) {
    damaged->snapshots.bytes = bytes;
    EXPECT_EQ(trouble_of(*damaged), "");
    damaged->stop();
  }
  std::string foreign = whole;
  foreign[3] = static_cast<char>(foreign[3] ^ 1);  // In the log's id.
  damaged = cut_to(3);
  damaged->snapshots.bytes = foreign;
  EXPECT_EQ(trouble_of(*damaged), "");
}

TEST(KnowsMore, OfThisLogAndOfNoGenerationBefore) {
  const auto at = [](LogId log, Place last) { return LogRule::Point{log, 1, last}; };
  const LogId log{1, 2, 1};
  EXPECT_TRUE(knows_more(at(log, 9), at(log, 8), {}));
  EXPECT_FALSE(knows_more(at(log, 8), at(log, 8), {}));
  EXPECT_TRUE(knows_more(at({1, 2, 2}, 9), at(log, 8), {}));
  EXPECT_FALSE(knows_more(at({1, 2, 0}, 9), at(log, 8), {}));
  EXPECT_FALSE(knows_more(at({1, 3, 1}, 9), at(log, 8), {}));
  EXPECT_TRUE(knows_more(at(log, 9), at({}, 0), {}));
  EXPECT_TRUE(knows_more(at(log, 9), at({}, 0), {1, 2, 0}));
  EXPECT_FALSE(knows_more(at(log, 9), at({}, 0), {1, 3, 0}));
  EXPECT_FALSE(knows_more({}, at({}, 0), {}));
}

}  // namespace
}  // namespace market::sale
