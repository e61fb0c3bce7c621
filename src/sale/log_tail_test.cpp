#include "sale/log_tail.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/memory_log.hpp"
#include "tests/support/test_sale.hpp"

namespace market::sale {
namespace {

constexpr LogId this_log{1, 2, 0};

/// A log whose groups hold barriers: what is in an event is not the tail's business.
class LogTailTest : public testing::Test {
 protected:
  void open(wire::Term nonce, std::uint32_t generation = 0) {
    wire::Open open;
    open.log = this_log;
    open.log.generation = generation;
    open.after = term_;
    open.nonce = term_ = nonce;
    ASSERT_TRUE(log_.append(wire::encode_open(open)));
  }
  void group(int events) { group_of(term_, next_, events), next_ += events; }
  void group_of(wire::Term term, Place first, int events) {
    wire::GroupWriter writer;
    writer.begin(term, first);
    for (int i = 0; i < events; ++i) writer.add(Event{tests::at(1), {}, 0, {}, Barrier{}});
    ASSERT_TRUE(log_.append(std::string(writer.finish())));
  }
  /// Everything behind `from`, part by part.
  std::vector<Place> read(FollowedTo& from) {
    std::vector<Place> places;
    for (int parts = 0; parts < 100; ++parts) {
      const auto part = read_part(log_, from, settings_);
      if (!part) ADD_FAILURE() << part.error().detail;
      for (const CountedEvent& event : part->events) places.push_back(event.place);
      from = part->to;
      if (!part->more) return places;
    }
    ADD_FAILURE() << "it does not end";
    return places;
  }
  static std::vector<Place> places(Place first, Place last) {
    std::vector<Place> all;
    for (; first <= last; ++first) all.push_back(first);
    return all;
  }

  MemoryLog log_;
  TailSettings settings_{.part_events_max = 3, .part_records_max = 4};
  wire::Term term_ = 0;
  Place next_ = 1;
};

TEST_F(LogTailTest, EachEventThatCountsComesOnceAndInOrder) {
  FollowedTo at;
  EXPECT_TRUE(read(at).empty());
  open(7);
  group(2);
  group_of(7, 1, 2);  // A duplicate.
  group_of(9, 3, 1);  // Of a term that nobody opened.
  group(5);
  EXPECT_EQ(read(at), places(1, 7));
  EXPECT_EQ(at.done, 7);
  EXPECT_TRUE(read(at).empty());
  open(8);
  group_of(7, 8, 1);  // A zombie's.
  group(1);
  EXPECT_EQ(read(at), places(8, 8));
}

TEST_F(LogTailTest, OneThatIsSlowIsToldOfPartsAndLosesNothing) {
  open(7);
  for (int i = 0; i < 20; ++i) group(1);
  FollowedTo at;
  const auto part = read_part(log_, at, settings_);
  EXPECT_EQ(part->events.size(), 3u);
  EXPECT_TRUE(part->more);
  const auto again = read_part(log_, at, settings_);
  EXPECT_EQ(again->events, part->events) << "what was not stored comes again";
  EXPECT_EQ(read(at), places(1, 20));
}

TEST_F(LogTailTest, AGroupThatIsNotShownYetIsReadLater) {
  open(7);
  group(2);
  group(2);
  FollowedTo at;
  const auto part = read_part(log_, at, settings_, 3);
  EXPECT_EQ(part->events.size(), 2u);
  EXPECT_EQ(part->to.done, 2);
  EXPECT_FALSE(part->more) << "whoever shows the rest says so";
  at = part->to;
  EXPECT_EQ(read_part(log_, at, settings_, 3)->to, at);
  at.done = 90;  // Of a log that is restored, and shorter than what one has done.
  EXPECT_EQ(read_part(log_, at, settings_, 3)->to.done, 90);
  at = part->to;
  EXPECT_EQ(read(at), places(3, 4));
}

TEST_F(LogTailTest, OneThatBeginsInTheMiddleHearsNothingOfBefore) {
  open(7);
  for (int i = 0; i < 9; ++i) group(2);
  FollowedTo at;
  at.done = 11;  // In the middle of a group.
  EXPECT_EQ(read(at), places(12, 18));
}

TEST_F(LogTailTest, AnotherLogIsReadFromItsStartByPlaces) {
  open(7);
  for (int i = 0; i < 9; ++i) group(2);
  FollowedTo at;
  read(at);
  at.checksum ^= 1;  // Restored, or cut and written anew.
  const auto part = read_part(log_, at, settings_);
  EXPECT_TRUE(part->begun_anew && part->more);
  EXPECT_TRUE(read(at).empty()) << "nothing comes twice";
  group(1);
  EXPECT_EQ(read(at), places(19, 19));
}

TEST_F(LogTailTest, OfALogThatWasCutTheNewEventsAreTold) {
  open(7);
  group(2);
  FollowedTo at;
  read(at);
  at.next = 50;
  at.done = at.last = 90;
  EXPECT_TRUE(read(at).empty());
  group(1);
  EXPECT_EQ(read(at), places(3, 3));
}

TEST_F(LogTailTest, OfALogThatWasCutAndAdoptedWhatWasSoldBeforeOneLookedIsTold) {
  open(7);
  group(2);
  FollowedTo at;
  read(at);
  at.next = 50;
  at.done = at.last = 90;
  open(8, 1);
  for (int i = 0; i < 100; ++i) group(1);  // Beyond the place that was known before.
  EXPECT_EQ(read(at), places(3, 102));
  EXPECT_TRUE(read(at).empty());
}

TEST_F(LogTailTest, OfALogThatWasMadeAnewEverythingIsTold) {
  open(8, 1);
  for (int i = 0; i < 5; ++i) group(1);
  FollowedTo at{this_log, 7, 3, 40, 4711, 3};
  EXPECT_EQ(read(at), places(1, 5));
}

TEST_F(LogTailTest, AnAdoptionThatOneHasFollowedIsNoReasonToTellAgain) {
  open(7);
  group(2);
  open(8, 1);
  group(4);
  FollowedTo at;
  read(at);
  at.checksum ^= 1;
  EXPECT_TRUE(read(at).empty());
  open(9, 2);
  at.checksum ^= 1;
  group(1);
  EXPECT_EQ(read(at), places(7, 7));
}

/// What is told of an event names the generation that it is of.
TEST_F(LogTailTest, APartIsOfOneGeneration) {
  settings_ = {.part_events_max = 100, .part_records_max = 100};
  open(7);
  group(2);
  open(8, 4);
  group(3);
  FollowedTo at;
  auto part = read_part(log_, at, settings_);
  EXPECT_EQ(part->events.size(), 2u);
  EXPECT_EQ(part->to.log.generation, 0u);
  EXPECT_TRUE(part->more);
  part = read_part(log_, part->to, settings_);
  EXPECT_EQ(part->events.size(), 3u);
  EXPECT_EQ(part->to.log.generation, 4u);
  EXPECT_FALSE(part->more);
}

TEST_F(LogTailTest, DamageIsAnErrorAndForeignBytesAreNotOurs) {
  open(7);
  group(1);
  ASSERT_TRUE(log_.append("somebody else's bytes"));
  group(1);
  FollowedTo at;
  EXPECT_EQ(read_part(log_, at, settings_).error().code, Code::internal);
  settings_.foreign_bytes_ignored = true;
  EXPECT_EQ(read(at), places(1, 2));
  log_.fail_next(MemoryLog::Failure::read_fails);
  EXPECT_EQ(read_part(log_, at, settings_).error().code, Code::unavailable);
}

/// Takes what it is told, when it can.
struct TestEffect final : LogEffect {
  void rest() override { ++rests; }
  Task<std::vector<Follower>> followers() override {
    std::vector<Follower> one(1);
    one.front().at = at;
    co_return one;
  }
  Task<> take(std::int64_t, std::vector<CountedEvent> events, FollowedTo to) override {
    if (throws > 0) {
      --throws;
      throw std::runtime_error("asked for");
    }
    if (failures > 0) {
      --failures;
      co_return fail(Code::unavailable, "asked for");
    }
    for (const CountedEvent& event : events) places.push_back(event.place);
    at = to;
    co_return Result<>();
  }
  std::optional<FollowedTo> at;
  std::vector<Place> places;
  int failures = 0, throws = 0, rests = 0;
};

TEST_F(LogTailTest, TellsAgainWhatWasNotTakenAndBeginsAtTheEnd) {
  open(7);
  group(4);
  FollowedTo end;
  read(end);
  asio::io_context io{1};
  BlockingPool pool{1, 10};
  TestEffect effect;
  effect.throws = 2;
  effect.failures = 2;
  std::vector<std::string> warnings;
  std::atomic<Place> shown{11};
  settings_.linger = settings_.pause = settings_.retry_wait = Millis(1);
  {
    LogTail tail(
        log_, effect, pool, io.get_executor(), end, {}, [&] { return shown.load(); },
        [&](const std::string& line) { warnings.push_back(line); }, settings_);
    group(7);
    tail.start();
    for (int i = 0; i < 5'000 && effect.places.size() < 7; ++i) io.run_for(Millis(2));
    EXPECT_EQ(effect.places, places(5, 11));
    group(1);
    tail.poke();
    io.run_for(Millis(50));
    EXPECT_EQ(effect.places, places(5, 11)) << "nobody here knows its order yet";
    shown = 12;
    tail.poke();
    for (int i = 0; i < 500 && effect.places.size() < 8; ++i) io.run_for(Millis(2));
    EXPECT_EQ(effect.places, places(5, 12)) << "at once, not at the next look";
    std::thread runs([&] { io.run_for(Millis(500)); });
    EXPECT_TRUE(tail.stop());
    runs.join();
  }
  ASSERT_EQ(warnings.size(), 1u) << "one line for one trouble";
  EXPECT_NE(warnings.front().find("asked for"), std::string::npos);
  pool.stop();
}

struct CountingLog final : Log {
  explicit CountingLog(Log& log) : behind(log) {}
  Result<Offset> append(std::string_view record) override { return behind.append(record); }
  Result<> read(Offset from, const std::function<bool(Offset, std::string_view)>& each) override {
    ++reads;
    return behind.read(from, each);
  }
  Result<Offset> end() override { return behind.end(); }
  Log& behind;
  std::atomic<int> reads{0};
};

struct ManyFollowers final : LogEffect {
  Task<std::vector<Follower>> followers() override {
    std::vector<Follower> all;
    for (const auto& [id, at] : places) all.push_back(Follower{id, at});
    co_return all;
  }
  Task<> take(std::int64_t id, std::vector<CountedEvent> events, FollowedTo to) override {
    told[id] += events.size();
    places[id] = to;
    co_return Result<>();
  }
  std::map<std::int64_t, FollowedTo> places;
  std::map<std::int64_t, std::size_t> told;
};

TEST_F(LogTailTest, ThoseAtOnePlaceAreShownWhatWasReadOnce) {
  open(7);
  group(2);
  FollowedTo end;
  read(end);
  group(2);
  asio::io_context io{1};
  BlockingPool pool{1, 10};
  CountingLog log(log_);
  ManyFollowers effect;
  for (std::int64_t id = 1; id <= 30; ++id) effect.places[id] = end;
  effect.places[31] = FollowedTo();
  settings_.linger = Millis(1);
  LogTail tail(
      log, effect, pool, io.get_executor(), FollowedTo(), {}, [] { return Place{100}; },
      [](const std::string&) {}, settings_);
  tail.start();
  for (int i = 0; i < 500 && effect.told[31] == 0; ++i) io.run_for(Millis(2));
  for (std::int64_t id = 1; id <= 30; ++id) EXPECT_EQ(effect.told[id], 2u) << id;
  EXPECT_GE(effect.told[31], 3u);
  EXPECT_LE(log.reads, 6) << "not one for each";
  std::thread runs([&] { io.run_for(Millis(500)); });
  EXPECT_TRUE(tail.stop());
  runs.join();
  pool.stop();
}

TEST_F(LogTailTest, OnlyTheWriterActs) {
  open(7);
  group(4);
  asio::io_context io{1};
  BlockingPool pool{1, 10};
  TestEffect effect;
  settings_.linger = Millis(1);
  LogTail tail(
      log_, effect, pool, io.get_executor(), {}, [] { return false; }, [] { return Place{100}; },
      [](const std::string&) {}, settings_);
  tail.start();
  io.run_for(Millis(50));
  EXPECT_TRUE(effect.places.empty());
  EXPECT_GT(effect.rests, 0) << "what it remembers may be of yesterday when it writes again";
  std::thread runs([&] { io.run_for(Millis(500)); });
  EXPECT_TRUE(tail.stop());
  runs.join();
  pool.stop();
}

}  // namespace
}  // namespace market::sale
