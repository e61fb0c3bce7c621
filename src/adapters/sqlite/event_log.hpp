#pragma once
/// The event log in SQLite: one row per commit group, appended, WAL, synchronous=FULL
/// (docs/decisions/0002-log-group-per-row.md).
///
///   SqliteEventLog log({.path = "data/log.db"});   // throws std::runtime_error with one clear line
///   const auto at = log.append(events);            // durable when it answers

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/files/files.hpp"
#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/migrations.hpp"
#include "ports/event_log.hpp"

namespace market::sqlite {

extern const Schema log_schema;

struct EventLogSettings {
  std::string path;
  std::int64_t checkpoint_bytes = 32 << 20;  ///< Size of the WAL at which the checkpointer wakes.
  /// Told once per notable thing (a recovery, a failed checkpoint); any thread.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

class SqliteEventLog final : public EventLog {
 public:
  explicit SqliteEventLog(EventLogSettings settings);
  ~SqliteEventLog() override;

  Result<Position> append(std::span<const Event> events) override;
  Result<Position> reopen() override;
  Result<Position> end() override;
  Result<Position> begin() override;
  Result<> read(Position after, const std::function<bool(Position, const Event&)>& each) override;
  Result<> trim(Position through) override;

 private:
  struct Writer {
    Database db;
    Statement begin, insert, commit, rollback;
    files::DatabaseFiles files;
    std::int64_t page_size = 0;
  };
  void open_writer(Database::Mode mode);
  Position stored_end();
  Result<Position> append_locked(std::span<const Event> events);
  Error stop_writing(const std::string& why);
  void checkpoint_if_due();
  void run_checkpointer();
  void checkpoint_beside();

  /// A connection for reading, and how often the log had been reopened when it was made.
  struct Reader {
    Database db;
    unsigned generation = 0;
  };
  Reader take_reader();
  void give_reader(Reader reader);

  EventLogSettings settings_;
  std::mutex write_mutex_;  ///< append, reopen, trim; nearly always free, as one thread appends.
  Writer writer_;
  std::string group_;  ///< Reused buffer of append().
  std::atomic<Position> end_{0};
  std::atomic<bool> writable_{false};

  std::int64_t wal_pages_ = 0;  ///< As of the last commit; under write_mutex_, as the next one.
  std::int64_t checkpoint_at_pages_ = 0;

  std::mutex readers_mutex_;
  Reader idle_reader_;
  unsigned generation_ = 0;

  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool checkpoint_due_ = false, stopping_ = false;
  std::atomic<bool> finish_checkpoint_{false};
  std::mutex checkpoint_mutex_;  ///< Held while a checkpoint runs; guards its connection.
  Database checkpoint_db_;
  std::thread checkpointer_;
};

}  // namespace market::sqlite
