// The commands on a store that nobody serves: backup (which also copies a running one), restore, check,
// rebuild.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "adapters/files/data_folder.hpp"
#include "adapters/mysql/record_fold.hpp"
#include "adapters/sqlite/backup.hpp"
#include "adapters/sqlite/log_view.hpp"
#include "adapters/sqlite/whole_store.hpp"
#include "apps/commands/commands.hpp"
#include "apps/commands/fold_log.hpp"
#include "apps/commands/restore_shared.hpp"
#include "apps/commands/shared_check.hpp"
#include "apps/commands/store_check.hpp"
#include "apps/roles/field_keys.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/roles/store.hpp"
#include "apps/settings/settings.hpp"
#include "base/must.hpp"

namespace market::apps {
namespace {

namespace fs = std::filesystem;

/// Of a store of files.
fs::path keys_of(const StoreOptions& options) {
  return keys_folder(read_settings(options.settings), options.data);
}

/// Nobody could read the rows of a backup with the keys of another store, or without them. Where keys are
/// kept apart, the backup has none.
void expect_own_keys(const fs::path& data, const fs::path& keys) {
  const auto found = files::key_checks(keys);
  if (found.empty()) return;
  const auto known = sqlite::expect_whole_store(data).key_checks;
  expect_same_keys(found, known, keys);
  expect_field_keys_of(known, keys);
}

/// `check` says itself what is missing in a folder that has anything of a store.
void expect_folder(const std::string& data) {
  expect_no_instance(data);
  std::error_code none;
  for (const char* name : {"log.db", "main.db", "keys", files::backup_manifest})
    if (std::filesystem::exists(std::filesystem::path(data) / name, none)) return;
  throw UsageError(fmt::format("--data {}: there is no store", data));
}

void warn(const std::string& what) {
  spdlog::warn("{}", what);
}

/// What the log has lost is known to records and snapshot alone: only `log adopt` may throw that away. Such
/// as cannot be read at all know nothing. Answers what the records are named.
LogId expect_nothing_lost(const std::string& data) {
  const auto folder = files::DataFolder::open(data);
  sqlite::SqliteLog log({.path = folder.file("log.db")});
  const auto end = end_of(log, LogOf::one);
  files::SnapshotFile snapshots(folder.file(files::snapshot_name), warn);
  expect_snapshot_within(end, snapshots, {});
  std::optional<sqlite::SqliteRecordFold> records;
  try {
    records.emplace(folder.file("records.db"));
  } catch (const std::exception& error) {
    spdlog::warn("{}", error.what());
    return {};
  }
  expect_records_within(end, *records);
  return must(records->log());
}

/// Of a market that several share; none: it holds nothing yet.
LogId id_of(const SharedStore& store) {
  mysql::Session accounts(store.accounts);
  if (accounts.query("SHOW TABLES LIKE 'store'").empty()) return {};
  return id_of_store(accounts);
}

/// Each instance has its own: one may be named by its folder. A market without an id has none.
files::SnapshotFile snapshot_of(const LogId& market, const std::string& data) {
  return files::SnapshotFile(
      market ? std::filesystem::path(data) / files::snapshot_name : std::filesystem::path{}, warn);
}

int fold_anew(const StoreOptions& options, LogId records_of = {}) {
  const auto keys = keys_of(options);
  {
    // Takes the lock first: the records of a running server are not removed under it. Nor where the store
    // could not be opened behind it.
    const auto folder = files::DataFolder::open(options.data);
    verify_store(options.data, keys);
    remove_records(options.data);
  }
  const SystemClock clock;
  Store store(options.data, clock, Millis{0}, std::nullopt, keys.string());
  const Place through = fold_all(store.log, store.fold, LogOf::one, records_of);
  fmt::print("the records of '{}' are folded anew up to position {}\n", options.data, through);
  return 0;
}

/// Looked at first: what cannot be copied there would be told of the store.
void expect_scratch(const std::string& folder) {
  if (folder.empty()) return;
  try {
    const files::PrivateFolder made(folder);
  } catch (const std::runtime_error& error) {
    throw UsageError(fmt::format("--scratch {}: cannot be used: {}", folder, error.what()));
  }
}

/// What is named by hand is a folder that must be there.
void expect_named_data(const StoreOptions& options) {
  if (options.data_is_named && !fs::is_directory(options.data))
    throw std::runtime_error(fmt::format("--data {}: there is no such folder", options.data));
}

void expect_same_as(const std::string& folder) {
  if (!folder.empty() && !files::has_bytes(fs::path(folder) / "log.db"))
    throw UsageError(fmt::format("--same-as {}: there is no store and no backup", folder));
}

/// What the results of a copy are about.
std::string as_shared(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {{"log.db", "the topic"},
                                                                     {"records.db", "records.mysql"},
                                                                     {"main.db", "accounts.mysql"},
                                                                     {"payments.db", "the table charges"}};
  for (const auto& [file, name] : names)
    for (std::size_t at = 0; (at = text.find(file, at)) != std::string::npos; at += name.size())
      text.replace(at, file.size(), name);
  return text;
}

int print(const files::CheckResults& results) {
  int passed = 0, failed = 0;
  for (const auto& result : results) {
    ++(result.violation.empty() ? passed : failed);
    if (result.violation.empty())
      fmt::print("ok: {}\n", result.invariant);
    else
      fmt::print("VIOLATED: {}: {}\n", result.invariant, result.violation);
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

void add(files::CheckResults& results, files::CheckResults more) {
  for (auto& each : more) results.push_back(std::move(each));
}

constexpr auto attempt_bound = "orders.attempt_bound";

files::CheckResults compare(files::ReadOnlyFolder& folder, const StoreOptions& options) {
  if (options.same_as.empty()) return {};
  files::ReadOnlyFolder other(options.same_as, options.scratch);
  return compare_stores(folder, other);
}

/// Looks at a copy: whatever can be seen in a folder can be seen in it. The market may run.
files::CheckResults check_shared(const SharedStore& store, const StoreOptions& options) try {
  SharedCheck shared(store);
  const files::PrivateFolder scratch(options.scratch);
  const auto copied = copy_to_folder(store, scratch.path() / "copy");
  if (copied.foreign_records > 0)
    fmt::print("note: the topic has {} messages of others, which never count\n", copied.foreign_records);
  if (!shared.no_live_stock().empty())
    fmt::print("note: the live stock was not looked at: {}\n", shared.no_live_stock());
  files::ReadOnlyFolder folder(scratch.path() / "copy", scratch.path());
  auto results =
      check_store(folder, store.keys, read_settings(options.settings).duration(attempt_bound),
                  [&shared](const CountedEvent& event, const Audit& audit) { shared.see(event, audit); });
  add(results, shared.results());
  for (auto& result : results) result = {as_shared(result.invariant), as_shared(result.violation)};
  add(results, compare(folder, options));  // These name files of the other folder as well.
  return results;
} catch (const std::exception& error) {
  return {{"the market can be read", as_shared(error.what())}};
}

/// Folds the records that several share anew. Nobody serves.
Place fold_anew(const SharedStore& store, Log& log, LogId records_of = {}) {
  mysql::MysqlRecordFold records(store.records);
  records.forget_all();
  return fold_all(log, records, LogOf::many, records_of);
}

constexpr auto shared_name = "log.kafka";

}  // namespace

int backup(const StoreOptions& options) {
  if (const auto shared = shared_store(options)) {
    const auto report = backup_shared(*shared, options.other);
    fmt::print("backup of '{}' in '{}': {} files, {} bytes, {} log records\n", shared_name, options.other,
               report.files, report.bytes, report.log_records);
    return 0;
  }
  expect_store(options.data);
  const auto keys = keys_of(options);
  expect_own_keys(options.data, keys);
  const auto report = sqlite::backup_store(options.data, options.other);
  fmt::print("backup of '{}' in '{}': {} files, {} bytes, {} log records\n", options.data, options.other,
             report.files, report.bytes, report.log_records);
  if (!fs::exists(fs::path(options.other) / "keys"))
    fmt::print("note: the keys in '{}' are kept apart and not in it{}; nobody reads it without them\n",
               keys.string(), fs::exists(keys) ? "" : ", and there are none now");
  return 0;
}

int restore(const StoreOptions& options) {
  const auto shared = shared_store(options);
  const auto last_step = [data = fs::path(options.data)] {
    sqlite::SqliteRecordFold records((data / "records.db").string());
    // A backup of a shared market has none: they are made from its log.
    if (must(records.place()) == 0) {
      sqlite::SqliteLogView log(data / "log.db");
      fold_all(log, records, LogOf::one);
    }
    give_up_the_rest(records);
  };
  const auto report = shared ? restore_shared(options.other, *shared, options.scratch)
                             : sqlite::restore_store(options.other, options.data, last_step);
  fmt::print("'{}' restored from '{}': {} files, {} log records\n", shared ? shared_name : options.data,
             options.other, report.files, report.log_records);
  return 0;
}

int check_command(const StoreOptions& options) {
  expect_scratch(options.scratch);
  expect_same_as(options.same_as);
  if (const auto shared = shared_store(options)) return print(check_shared(*shared, options));
  expect_folder(options.data);
  files::ReadOnlyFolder folder(options.data, options.scratch);
  const auto settings = read_settings(options.settings);
  auto results = check_store(folder, keys_folder(settings, options.data), settings.duration(attempt_bound));
  add(results, compare(folder, options));
  return print(results);
}

int rebuild(const StoreOptions& options) {
  if (const auto shared = shared_store(options)) {
    expect_named_data(options);
    expect_no_restore(*shared);
    expect_nobody_serves(*shared);
    const auto log = log_to_look_at(*shared);
    LogId records_of;
    {
      mysql::MysqlRecordFold records(shared->records);
      records_of = must(records.log());
      const auto end = end_of(*log, LogOf::many);
      const LogId market = id_of(*shared);
      auto snapshots = snapshot_of(market, options.data);
      expect_records_within(end, records);
      expect_snapshot_within(end, snapshots, market);
    }
    const Place through = fold_anew(*shared, *log, records_of);
    fmt::print("the records of '{}' are folded anew up to position {}\n", shared_name, through);
    return 0;
  }
  expect_store(options.data);
  return fold_anew(options, expect_nothing_lost(options.data));
}

int adopt_log(const StoreOptions& options) {
  if (const auto shared = shared_store(options)) {
    expect_named_data(options);
    expect_no_restore(*shared);
    expect_nobody_serves(*shared);
    std::unique_ptr<kafka::KafkaLog> log;
    bool lost = false;
    {
      mysql::MysqlRecordFold records(shared->records);
      const LogId market = id_of(*shared);
      auto snapshots = snapshot_of(market, options.data);
      // One that was deleted is made anew: what records or snapshot know is what it has lost.
      const bool known = must(records.place()) > 0 || must(snapshots.load()).has_value();
      log = known ? std::make_unique<kafka::KafkaLog>(shared->log) : log_to_look_at(*shared);
      lost = adopt_what_is_left(*log, records, snapshots, market, LogOf::many, shared_name);
    }
    if (!lost) return 0;
    const Place through = fold_anew(*shared, *log);
    fmt::print("the records of '{}' are folded anew up to position {}\n", shared_name, through);
    return 0;
  }
  expect_store(options.data);
  files::expect_no_backup(options.data);  // Before anything is opened there.
  sqlite::expect_whole_store(options.data);
  {
    const SystemClock clock;
    Store store(options.data, clock, Millis{0}, std::nullopt, keys_of(options).string());
    if (!adopt_what_is_left(store.log, store.fold, store.snapshots, store.id, LogOf::one, options.data))
      return 0;
  }
  return fold_anew(options);
}

}  // namespace market::apps
