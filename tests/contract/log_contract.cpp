/// What every Log promises (ports/log.hpp), run for each adapter.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "adapters/sqlite/log.hpp"
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

struct Candidate {
  std::string adapter;
  std::unique_ptr<Subject> (*make)();
};

class LogContract : public testing::TestWithParam<Candidate> {
 protected:
  std::unique_ptr<Subject> subject_ = GetParam().make();
  Log& log_ = subject_->log();
};

TEST_P(LogContract, StartsEmpty) {
  EXPECT_EQ(*log_.end(), 1);
  EXPECT_THAT(offsets_from(log_, 1), IsEmpty());
}

TEST_P(LogContract, AppendsRecordsAndReadsFromAnyOffset) {
  for (Offset at = 1; at <= 6; ++at) EXPECT_EQ(*log_.append(numbered_record(at)), at);
  EXPECT_EQ(*log_.end(), 7);
  EXPECT_THAT(offsets_from(log_, 1), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(offsets_from(log_, 5), ElementsAre(5, 6));
  EXPECT_THAT(offsets_from(log_, 7), IsEmpty());
  EXPECT_THAT(offsets_from(log_, 99), IsEmpty());
}

TEST_P(LogContract, GivesBackEveryByte) {
  std::string bytes("\0\xff\n'\"", 5);
  bytes.append(600 * 1024, '\x80');
  ASSERT_TRUE(log_.append(bytes));
  std::string found;
  EXPECT_TRUE(log_.read(1, [&](Offset, std::string_view record) {
    found = record;
    return true;
  }));
  EXPECT_TRUE(found == bytes);
}

TEST_P(LogContract, ReadingStopsWhenAsked) {
  ASSERT_TRUE(append_numbered(log_, 5));
  std::vector<Offset> seen;
  EXPECT_TRUE(log_.read(1, [&](Offset offset, std::string_view) {
    seen.push_back(offset);
    return offset < 2;
  }));
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_P(LogContract, WhoeverReadsMayAskTheLog) {
  ASSERT_TRUE(append_numbered(log_, 3));
  std::vector<Offset> ends;
  EXPECT_TRUE(log_.read(1, [&](Offset, std::string_view) {
    ends.push_back(log_.end().value_or(0));
    return true;
  }));
  EXPECT_THAT(ends, ElementsAre(4, 4, 4));
}

TEST_P(LogContract, ReadsManyRecordsInOrder) {
  ASSERT_TRUE(append_numbered(log_, 2100));
  const auto found = offsets_from(log_, 1);
  ASSERT_EQ(found.size(), 2100u);
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], static_cast<Offset>(i) + 1);
}

TEST_P(LogContract, AnotherWritersRecordIsAConflictAndStays) {
  ASSERT_TRUE(append_numbered(log_, 2));
  subject_->let_another_append(3);
  const auto refused = log_.append("mine");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_EQ(*log_.end(), 4);
  EXPECT_THAT(offsets_from(log_, 1), ElementsAre(1, 2, 3));
  EXPECT_EQ(*log_.append(numbered_record(4)), 4);
  EXPECT_THAT(offsets_from(log_, 3), ElementsAre(3, 4));
}

TEST_P(LogContract, ReadsWhileAppending) {
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, rounds{0};
  std::thread reader([&] {
    while (!done.load() || rounds.load() == 0) {
      const auto before = log_.end();
      const auto found = offsets_from(log_, 1);
      if (!before || found.size() + 1 < static_cast<std::size_t>(*before)) ++wrong;
      for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i] != static_cast<Offset>(i) + 1) ++wrong;
      }
      ++rounds;
    }
  });
  EXPECT_TRUE(append_numbered(log_, 600));
  done = true;
  reader.join();
  EXPECT_EQ(*log_.end(), 601);
  EXPECT_EQ(wrong.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Adapters, LogContract,
    testing::Values(Candidate{"memory", [] { return std::unique_ptr<Subject>(new InMemory); }},
                    Candidate{"sqlite", [] { return std::unique_ptr<Subject>(new InSqlite); }}),
    [](const auto& info) { return info.param.adapter; });

}  // namespace
}  // namespace market
