#include "adapters/sqlite/log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "base/check.hpp"
#include "base/thread_name.hpp"

namespace market::sqlite {
namespace {

const Migration steps[] = {{"CREATE TABLE records (offset INTEGER PRIMARY KEY, data BLOB NOT NULL)"}};
constexpr std::int64_t records_per_read = 1024;  // One read transaction; longer ones let the WAL grow.

bool is_disk_full(int code) {
  return (code & 0xFF) == SQLITE_FULL;
}
bool is_damaged(int code) {
  return (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB;
}

void sync_wal(const std::string& path) {
  const files::FileDescriptor wal(::open((path + "-wal").c_str(), O_RDONLY | O_CLOEXEC));
  if (!wal || ::fdatasync(wal.get()) != 0)
    throw std::runtime_error(files::file_error("cannot be synced", path + "-wal").detail);
}

/// Throws unless every page of the WAL is in the file and synced. False: the file cannot grow on a full disk,
/// and the WAL, which is synced then, keeps them.
bool checkpoint_whole_wal(Database& db) {
  Statement full(db, "PRAGMA wal_checkpoint(FULL)");
  if (const int code = full.step(); is_disk_full(code)) {
    full.reset();
    sync_wal(db.path());
    return false;
  } else if (code != SQLITE_ROW) {
    db.raise("the WAL cannot be checkpointed");
  }
  if (full.integer(0) != 0 || full.integer(1) != full.integer(2)) {
    throw std::runtime_error(
        fmt::format("{}: the WAL is busy: another process reads an older state; try again", db.path()));
  }
  full.reset();
  // Starting over with an empty WAL is only tidy; a backup that reads right now may prevent it.
  sqlite3_busy_timeout(db.handle(), 0);
  sqlite3_wal_checkpoint_v2(db.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(db.handle(), 5000);
  return true;
}

}  // namespace

const Schema log_schema{"the log", application_id_of('L'), steps, 2};

void verify_log(const std::string& path) {
  auto db = Database::open(path, Database::Mode::read_only);
  expect_known_schema(db.handle(), path, log_schema);
}

SqliteLog::SqliteLog(LogSettings settings)
    : settings_(std::move(settings)), alone_(settings_.path, settings_.wait) {
  struct stat wal {};
  const bool unclean = ::stat((settings_.path + "-wal").c_str(), &wal) == 0 && wal.st_size > 0;
  open_writer(Database::Mode::create);
  if (unclean) {
    settings_.warn(
        fmt::format("{}: was not closed cleanly; recovered up to record {}", settings_.path, last_.load()));
  }
  checkpointer_ = std::thread([this] { run_checkpointer(); });
}

SqliteLog::~SqliteLog() {
  {
    const std::lock_guard lock(wake_mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  checkpointer_.join();
}

void SqliteLog::open_writer(Database::Mode mode) {
  Writer next;
  next.db = Database::open(settings_.path, mode);
  if (mode == Database::Mode::create) next.db.must_execute("PRAGMA page_size = 8192");  // New files only.
  migrate(next.db.handle(), settings_.path, log_schema);
  next.db.must_execute("PRAGMA journal_mode = WAL");
  next.db.must_execute("PRAGMA synchronous = FULL");
  next.db.must_execute("PRAGMA wal_autocheckpoint = 0");
  next.db.keep_wal_files();
  next.begin = Statement(next.db, "BEGIN IMMEDIATE");
  next.insert = Statement(next.db, "INSERT INTO records (offset, data) VALUES (?, ?)");
  next.commit = Statement(next.db, "COMMIT");
  next.rollback = Statement(next.db, "ROLLBACK");
  next.page_size = next.db.must_query("PRAGMA page_size");
  sqlite3_wal_hook(
      next.db.handle(),
      [](void* pages, sqlite3*, const char*, int in_wal) {
        *static_cast<std::int64_t*>(pages) = in_wal;
        return SQLITE_OK;
      },
      &wal_pages_);
  writer_ = std::move(next);
  wal_pages_ = checkpoint_at_pages_ = 0;

  const auto stored = stored_last();
  const auto answered = last_.load();
  if (stored < answered) {
    throw std::runtime_error(
        fmt::format("{}: ends at record {}, but {} was already answered; the file was replaced",
                    settings_.path, stored, answered));
  }
  // Whatever recovery found must be durable before anybody is told of it: it may be the trace of a failed
  // commit that only the page cache has.
  if (!checkpoint_whole_wal(writer_.db))
    settings_.warn(fmt::format("{}: the disk is full; the WAL is kept as it is", settings_.path));
  writer_.files = files::DatabaseFiles(settings_.path);
  if (!writer_.files.in_place())
    throw std::runtime_error(fmt::format("{}: the file is read-only or gone", settings_.path));
  last_.store(stored, std::memory_order_release);
  writable_.store(true, std::memory_order_release);
}

Offset SqliteLog::stored_last() {
  return writer_.db.must_query("SELECT ifnull(max(offset), 0) FROM records");
}

/// Nothing is appended until reopen() has found out what the disk holds.
tl::unexpected<Error> SqliteLog::stop_writing(const std::string& why) {
  writable_.store(false, std::memory_order_release);
  settings_.warn(why);
  return fail(Code::unavailable, "the log failed; whether the record is stored is not known yet");
}

Result<Offset> SqliteLog::append(std::string_view record) {
  check(!record.empty(), "a record has bytes");
  const std::lock_guard lock(write_mutex_);
  if (!writable_.load(std::memory_order_relaxed)) {
    return fail(Code::unavailable, "the log failed before, and nobody has looked what is in it since");
  }
  checkpoint_if_due();
  const Offset at = last_.load(std::memory_order_relaxed) + 1;
  if (auto written = write_row(at, record); !written) return fail(std::move(written.error()));
  // Looked at behind the commit: a file that was moved away before it took our record along.
  if (!writer_.files.in_place()) {
    return stop_writing(settings_.path +
                        ": the file or its WAL was deleted, replaced or made read-only below us");
  }
  last_.store(at, std::memory_order_release);
  return at;
}

Result<> SqliteLog::write_row(Offset at, std::string_view record) {
  int code = writer_.begin.run();
  if (code == SQLITE_OK) {
    writer_.insert.bind(1, at);
    writer_.insert.bind(2, record);
    code = writer_.insert.run();
  }
  const bool taken = code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID;
  if (code == SQLITE_OK) code = writer_.commit.run();
  if (code == SQLITE_OK) return {};

  const auto why = writer_.db.last_error();
  const bool rolled_back =
      sqlite3_get_autocommit(writer_.db.handle()) != 0 || writer_.rollback.run() == SQLITE_OK;
  if (taken && rolled_back) {
    // Where the log ends now is found out before the next append.
    static_cast<void>(
        stop_writing(fmt::format("{}: another writer has appended record {}", settings_.path, at)));
    return fail(Code::conflict, "another writer has appended to the log");
  }
  // SQLite reports a full disk only from a write of a page into the WAL, which comes before the commit's
  // last page and its sync: without that page recovery drops the record. Everything else may have happened.
  if (is_disk_full(code) && rolled_back && writer_.files.in_place()) {
    return fail(Code::insufficient_storage, "the disk is full");
  }
  return stop_writing(why);
}

/// The newest record that is durable; after a failed append() what the disk really holds.
Result<Offset> SqliteLog::last() {
  if (writable_.load(std::memory_order_acquire)) return last_.load(std::memory_order_acquire);
  const std::lock_guard lock(write_mutex_);
  if (writable_.load(std::memory_order_relaxed)) return last_.load(std::memory_order_relaxed);
  return reopen();
}

/// Under write_mutex_.
Result<Offset> SqliteLog::reopen() {
  const std::lock_guard no_checkpoint(checkpoint_mutex_);
  writer_ = Writer{};
  checkpoint_db_.close();
  {
    const std::lock_guard readers(readers_mutex_);
    idle_reader_ = {};
    ++generation_;
  }
  try {
    alone_.renew();
    open_writer(Database::Mode::existing);
  } catch (const std::exception& error) {
    writer_ = Writer{};
    return fail(Code::unavailable, error.what());
  }
  settings_.warn(fmt::format("{}: open again, ends at record {}", settings_.path, last_.load()));
  return last_.load();
}

Result<Offset> SqliteLog::end() {
  const auto newest = last();
  if (!newest) return newest;
  return *newest + 1;
}

// --- Reading ---------------------------------------------------------------------------------------------

SqliteLog::Reader SqliteLog::take_reader() {
  Reader reader;
  {
    const std::lock_guard lock(readers_mutex_);
    if (idle_reader_.db) return std::exchange(idle_reader_, Reader{});
    reader.generation = generation_;
  }
  reader.db = Database::open(settings_.path, Database::Mode::existing);
  reader.db.must_execute("PRAGMA query_only = 1");
  reader.db.keep_wal_files();
  return reader;
}

void SqliteLog::give_reader(Reader reader) {
  const std::lock_guard lock(readers_mutex_);
  if (reader.generation == generation_) idle_reader_ = std::move(reader);
}

Result<> SqliteLog::read(Offset from, const std::function<bool(Offset, std::string_view)>& each) {
  const auto newest = last();
  if (!newest) return fail(newest.error());
  try {
    auto reader = take_reader();
    for (Offset next = std::max<Offset>(from, 1); next <= *newest;) {
      const auto reached = give_rows(reader.db, next, *newest, each);
      if (!reached) return fail(reached.error());
      next = *reached;
    }
    give_reader(std::move(reader));
    return {};
  } catch (const std::runtime_error& error) {
    return fail(Code::unavailable, error.what());
  }
}

/// Some records in one read transaction; answers where to go on, behind `last` when `each` wants no more.
Result<Offset> SqliteLog::give_rows(Database& db, Offset from, Offset last,
                                    const std::function<bool(Offset, std::string_view)>& each) {
  Statement rows(
      db, "SELECT offset, data FROM records WHERE offset >= ? AND offset <= ? ORDER BY offset LIMIT ?");
  rows.bind(1, from);
  rows.bind(2, last);
  rows.bind(3, records_per_read);
  const Offset until = std::min(last + 1, from + records_per_read);
  for (Offset next = from; next < until; ++next) {
    const int code = rows.step();
    if (is_damaged(code))
      return fail(Code::internal,
                  fmt::format("{}: the file is damaged at record {} or behind it; restore a backup",
                              settings_.path, next));
    if (code != SQLITE_ROW && code != SQLITE_DONE) return fail(Code::unavailable, db.last_error());
    if (code == SQLITE_DONE || rows.integer(0) != next)
      return fail(Code::internal,
                  fmt::format("{}: record {} is missing; restore a backup", settings_.path, next));
    if (!each(next, rows.blob(1))) return last + 1;
  }
  return until;
}

// --- Checkpoints -----------------------------------------------------------------------------------------

/// Called by the writer between records. The checkpointer copies nearly everything beside it; the writer then
/// copies only what came meanwhile, and its next record starts the WAL from the front again.
void SqliteLog::checkpoint_if_due() {
  if (finish_checkpoint_.exchange(false, std::memory_order_acquire)) {
    const int code =
        sqlite3_wal_checkpoint_v2(writer_.db.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code != SQLITE_OK && code != SQLITE_BUSY) settings_.warn("checkpoint: " + writer_.db.last_error());
    return;
  }
  const auto due_pages = settings_.checkpoint_bytes / writer_.page_size;
  if (wal_pages_ < due_pages) {
    checkpoint_at_pages_ = due_pages;
    return;
  }
  if (wal_pages_ < checkpoint_at_pages_) return;
  // While a long reader (a backup) keeps the WAL from starting over, try again only after some growth.
  checkpoint_at_pages_ = wal_pages_ + due_pages / 4;
  {
    const std::lock_guard lock(wake_mutex_);
    checkpoint_due_ = true;
  }
  wake_.notify_one();
}

void SqliteLog::run_checkpointer() {
  name_thread("checkpoints");
  std::unique_lock lock(wake_mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return checkpoint_due_ || stopping_; });
    if (stopping_) return;
    checkpoint_due_ = false;
    lock.unlock();
    checkpoint_beside();
    lock.lock();
  }
}

/// Copies what it can from the WAL into the file on a connection of its own, while the writer goes on.
void SqliteLog::checkpoint_beside() {
  const std::lock_guard lock(checkpoint_mutex_);
  try {
    if (!checkpoint_db_) {
      checkpoint_db_ = Database::open(settings_.path, Database::Mode::existing);
      checkpoint_db_.must_execute("PRAGMA synchronous = FULL");
      checkpoint_db_.keep_wal_files();
    }
    const int code = sqlite3_wal_checkpoint_v2(checkpoint_db_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                               nullptr, nullptr);
    if (code == SQLITE_OK) {
      finish_checkpoint_.store(true, std::memory_order_release);
    } else if (code != SQLITE_BUSY) {
      checkpoint_db_.raise("checkpoint");
    }
  } catch (const std::exception& error) {
    // The WAL has everything, so nothing is lost; the next try comes with the next growth.
    settings_.warn(error.what());
    checkpoint_db_.close();
  }
}

}  // namespace market::sqlite
