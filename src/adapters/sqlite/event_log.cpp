#include "adapters/sqlite/event_log.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "base/check.hpp"
#include "wire/events/event_codec.hpp"

namespace market::sqlite {
namespace {

constexpr std::array<const char*, 1> steps{
    // One row per commit group: it holds the positions last - count + 1 .. last.
    "CREATE TABLE groups (last INTEGER PRIMARY KEY, count INTEGER NOT NULL, data BLOB NOT NULL)"};
constexpr std::int64_t groups_per_read = 1024;  // One read transaction; longer ones would let the WAL grow.
constexpr std::int64_t groups_per_trim = 256;   // One commit; append() waits that long at most.

bool is_disk_full(int code) {
  return (code & 0xFF) == SQLITE_FULL;
}

/// Throws unless every page of the WAL is in the file and synced.
void checkpoint_whole_wal(Database& db) {
  Statement full(db, "PRAGMA wal_checkpoint(FULL)");
  if (full.step() != SQLITE_ROW) db.raise("the WAL cannot be checkpointed");
  if (full.integer(0) != 0 || full.integer(1) != full.integer(2)) {
    throw std::runtime_error(
        fmt::format("{}: the WAL is busy: another process reads an older state; try again", db.path()));
  }
  full.reset();
  // Starting over with an empty WAL is only tidy; a backup that reads right now may prevent it.
  sqlite3_busy_timeout(db.handle(), 0);
  sqlite3_wal_checkpoint_v2(db.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(db.handle(), 5000);
}

Error damaged(const std::string& path, Position last, std::string_view why) {
  return Error(Code::internal,
               fmt::format("{}: the group that ends at position {} is damaged: {}", path, last, why));
}

}  // namespace

const Schema log_schema{"the event log", application_id_of('L'), steps};

SqliteEventLog::SqliteEventLog(EventLogSettings settings) : settings_(std::move(settings)) {
  struct stat wal {};
  const bool unclean = ::stat((settings_.path + "-wal").c_str(), &wal) == 0 && wal.st_size > 0;
  open_writer(Database::Mode::create);
  if (unclean) {
    settings_.warn(
        fmt::format("{}: was not closed cleanly; recovered up to position {}", settings_.path, end_.load()));
  }
  checkpointer_ = std::thread([this] { run_checkpointer(); });
}

SqliteEventLog::~SqliteEventLog() {
  {
    const std::lock_guard lock(wake_mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  checkpointer_.join();
}

void SqliteEventLog::open_writer(Database::Mode mode) {
  Writer next;
  next.db = Database::open(settings_.path, mode);
  if (mode == Database::Mode::create) next.db.must_execute("PRAGMA page_size = 8192");  // New files only.
  migrate(next.db, log_schema);
  next.db.must_execute("PRAGMA journal_mode = WAL");
  next.db.must_execute("PRAGMA synchronous = FULL");
  next.db.must_execute("PRAGMA wal_autocheckpoint = 0");
  next.begin = Statement(next.db, "BEGIN IMMEDIATE");
  next.insert = Statement(next.db, "INSERT INTO groups (last, count, data) VALUES (?, ?, ?)");
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

  const auto stored = stored_end();
  const auto answered = end_.load();
  if (stored < answered) {
    throw std::runtime_error(
        fmt::format("{}: ends at position {}, but {} was already answered; the file was replaced",
                    settings_.path, stored, answered));
  }
  // Whatever recovery found must be durable before anybody is told of it: it may be the trace of a failed
  // commit that only the page cache has.
  checkpoint_whole_wal(writer_.db);
  writer_.files = files::DatabaseFiles(settings_.path);
  if (!writer_.files.in_place())
    throw std::runtime_error(fmt::format("{}: the file is read-only or gone", settings_.path));
  end_.store(stored, std::memory_order_release);
  writable_.store(true, std::memory_order_release);
}

Position SqliteEventLog::stored_end() {
  return writer_.db.must_query("SELECT ifnull(max(last), 0) FROM groups");
}

/// Nothing is appended until reopen() has found out what the disk holds.
Error SqliteEventLog::stop_writing(const std::string& why) {
  writable_.store(false, std::memory_order_release);
  settings_.warn(why);
  return Error(Code::unavailable, "the event log failed; whether the change is stored is not known yet");
}

Result<Position> SqliteEventLog::append(std::span<const Event> events) {
  check(!events.empty(), "a group has events");
  const std::lock_guard lock(write_mutex_);
  if (!writable_.load(std::memory_order_relaxed)) {
    return fail(Code::unavailable, "the event log failed before and is not open again yet");
  }
  checkpoint_if_due();
  return append_locked(events);
}

Result<Position> SqliteEventLog::append_locked(std::span<const Event> events) {
  group_.clear();
  wire::encode_group(group_, events);
  const auto count = static_cast<std::int64_t>(events.size());
  const Position last = end_.load(std::memory_order_relaxed) + count;

  int code = writer_.begin.run();
  if (code == SQLITE_OK) {
    writer_.insert.bind(1, last);
    writer_.insert.bind(2, count);
    writer_.insert.bind(3, group_);
    code = writer_.insert.run();
  }
  if (code == SQLITE_OK) code = writer_.commit.run();
  if (code != SQLITE_OK) {
    const auto why = writer_.db.last_error();
    // SQLite reports a full disk only from a write of a page into the WAL, which comes before the commit's
    // last page and its sync: without that page recovery drops the group. Everything else may have happened.
    const bool rolled_back =
        sqlite3_get_autocommit(writer_.db.handle()) != 0 || writer_.rollback.run() == SQLITE_OK;
    if (is_disk_full(code) && rolled_back && writer_.files.in_place()) {
      return fail(Code::insufficient_storage, "the disk is full");
    }
    return tl::unexpected<Error>(stop_writing(why));
  }
  // Looked at behind the commit: a file that was moved away before it took our group along.
  if (!writer_.files.in_place()) {
    return tl::unexpected<Error>(stop_writing(
        settings_.path + ": the file or its WAL was deleted, replaced or made read-only below us"));
  }
  end_.store(last, std::memory_order_release);
  return last;
}

Result<Position> SqliteEventLog::reopen() {
  const std::lock_guard lock(write_mutex_);
  const std::lock_guard no_checkpoint(checkpoint_mutex_);
  writable_.store(false, std::memory_order_release);
  writer_ = Writer{};
  checkpoint_db_.close();
  {
    const std::lock_guard readers(readers_mutex_);
    idle_reader_ = {};
    ++generation_;
  }
  try {
    open_writer(Database::Mode::existing);
  } catch (const std::exception& error) {
    writer_ = Writer{};
    return fail(Code::unavailable, error.what());
  }
  settings_.warn(fmt::format("{}: open again, ends at position {}", settings_.path, end_.load()));
  return end_.load();
}

Result<Position> SqliteEventLog::end() {
  if (!writable_.load(std::memory_order_acquire)) {
    return fail(Code::unavailable, "the event log failed and is not open again yet");
  }
  return end_.load(std::memory_order_acquire);
}

// --- Reading ---------------------------------------------------------------------------------------------

SqliteEventLog::Reader SqliteEventLog::take_reader() {
  Reader reader;
  {
    const std::lock_guard lock(readers_mutex_);
    if (idle_reader_.db) return std::exchange(idle_reader_, Reader{});
    reader.generation = generation_;
  }
  reader.db = Database::open(settings_.path, Database::Mode::existing);
  reader.db.must_execute("PRAGMA query_only = 1");
  return reader;
}

void SqliteEventLog::give_reader(Reader reader) {
  const std::lock_guard lock(readers_mutex_);
  if (reader.generation == generation_) idle_reader_ = std::move(reader);
}

Result<Position> SqliteEventLog::begin() {
  try {
    auto reader = take_reader();
    const auto before_first = reader.db.must_query(
        "SELECT ifnull(min(last - count), 0) FROM (SELECT last, count FROM groups ORDER BY last LIMIT 1)");
    give_reader(std::move(reader));
    return before_first;
  } catch (const std::exception& error) {
    return fail(Code::unavailable, error.what());
  }
}

Result<> SqliteEventLog::read(Position after, const std::function<bool(Position, const Event&)>& each) {
  const Position until = end_.load(std::memory_order_acquire);
  try {
    auto reader = take_reader();
    Statement groups(
        reader.db, "SELECT last, count, data FROM groups WHERE last > ? AND last <= ? ORDER BY last LIMIT ?");
    Position at = after;  // The newest position given out.
    Position joint = -1;  // Where the next group must join; unknown before the first one.
    while (at < until) {
      groups.bind(1, at);
      groups.bind(2, until);
      groups.bind(3, groups_per_read);
      int code = groups.step();
      if (code == SQLITE_DONE) return fail(damaged(settings_.path, until, "it is missing"));
      for (; code == SQLITE_ROW; code = groups.step()) {
        const Position last = groups.integer(0);
        const auto count = groups.integer(1);
        const auto events = wire::decode_group(groups.blob(2));
        if (!events) return fail(damaged(settings_.path, last, events.error().detail));
        if (static_cast<std::int64_t>(events->size()) != count || (joint >= 0 && last - count != joint)) {
          return fail(damaged(settings_.path, last, "its positions do not fit"));
        }
        Position position = last - count;
        for (const auto& event : *events) {
          if (++position > after && !each(position, event)) return {};
        }
        at = joint = last;
      }
      if (code != SQLITE_DONE) return fail(Code::unavailable, reader.db.last_error());
      groups.reset();
    }
    groups = Statement{};
    give_reader(std::move(reader));
    return {};
  } catch (const std::runtime_error& error) {
    return fail(Code::unavailable, error.what());
  }
}

Result<> SqliteEventLog::trim(Position through) {
  for (;;) {
    const std::lock_guard lock(write_mutex_);
    if (!writable_.load(std::memory_order_relaxed)) {
      return fail(Code::unavailable, "the event log failed and is not open again yet");
    }
    // The newest group always stays: its position is where the next one continues.
    Statement remove(writer_.db,
                     "DELETE FROM groups WHERE last IN (SELECT last FROM groups WHERE last <= ? "
                     "AND last < (SELECT max(last) FROM groups) ORDER BY last LIMIT ?)");
    remove.bind(1, through);
    remove.bind(2, groups_per_trim);
    const int code = remove.run();
    if (is_disk_full(code) && sqlite3_get_autocommit(writer_.db.handle()) != 0) {
      return fail(Code::unavailable, "the disk is too full to trim the log");
    }
    if (code != SQLITE_OK) return tl::unexpected<Error>(stop_writing(writer_.db.last_error()));
    checkpoint_if_due();
    if (sqlite3_changes(writer_.db.handle()) < groups_per_trim) return {};
  }
}

// --- Checkpoints -----------------------------------------------------------------------------------------

/// Called by the writer between groups. The checkpointer copies nearly everything beside it; the writer then
/// copies only what came meanwhile, and its next group starts the WAL from the front again.
void SqliteEventLog::checkpoint_if_due() {
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

void SqliteEventLog::run_checkpointer() {
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
void SqliteEventLog::checkpoint_beside() {
  const std::lock_guard lock(checkpoint_mutex_);
  try {
    if (!checkpoint_db_) {
      checkpoint_db_ = Database::open(settings_.path, Database::Mode::existing);
      checkpoint_db_.must_execute("PRAGMA synchronous = FULL");
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
