/// What every Log promises (ports/log.hpp), run for each adapter.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "adapters/kafka/log.hpp"
#include "adapters/sqlite/log.hpp"
#include "tests/support/kafka_topic.hpp"
#include "tests/support/memory_log.hpp"
#include "tests/support/numbered_records.hpp"
#include "tests/support/temp_folder.hpp"

namespace market {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using tests::append_numbered;
using tests::numbered_record;
using tests::offsets_from;

/// One log and what it stands on.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Log& log() = 0;
  /// Makes the next append() meet a record of another writer, numbered as its own.
  virtual void let_another_append(Offset at) = 0;
  /// Null: one process alone writes here.
  virtual SharedLog* shared() { return nullptr; }
};

class InMemory final : public Subject {
 public:
  Log& log() override { return log_; }
  void let_another_append(Offset at) override {
    log_.let_others_append(numbered_record(at));
    log_.fail_next(MemoryLog::Failure::taken);
  }

 private:
  MemoryLog log_;
};

class InSqlite final : public Subject {
 public:
  Log& log() override { return log_; }
  void let_another_append(Offset at) override {
    auto other = sqlite::Database::open(path(), sqlite::Database::Mode::existing);
    sqlite::Statement insert(other, "INSERT INTO records(offset, data) VALUES(?, ?)");
    const auto record = numbered_record(at);
    insert.bind(1, at);
    insert.bind(2, record);
    ASSERT_EQ(insert.run(), SQLITE_OK);
  }

 private:
  std::string path() const { return folder_ / "log.db"; }
  sqlite::LogSettings settings() const {
    sqlite::LogSettings settings;
    settings.path = path();
    return settings;
  }
  tests::TempFolder folder_;
  sqlite::SqliteLog log_{settings()};
};

class InKafka final : public Subject {
 public:
  Log& log() override { return log_; }
  SharedLog* shared() override { return &log_; }
  void let_another_append(Offset at) override {
    kafka::KafkaLog other(topic_.settings());
    ASSERT_EQ(*other.append(numbered_record(at)), at);
  }

 private:
  tests::KafkaTopic topic_;
  kafka::KafkaLog log_{topic_.settings()};
};

struct Candidate {
  std::string adapter;
  std::unique_ptr<Subject> (*make)();
  const char* needs = nullptr;  ///< An engine.
};

void PrintTo(const Candidate& candidate, std::ostream* out) {
  *out << candidate.adapter;
}

class LogContract : public testing::TestWithParam<Candidate> {
 protected:
  void SetUp() override {
    if (GetParam().needs != nullptr && tests::engine(GetParam().needs).empty())
      GTEST_SKIP() << tests::how_to_have_engines;
    subject_ = GetParam().make();
    log_ptr_ = &subject_->log();
  }
  Log& log() { return *log_ptr_; }
  std::unique_ptr<Subject> subject_;
  Log* log_ptr_ = nullptr;
};

TEST_P(LogContract, StartsEmpty) {
  EXPECT_EQ(*log().end(), 1);
  EXPECT_THAT(offsets_from(log(), 1), IsEmpty());
}

TEST_P(LogContract, AppendsRecordsAndReadsFromAnyOffset) {
  for (Offset at = 1; at <= 6; ++at) EXPECT_EQ(*log().append(numbered_record(at)), at);
  EXPECT_EQ(*log().end(), 7);
  EXPECT_THAT(offsets_from(log(), 1), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(offsets_from(log(), 5), ElementsAre(5, 6));
  EXPECT_THAT(offsets_from(log(), 7), IsEmpty());
  EXPECT_THAT(offsets_from(log(), 99), IsEmpty());
}

TEST_P(LogContract, GivesBackEveryByte) {
  std::string bytes("\0\xff\n'\"", 5);
  bytes.append(600 * 1024, '\x80');
  ASSERT_TRUE(log().append(bytes));
  std::string found;
  EXPECT_TRUE(log().read(1, [&](Offset, std::string_view record) {
    found = record;
    return true;
  }));
  EXPECT_TRUE(found == bytes);
}

TEST_P(LogContract, ReadingStopsWhenAsked) {
  ASSERT_TRUE(append_numbered(log(), 5));
  std::vector<Offset> seen;
  EXPECT_TRUE(log().read(1, [&](Offset offset, std::string_view) {
    seen.push_back(offset);
    return offset < 2;
  }));
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_P(LogContract, WhoeverReadsMayAskTheLog) {
  ASSERT_TRUE(append_numbered(log(), 3));
  std::vector<Offset> ends;
  EXPECT_TRUE(log().read(1, [&](Offset, std::string_view) {
    ends.push_back(log().end().value_or(0));
    return true;
  }));
  EXPECT_THAT(ends, ElementsAre(4, 4, 4));
}

TEST_P(LogContract, ReadsManyRecordsInOrder) {
  ASSERT_TRUE(append_numbered(log(), 2100));
  const auto found = offsets_from(log(), 1);
  ASSERT_EQ(found.size(), 2100u);
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], static_cast<Offset>(i) + 1);
}

/// Of a log that one process alone writes.
class SoleLogContract : public LogContract {};

TEST_P(SoleLogContract, AnotherWritersRecordIsAConflictAndStays) {
  ASSERT_TRUE(append_numbered(log(), 2));
  subject_->let_another_append(3);
  const auto refused = log().append("mine");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_EQ(*log().end(), 4);
  EXPECT_THAT(offsets_from(log(), 1), ElementsAre(1, 2, 3));
  EXPECT_EQ(*log().append(numbered_record(4)), 4);
  EXPECT_THAT(offsets_from(log(), 3), ElementsAre(3, 4));
}

/// Of a log that several processes write (ports/shared_log.hpp).
class SharedLogContract : public LogContract {
 protected:
  SharedLog& shared() { return *subject_->shared(); }
};

TEST_P(SharedLogContract, TellsOfOthersByTheOffset) {
  ASSERT_TRUE(append_numbered(log(), 2));
  subject_->let_another_append(3);
  EXPECT_EQ(*log().append(numbered_record(4)), 4);
  EXPECT_THAT(offsets_from(log(), 2), ElementsAre(2, 3, 4));
}

/// The offsets that the tail gives from `from` on, once there are `count`.
std::vector<Offset> tail_from(SharedLog& log, Offset from, std::size_t count) {
  std::vector<Offset> seen;
  for (int i = 0; i < 100 && seen.size() < count; ++i) {
    const Offset next = seen.empty() ? from : seen.back() + 1;
    const auto read = log.tail(next, Millis(100), [&](Offset offset, std::string_view record) {
      EXPECT_EQ(record, numbered_record(offset));
      seen.push_back(offset);
      return seen.size() < count;
    });
    EXPECT_TRUE(read);
  }
  return seen;
}

TEST_P(SharedLogContract, IsFollowedFromAnyOffset) {
  EXPECT_THAT(tail_from(shared(), 1, 0), IsEmpty());
  ASSERT_TRUE(append_numbered(log(), 4));
  EXPECT_THAT(tail_from(shared(), 1, 4), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(tail_from(shared(), 3, 1), ElementsAre(3));
  EXPECT_THAT(tail_from(shared(), 4, 1), ElementsAre(4)) << "what was not taken is given again";
  subject_->let_another_append(5);
  EXPECT_THAT(tail_from(shared(), 5, 1), ElementsAre(5));
  EXPECT_EQ(*log().append(numbered_record(6)), 6);
  subject_->let_another_append(7);
  EXPECT_EQ(*log().append(numbered_record(8)), 8);
  EXPECT_THAT(tail_from(shared(), 6, 3), ElementsAre(6, 7, 8)) << "one's own too, and what lies between";
  const auto nothing = shared().tail(9, Millis(10), [](Offset, std::string_view) { return true; });
  EXPECT_TRUE(nothing);
}

TEST_P(LogContract, ReadsWhileAppending) {
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, rounds{0};
  std::thread reader([&] {
    while (!done.load() || rounds.load() == 0) {
      const auto before = log().end();
      const auto found = offsets_from(log(), 1);
      if (!before || found.size() + 1 < static_cast<std::size_t>(*before)) ++wrong;
      for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i] != static_cast<Offset>(i) + 1) ++wrong;
      }
      ++rounds;
    }
  });
  EXPECT_TRUE(append_numbered(log(), 600));
  done = true;
  reader.join();
  EXPECT_EQ(*log().end(), 601);
  EXPECT_EQ(wrong.load(), 0);
}

std::string name_of(const testing::TestParamInfo<Candidate>& info) {
  return info.param.adapter;
}
const auto sole = testing::Values(Candidate{"memory", [] { return std::unique_ptr<Subject>(new InMemory); }},
                                  Candidate{"sqlite", [] { return std::unique_ptr<Subject>(new InSqlite); }});
const auto in_kafka =
    testing::Values(Candidate{"kafka", [] { return std::unique_ptr<Subject>(new InKafka); }, "KAFKA"});

INSTANTIATE_TEST_SUITE_P(Adapters, LogContract, sole, name_of);
INSTANTIATE_TEST_SUITE_P(Kafka, LogContract, in_kafka, name_of);
INSTANTIATE_TEST_SUITE_P(Adapters, SoleLogContract, sole, name_of);
INSTANTIATE_TEST_SUITE_P(Kafka, SharedLogContract, in_kafka, name_of);

}  // namespace
}  // namespace market
