#pragma once
/// The log in SQLite: one row per record, appended, WAL, synchronous=FULL
/// (docs/decisions/0002-log-group-per-row.md).
///
///   SqliteLog log({.path = "data/log.db"});   // throws std::runtime_error with one clear line
///   const auto at = log.append(record);       // durable when it answers

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/files/files.hpp"
#include "adapters/files/writer_lock.hpp"
#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/migrations.hpp"
#include "ports/log.hpp"

namespace market::sqlite {

extern const Schema log_schema;

struct LogSettings {
  std::string path;
  Millis wait{0};                            ///< How long a predecessor may take to let go of it.
  std::int64_t checkpoint_bytes = 32 << 20;  ///< Size of the WAL at which the checkpointer wakes.
  /// Told once per notable thing (a recovery, a failed checkpoint); any thread.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

class SqliteLog final : public Log {
 public:
  explicit SqliteLog(LogSettings settings);
  ~SqliteLog() override;

  Result<Offset> append(std::string_view record) override;
  Result<> read(Offset from, const std::function<bool(Offset, std::string_view)>& each) override;
  Result<Offset> end() override;

 private:
  struct Writer {
    Database db;
    Statement begin, insert, commit, rollback;
    files::DatabaseFiles files;
    std::int64_t page_size = 0;
  };
  void open_writer(Database::Mode mode);
  Offset stored_last();
  Result<> write_row(Offset at, std::string_view record);
  tl::unexpected<Error> stop_writing(const std::string& why);
  Result<Offset> last();
  Result<Offset> reopen();
  Result<Offset> give_rows(Database& db, Offset from, Offset last,
                           const std::function<bool(Offset, std::string_view)>& each);
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

  LogSettings settings_;
  files::WriterLock alone_;  ///< Before all connections: it must end after them.
  std::mutex write_mutex_;   ///< append, reopen; nearly always free, as one thread appends.
  Writer writer_;
  std::atomic<Offset> last_{0};  ///< Of the newest record that is durable.
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
