#include "apps/commands/restore_shared.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

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

void expect_empty(mysql::Session& server, const std::string& table) {
  if (!server.query(fmt::format("SELECT 1 FROM `{}` LIMIT 1", table)).empty())
    throw std::runtime_error(fmt::format(
        "the database is not empty: {} has rows; a restore needs an empty topic and empty databases", table));
}

/// Held until the session ends, however it ends: a second one would append to the topic beside the first, or
/// take away what that one has finished. The server hears a moment later of one that was killed.
void expect_no_other_restore(mysql::Session& session) {
  session.execute("SET SESSION wait_timeout = 604800");  // MySQL would end it after 3 s (mysql/session.cpp).
  const auto rows =
      session.query("SELECT GET_LOCK(CONCAT('market-restore-', LEFT(SHA1(DATABASE()), 32)), 3)");
  if (rows.at(0).is_null(0) || rows[0].integer(0) != 1)
    throw std::runtime_error("another restore to this database runs; wait for its end");
}

/// The keys of a backup are those that its rows were written with; in a folder that has keys, they must be
/// the same. A backup may have none: then they were kept apart, and have been put back.
void bring_keys(const fs::path& from, const fs::path& to) {
  if (::mkdir(to.c_str(), 0700) != 0 && errno != EEXIST)
    throw std::runtime_error(files::file_error("the folder of the keys cannot be created", to).detail);
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(from, none)) {
    const auto name = entry.path().filename();
    const auto key = must(files::read_whole_file(entry.path()));
    const auto there = must(files::read_whole_file(to / name));
    if (there && there != key)
      throw std::runtime_error(fmt::format("key file {} is of another store", (to / name).string()));
    if (!there) must(files::write_file_durably(to / name, *key));
  }
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

  bool is_there(Log& topic) { return must(topic.end()) == must(from_.end()) && holds_a_beginning(topic); }

  void run() {
    auto topic = std::make_unique<kafka::KafkaLog>(to_.log);
    if (!holds_a_beginning(*topic)) {
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
  bool holds_a_beginning(Log& topic) {
    std::vector<std::uint64_t> sums;
    must(topic.read(1, [&](Offset, std::string_view record) {
      sums.push_back(wire::is_whole(record) ? wire::record_checksum(record) : 0);
      return true;
    }));
    std::size_t same = 0;
    must(from_.read(1, [&](Offset, std::string_view record) {
      return same < sums.size() && sums[same] == wire::record_checksum(record) && ++same > 0;
    }));
    return same == sums.size();
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

}  // namespace

sqlite::BackupReport restore_shared(const fs::path& from, const SharedStore& to, const std::string& scratch) {
  sqlite::BackupReport report;
  const std::string backup = sqlite::verify_backup(from, report);
  mysql::Session alone(to.accounts), accounts(to.accounts), records(to.records);
  expect_no_other_restore(alone);
  mysql::migrate(to.accounts);
  mysql::migrate(to.records);
  const auto keys_there = fs::exists(from / "keys") ? from / "keys" : to.keys;
  const files::PrivateFolder folder(scratch);
  files::ReadOnlyFolder looked_at(from, folder.path());
  sqlite::SqliteLogView log(looked_at);
  const LogId id = must(sale::newest_id(log));
  const Tables tables(newest_main(from, keys_there, folder.path(), id), from / "payments.db");
  const auto begun = mysql::unfinished_restore(accounts);
  if (!begun.empty() && begun != backup)
    throw std::runtime_error("the database holds an unfinished restore of another backup; empty it first");
  if (begun.empty()) {
    kafka::KafkaLog topic(to.log);
    // One that was broken off behind its end: all is there, and nothing has changed since.
    if (must(topic.end()) > 1 && LogRestore(log, to).is_there(topic) && tables.are_there(accounts))
      return report;
    if (must(topic.end()) > 1)
      throw std::runtime_error(fmt::format(
          "the topic {} is not empty; a restore needs an empty topic and empty databases", to.log.topic));
    tables.expect_none(accounts);
    for (const char* table : made_anew) expect_empty(records, table);
    expect_empty(accounts, "pictures");
    mysql::note_restore(accounts, backup);
  }
  bring_keys(from / "keys", to.keys);
  tables.copy(accounts);
  copy_pictures(from / "pictures", accounts);
  LogRestore(log, to).run();
  std::vector<ProductId> products;
  {
    mysql::MysqlRecordFold fold(to.records);
    fold_all(log, fold, LogOf::one);
    for (const RecordedProduct& product : must(fold.products())) products.push_back(product.id);
    give_up_the_rest(fold);
  }
  if (to.redis)
    if (const auto forgotten = forget_live_stock(*to.redis, id, products); !forgotten)
      spdlog::warn("the live stock of before may still be in Redis: {}", forgotten.error().detail);
  mysql::note_restore(accounts, {});
  return report;
}

}  // namespace market::apps
