// The commands on a store that nobody serves: backup (which also copies a running one), restore, check,
// rebuild.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "adapters/files/data_folder.hpp"
#include "adapters/sqlite/backup.hpp"
#include "apps/commands/commands.hpp"
#include "apps/commands/store_check.hpp"
#include "apps/roles/store.hpp"
#include "apps/settings/settings.hpp"
#include "base/random.hpp"
#include "sale/begin_term.hpp"
#include "sale/log_reader.hpp"

namespace market::apps {
namespace {

/// These commands work on what is there; only `serve` and `seed` make a store.
void expect_store(const std::string& data) {
  if (!std::filesystem::exists(std::filesystem::path(data) / "log.db"))
    throw UsageError(fmt::format("--data {}: there is no store", data));
}

/// `check` says itself what is missing in a folder that has anything of a store.
void expect_folder(const std::string& data) {
  for (const char* name : {"log.db", "main.db", "keys", files::backup_manifest})
    if (std::filesystem::exists(std::filesystem::path(data) / name)) return;
  throw UsageError(fmt::format("--data {}: there is no store", data));
}

void must(const Result<>& done) {
  if (!done) throw std::runtime_error(done.error().detail);
}
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().detail);
  return std::move(*result);
}

/// Writes to the records everything that the log has.
Place fold_all(Log& log, RecordFold& records) {
  constexpr std::size_t batch_events = 16'384;
  std::vector<CountedEvents> groups;
  std::size_t waiting = 0;
  Place at = 0;
  Result<> folded;
  const auto flush = [&] {
    if (groups.empty()) return true;
    const auto done = records.fold(at, groups);
    if (done)
      at = *done;
    else
      folded = fail(done.error());
    groups.clear();
    waiting = 0;
    return done.has_value();
  };
  const auto read = sale::read_counted(log, [&](const CountedEvents& events) {
    groups.push_back(events);
    waiting += events->size();
    return waiting < batch_events || flush();
  });
  if (read && folded) flush();
  if (!read) throw std::runtime_error(read.error().detail);
  if (!folded) throw std::runtime_error(folded.error().detail);
  must(records.set_log(read->log));
  return at;
}

constexpr auto foreign_records = "records.db belongs to another log than log.db; restore a backup";

/// What the log has lost is known to the records alone: only `log adopt` may throw that away. Records that
/// cannot be read at all know nothing.
void refuse_records_that_know_more(const std::string& data) {
  const auto folder = files::DataFolder::open(data);
  sqlite::SqliteLog log({.path = folder.file("log.db")});
  std::optional<sqlite::SqliteRecordFold> records;
  try {
    records.emplace(folder.file("records.db"));
  } catch (const std::exception& error) {
    spdlog::warn("{}", error.what());
    return;
  }
  const auto end = must(sale::read_counted(log, [](const CountedEvents&) { return true; }));
  const LogId of = must(records->log());
  if (of && of != end.log) throw std::runtime_error(foreign_records);
  if (const Place recorded = must(records->place()); recorded > end.last)
    throw std::runtime_error(fmt::format(
        "log.db has lost its newest events: it ends at place {}, records.db knows {}; restore a backup, "
        "or accept the loss with 'market log adopt'",
        end.last, recorded));
}

int fold_anew(const StoreOptions& options) {
  {
    // Takes the lock first: the records of a running server are not removed under it.
    const auto folder = files::DataFolder::open(options.data);
    remove_records(options.data);
  }
  const SystemClock clock;
  Store store(options.data, clock);
  const Place through = fold_all(store.log, store.fold);
  fmt::print("the records of '{}' are folded anew up to position {}\n", options.data, through);
  return 0;
}

}  // namespace

int backup(const StoreOptions& options) {
  expect_store(options.data);
  const auto report = sqlite::backup_store(options.data, options.other);
  fmt::print("backup of '{}' in '{}': {} files, {} bytes, {} log records\n", options.data, options.other,
             report.files, report.bytes, report.log_records);
  return 0;
}

int restore(const StoreOptions& options) {
  const auto report = sqlite::restore_store(options.other, options.data);
  fmt::print("'{}' restored from '{}': {} files, {} log records\n", options.data, options.other, report.files,
             report.log_records);
  return 0;
}

int check_command(const StoreOptions& options) {
  expect_folder(options.data);
  files::ReadOnlyFolder folder(options.data, options.scratch);
  int passed = 0, failed = 0;
  for (const auto& result : check_store(folder, folder.file("keys"))) {
    ++(result.violation.empty() ? passed : failed);
    if (result.violation.empty())
      fmt::print("ok: {}\n", result.invariant);
    else
      fmt::print("VIOLATED: {}: {}\n", result.invariant, result.violation);
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

int rebuild(const StoreOptions& options) {
  expect_store(options.data);
  refuse_records_that_know_more(options.data);
  return fold_anew(options);
}

int adopt_log(const StoreOptions& options) {
  expect_store(options.data);
  {
    const SystemClock clock;
    Store store(options.data, clock);
    sale::KeyFilter keys;
    sale::Sequencer sequencer({}, keys);
    must(sale::follow_to_end(store.log, sequencer, {}));
    if (const LogId of = must(store.fold.log()); of && of != sequencer.end().point.log)
      throw std::runtime_error(foreign_records);
    const Place end = sequencer.end().point.last, recorded = must(store.fold.place());
    if (recorded <= end) {
      fmt::print("nothing to adopt: the log of '{}' ends at place {}, the records know {}\n", options.data,
                 end, recorded);
      return 0;
    }
    const auto lost = must(store.fold.beyond(end));
    for (const OrderId order : lost) fmt::print("lost or changed: order {}\n", order.text());
    LogId raised = sequencer.end().point.log;
    ++raised.generation;
    must(sale::begin_term(store.log, sequencer, random_number(), raised, clock.now()));
    fmt::print("adopted: the log of '{}' ends at place {}; orders that are lost or changed: {}\n",
               options.data, end, lost.size());
  }
  return fold_anew(options);
}

}  // namespace market::apps
