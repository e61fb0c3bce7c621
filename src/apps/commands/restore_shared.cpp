#include "apps/commands/restore_shared.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "adapters/files/files.hpp"
#include "adapters/files/private_folder.hpp"
#include "adapters/mysql/record_fold.hpp"
#include "adapters/mysql/schema.hpp"
#include "adapters/sqlite/log_view.hpp"
#include "adapters/sqlite/open_main.hpp"
#include "apps/commands/fold_log.hpp"
#include "apps/commands/shared_check.hpp"
#include "apps/commands/table_copy.hpp"
#include "apps/roles/field_keys.hpp"
#include "base/must.hpp"
#include "base/text.hpp"
#include "sale/log_reader.hpp"
#include "wire/events/record_codec.hpp"

namespace market::apps {
namespace {

namespace fs = std::filesystem;

/// Those whose rows make a market, beside the tables that a backup's files have.
constexpr const char* made_anew[] = {"orders",   "order_lines",   "fold_conflicts", "bound_keys",
                                     "products", "product_names", "product_stock"};

[[noreturn]] void refuse_full(const std::string& table) {
  throw std::runtime_error(fmt::format(
      "the database is not empty: {} has rows; a restore needs an empty topic and empty databases", table));
}

void expect_empty(mysql::Session& server, const std::string& table) {
  if (!server.query(fmt::format("SELECT 1 FROM `{}` LIMIT 1", table)).empty()) refuse_full(table);
}

std::string name_of(const mysql::Server& server) {
  return fmt::format("{}/{}", server.address(), server.database);
}

void expect_no_records_of_another(RecordFold& fold, const LogId& log, const mysql::Server& server) {
  if (const LogId of = must(fold.log()); of && !of.is_same_log(log))
    throw std::runtime_error(
        fmt::format("{} holds records of another log than the backup's; name another database with "
                    "records.mysql, or empty it",
                    name_of(server)));
}

/// Tables may have been emptied without the row that says how far they are: nothing would be folded then.
void expect_no_records(RecordFold& fold, const LogId& log, const mysql::Server& server) {
  mysql::Session records(server);
  for (const char* table : made_anew) expect_empty(records, table);
  expect_no_records_of_another(fold, log, server);
  if (must(fold.place()) > 0) refuse_full("fold");
}

/// What is named now may be another market's; of a note of an earlier version nobody knows.
void expect_same_target(const mysql::UnfinishedRestore& begun, const mysql::UnfinishedRestore& now) {
  if (begun.backup != now.backup)
    throw std::runtime_error("the database holds an unfinished restore of another backup; empty it first");
  if (begun.topic.empty() || (begun.topic == now.topic && begun.records == now.records)) return;
  throw std::runtime_error(
      fmt::format("the unfinished restore goes to the topic {} and the records in {}, but the settings name "
                  "the topic {} and {}; name the first two again",
                  begun.topic, begun.records, now.topic, now.records));
}

/// Held until the session ends, however it ends: a second one would append to the topic beside the first, or
/// take away what that one has finished. The server hears a moment later of one that was killed.
void expect_no_other_restore(mysql::Session& session) {
  session.stay_connected();
  const auto rows =
      session.query("SELECT GET_LOCK(CONCAT('market-restore-', LEFT(SHA1(DATABASE()), 32)), 3)");
  if (rows.at(0).is_null(0) || rows[0].integer(0) != 1)
    throw std::runtime_error("another restore to this database runs; wait for its end");
}

/// The keys of a backup are those that its rows were written with; in a folder that has keys, they must be
/// the same. Those that are missing there. A backup may have none: then they were kept apart, and have been
/// put back.
std::vector<fs::path> missing_keys(const fs::path& from, const fs::path& to) {
  std::vector<fs::path> missing;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(from, none)) {
    const auto name = entry.path().filename();
    const auto there = must(files::read_whole_file(to / name));
    if (!there)
      missing.push_back(name);
    else if (there != must(files::read_whole_file(entry.path())))
      throw std::runtime_error(fmt::format("key file {} is of another store", (to / name).string()));
  }
  return missing;
}

/// Before anything is changed.
void expect_no_other_keys(const fs::path& from, const fs::path& to) {
  missing_keys(from, to);
}

void bring_keys(const fs::path& from, const fs::path& to) {
  must(files::make_folder(to));
  for (const fs::path& name : missing_keys(from, to))
    must(files::write_file_durably(to / name, *must(files::read_whole_file(from / name))));
}

/// The ordinary rows and the charges, each table in one step; one that is there already stays.
class Tables {
 public:
  Tables(const fs::path& main, const fs::path& payments)
      : main_(sqlite::Database::open(main.string(), sqlite::Database::Mode::existing)) {
    for (CopiedTable& table : tables_of(main_)) all_.push_back({&main_, std::move(table)});
    if (!fs::exists(payments)) return;
    payments_ = sqlite::Database::open(files::immutable_uri(payments), sqlite::Database::Mode::read_only);
    all_.push_back({&payments_, table_of(payments_, "charges")});
  }
  void expect_none(mysql::Session& server) const {
    for (const auto& [file, table] : all_) expect_empty(server, table.name);
  }
  bool are_there(mysql::Session& server) const {
    return std::all_of(all_.begin(), all_.end(), [&](const One& one) {
      return sum_of(*one.file, one.table) == sum_of(server, one.table);
    });
  }
  void copy(mysql::Session& server) const {
    for (const auto& [file, table] : all_) {
      const RowSum wanted = sum_of(*file, table);
      if (wanted == sum_of(server, table)) continue;
      copy_to_server(*file, server, table);
      if (const RowSum found = sum_of(server, table); found != wanted)
        throw std::runtime_error(fmt::format("{}: {} rows in the backup, {} in the database, not the same",
                                             table.name, wanted.rows, found.rows));
    }
  }

 private:
  struct One {
    const sqlite::Database* file;
    CopiedTable table;
  };
  sqlite::Database main_, payments_;
  std::vector<One> all_;
};

void copy_pictures(const fs::path& folder, mysql::Session& server) {
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder, none)) {
    if (!entry.is_regular_file()) continue;
    const auto bytes = must(files::read_whole_file(entry.path()));
    server.execute(
        fmt::format("INSERT INTO pictures(hash, bytes) VALUES({}, x'{}') ON DUPLICATE KEY UPDATE hash = hash",
                    mysql::quoted(entry.path().filename().string()), to_hex(*bytes)));
  }
}

/// What is in the topic is the beginning of the backup's log; the rest is appended, and all of it read again.
class LogRestore {
 public:
  LogRestore(Log& from, const SharedStore& to) : from_(from), to_(to) {}

  bool is_there(Log& topic) {
    return must(topic.end()) == must(from_.end()) && held_by(topic) == Held::a_beginning;
  }

  /// Throws when the topic has anything else, which somebody would lose. Whether it holds a beginning of the
  /// backup's log.
  bool expect_ours(Log& topic) {
    const Held held = held_by(topic);
    if (held == Held::something_else)
      throw std::runtime_error(
          fmt::format("the topic {} holds records of another log than the backup's; name another topic with "
                      "log.topic, or empty it",
                      to_.log.topic));
    return held == Held::a_beginning;
  }

  void run() {
    auto topic = std::make_unique<kafka::KafkaLog>(to_.log);
    if (!expect_ours(*topic)) {
      // Of an earlier try, in which a message came twice: places would lead to wrong offsets.
      topic.reset();
      kafka::delete_topic(to_.log.connection, to_.log.topic);
      topic = std::make_unique<kafka::KafkaLog>(to_.log);
    }
    append(*topic);
    if (!is_there(*topic))
      throw std::runtime_error("the topic does not hold the backup's log record by record; restore again");
  }

 private:
  /// What a topic holds of the backup's log; an empty one holds a beginning.
  enum class Held : std::uint8_t { a_beginning, its_records, something_else };

  static constexpr std::uint64_t no_record = 0;  ///< Of bytes that are none; it is like no other.
  static std::vector<std::uint64_t> sums_of(Log& log) {
    std::vector<std::uint64_t> sums;
    must(log.read(1, [&](Offset, std::string_view record) {
      sums.push_back(wire::is_whole(record) ? wire::record_checksum(record) : no_record);
      return true;
    }));
    return sums;
  }

  Held held_by(Log& topic) {
    const auto there = sums_of(topic);
    auto wanted = sums_of(from_);
    const auto differs =
        std::mismatch(there.begin(), there.end(), wanted.begin(), wanted.end(),
                      [](std::uint64_t one, std::uint64_t other) { return one == other && one != no_record; })
            .first;
    if (differs == there.end()) return Held::a_beginning;
    std::sort(wanted.begin(), wanted.end());
    const bool ours = std::all_of(differs, there.end(), [&](std::uint64_t sum) {
      return sum != no_record && std::binary_search(wanted.begin(), wanted.end(), sum);
    });
    return ours ? Held::its_records : Held::something_else;
  }

  void append(kafka::KafkaLog& topic) {
    constexpr std::size_t bytes_at_once = 4 << 20, records_at_once = 5'000;
    std::vector<std::string> records;
    std::size_t bytes = 0;
    Result<> sent;
    const auto send = [&] {
      sent = topic.append_unread(records);
      records.clear();
      bytes = 0;
      return sent.has_value();
    };
    must(from_.read(must(topic.end()), [&](Offset, std::string_view record) {
      records.emplace_back(record);
      bytes += record.size();
      return (bytes < bytes_at_once && records.size() < records_at_once) || send();
    }));
    if (sent) send();
    must(sent);
  }

  Log& from_;
  const SharedStore& to_;
};

/// main.db as this program has it: a backup of an older one is brought up to date in a copy. A store that was
/// never started may not say which one it is.
fs::path newest_main(const fs::path& backup, const fs::path& keys, const fs::path& scratch, LogId log) {
  const auto copy = scratch / "main.db";
  fs::copy_file(backup / "main.db", copy);
  fs::permissions(copy, fs::perms::owner_read | fs::perms::owner_write);
  const auto cipher = load_field_cipher(keys);
  BlockingPool pool(1, 16);
  const auto main = sqlite::open_main_database(copy.string(), pool, 1, cipher);
  auto identity = sql::identity_of(*main);
  if (!identity.store && log) {
    identity.store = LogId{log.hi, log.lo, 0};
    sql::set_identity(*main, identity);
  }
  pool.stop();
  return copy;
}

/// Of one that has ended: what it has brought beside log and rows is looked at, too.
void expect_all_there(const fs::path& from, const SharedStore& to, RecordFold& fold, const LogId& log) {
  constexpr auto before = "the backup was restored before, but";
  const auto missing = missing_keys(from / "keys", to.keys);
  if (!missing.empty())
    throw std::runtime_error(
        fmt::format("{} key file {} is missing; name the folder of its keys with "
                    "keys.folder, or put it back",
                    before, (to.keys / missing.front()).string()));
  if (!must(fold.log()).is_same_log(log))
    throw std::runtime_error(fmt::format(
        "{} {} does not hold the records of its log; name the database that does with records.mysql, or fold "
        "them anew with 'market rebuild'",
        before, name_of(to.records)));
}

}  // namespace

sqlite::BackupReport restore_shared(const fs::path& from, const SharedStore& to, const std::string& scratch) {
  sqlite::BackupReport report;
  const std::string backup = sqlite::verify_backup(from, report);
  mysql::Session alone(to.accounts), accounts(to.accounts);
  expect_no_other_restore(alone);
  accounts.stay_connected();  // It rests while the log is copied.
  mysql::migrate(to.accounts);
  const mysql::UnfinishedRestore ours{backup, to.log.topic, name_of(to.records)};
  const auto begun = mysql::unfinished_restore(accounts);
  if (begun) expect_same_target(*begun, ours);
  mysql::MysqlRecordFold fold(to.records);
  const auto keys_there = fs::exists(from / "keys") ? from / "keys" : to.keys;
  const files::PrivateFolder folder(scratch);
  files::ReadOnlyFolder looked_at(from, folder.path());
  sqlite::SqliteLogView log(looked_at);
  const LogId id = must(sale::newest_id(log));
  const Tables tables(newest_main(from, keys_there, folder.path(), id), from / "payments.db");
  LogRestore log_restore(log, to);
  if (begun) {
    if (const auto topic = log_if_there(to)) log_restore.expect_ours(*topic);
    expect_no_records_of_another(fold, id, to.records);
    expect_no_other_keys(from / "keys", to.keys);
  } else {
    kafka::KafkaLog topic(to.log);
    // One that was broken off behind its end: all is there, and nothing has changed since.
    if (must(topic.end()) > 1 && log_restore.is_there(topic) && tables.are_there(accounts)) {
      expect_all_there(from, to, fold, id);
      return report;
    }
    if (must(topic.end()) > 1)
      throw std::runtime_error(fmt::format(
          "the topic {} is not empty; a restore needs an empty topic and empty databases", to.log.topic));
    tables.expect_none(accounts);
    expect_no_records(fold, id, to.records);
    expect_empty(accounts, "pictures");
    expect_no_other_keys(from / "keys", to.keys);
    mysql::note_restore(accounts, ours);
  }
  bring_keys(from / "keys", to.keys);
  tables.copy(accounts);
  copy_pictures(from / "pictures", accounts);
  log_restore.run();
  fold_all(log, fold, LogOf::one);
  std::vector<ProductId> products;
  for (const RecordedProduct& product : must(fold.products())) products.push_back(product.id);
  give_up_the_rest(fold);
  if (to.redis)
    if (const auto forgotten = forget_live_stock(*to.redis, id, products); !forgotten)
      spdlog::warn("the live stock of before may still be in Redis: {}", forgotten.error().detail);
  mysql::forget_restore(accounts);
  return report;
}

}  // namespace market::apps
