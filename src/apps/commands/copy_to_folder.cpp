// A market on Kafka and MySQL, as an embedded store in a folder.
#include <fmt/format.h>

#include <algorithm>

#include "adapters/files/data_folder.hpp"
#include "adapters/files/files.hpp"
#include "adapters/files/folder_lock.hpp"
#include "adapters/mysql/schema.hpp"
#include "adapters/payment/charge_file.hpp"
#include "adapters/sqlite/backup.hpp"
#include "apps/commands/rows_of_one_moment.hpp"
#include "apps/commands/shared_store.hpp"
#include "apps/commands/table_copy.hpp"
#include "apps/roles/field_keys.hpp"
#include "apps/roles/run_task.hpp"
#include "apps/roles/store.hpp"
#include "base/must.hpp"
#include "wire/events/record_codec.hpp"

namespace market::apps {
namespace {

namespace fs = std::filesystem;

/// These know how far the log was followed: what has a place is copied before the log.
constexpr std::string_view tables_with_places[] = {"followers", "webhooks", "webhook_deliveries", "mails"};
/// What all instances fold together.
constexpr std::string_view record_tables[] = {"orders", "bound_keys", "products", "product_names",
                                              "product_stock"};

bool has_places(const std::string& table) {
  return std::find(std::begin(tables_with_places), std::end(tables_with_places), table) !=
         std::end(tables_with_places);
}

sqlite::Database open(const fs::path& file) {
  return sqlite::Database::open(file.string(), sqlite::Database::Mode::existing);
}

void copy_keys(const fs::path& from, const fs::path& to) {
  must(files::make_folder(to));
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(from, none)) {
    if (!entry.is_regular_file(none) || entry.path().extension() == ".tmp") continue;
    const auto key = files::read_whole_file(entry.path());
    if (!key) throw std::runtime_error(key.error().detail);
    if (*key) must(files::write_file_durably(to / entry.path().filename(), **key));
  }
}

void copy_rows(mysql::Session& from, const fs::path& main_file, bool with_places) {
  auto main = open(main_file);
  const auto tables = tables_of(main);
  WithoutTriggers writing(main);
  for (const CopiedTable& table : tables)
    if (has_places(table.name) == with_places) copy_to_file(from, main, table);
  writing.commit();
}

/// What stands for a record that is none: it counts for nobody.
std::string filler() {
  return wire::encode_open({});
}

/// The log, record by record: each keeps its offset, to which places of followers lead.
class LogCopy {
 public:
  explicit LogCopy(const fs::path& file) : log_(open(file)) {
    log_.must_execute("PRAGMA synchronous = NORMAL");
    next_ = log_.must_query("SELECT ifnull(max(offset), 0) FROM records") + 1;
    log_.must_execute("BEGIN IMMEDIATE");
    insert_ = sqlite::Statement(log_, "INSERT INTO records(offset, data) VALUES(?, ?)");
  }
  Offset next() const { return next_; }
  std::string at(Offset offset) {
    sqlite::Statement find(log_, "SELECT data FROM records WHERE offset = ?");
    find.bind(1, offset);
    return find.step() == SQLITE_ROW ? std::string(find.blob(0)) : std::string();
  }
  void add(std::string_view record) {
    constexpr Offset at_once = 10'000;
    insert_.bind(1, next_++);
    insert_.bind(2, record);
    if (insert_.run() != SQLITE_OK) log_.raise("cannot be written");
    if (next_ % at_once != 0) return;
    log_.must_execute("COMMIT");
    log_.must_execute("BEGIN IMMEDIATE");
  }
  void finish() {
    log_.must_execute("COMMIT");
    log_.must_execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }

 private:
  sqlite::Database log_;
  sqlite::Statement insert_;
  Offset next_ = 1;
};

void copy_log(const SharedStore& store, const fs::path& file, CopiedStore& copied) {
  const auto log = log_to_look_at(store);
  LogCopy copy(file);
  const std::string nothing = filler();
  const auto kept = [&](std::string_view record) -> std::string_view {
    return wire::is_whole(record) ? record : std::string_view(nothing);
  };
  // What a run before this one has copied ends with a record that is there still.
  const Offset known = copy.next() - 1;
  bool same = known == 0;
  must(log->read(std::max<Offset>(known, 1), [&](Offset offset, std::string_view record) {
    if (!same) {
      same = offset == known && copy.at(known) == kept(record);
      return same;
    }
    if (offset < copy.next()) return same = false;
    while (copy.next() < offset) copy.add(nothing);  // Marks of a stranger's transaction have offsets, too.
    if (!wire::is_whole(record)) ++copied.foreign_records;
    copy.add(kept(record));
    return true;
  }));
  if (!same) throw std::runtime_error("the topic has lost its beginning, or is another one than before");
  copy.finish();
  copied.log_records = copy.next() - 1;
}

void copy_records(mysql::Session& from, const fs::path& file) {
  auto records = open(file);
  records.must_execute("BEGIN IMMEDIATE");
  for (const auto name : record_tables) copy_to_file(from, records, table_of(records, std::string(name)));
  const auto row = from.query("SELECT log_place, log_hi, log_lo, log_generation FROM fold").at(0);
  records.must_execute(
      fmt::format("UPDATE position SET log_place = {}, log_hi = {}, log_lo = {}, log_generation = {}",
                  row.integer(0), row.integer(1), row.integer(2), row.integer(3))
          .c_str());
  records.must_execute("COMMIT");
}

std::size_t copy_pictures(mysql::Session& from, files::PictureStore& to) {
  std::vector<std::string> hashes;
  for (const mysql::Row& row : from.query("SELECT hash FROM pictures")) hashes.push_back(row.text(0));
  for (const std::string& hash : hashes) {
    const auto rows = from.query("SELECT bytes FROM pictures WHERE hash = " + mysql::quoted(hash));
    if (rows.empty()) continue;
    const auto kept = run_task(to.store(std::make_shared<const std::string>(rows[0].text(0))));
    if (!kept) throw std::runtime_error(kept.error().detail);
    if (*kept != hash) throw std::runtime_error(fmt::format("the picture {} is damaged", hash));
  }
  return hashes.size();
}

void copy_charges(mysql::Session& from, const fs::path& to, LogId store) {
  const auto file = to / "payments.db";
  const auto cipher = load_field_cipher(to / "keys");
  {
    payment::ChargeFile made(file.string(), {store.hi, store.lo, [&cipher](std::string_view text) {
                                               return cipher.blind_index(text);
                                             }});
  }
  auto charges = open(file);
  charges.must_execute("BEGIN IMMEDIATE");
  copy_to_file(from, charges, table_of(charges, "charges"));
  charges.must_execute("COMMIT");
}

LogId store_in(mysql::Session& accounts) {
  const LogId id = id_of_store(accounts);
  if (!id) throw std::runtime_error("the database holds no store yet");
  return id;
}

/// Makes the files, each empty; a log that is there stays.
void make_files(const SharedStore& store, const fs::path& to) {
  if (load_field_keys(store.keys).empty())
    throw std::runtime_error(
        fmt::format("{}: there are no keys; name their folder with keys.folder", store.keys.string()));
  copy_keys(store.keys, to / "keys");
  for (const char* name : {"main.db", "records.db", "payments.db"})
    for (const char* ending : {"", "-wal", "-shm"}) fs::remove(to / (std::string(name) + ending));
  const auto cipher = load_field_cipher(to / "keys");
  { sqlite::SqliteLog log({.path = to / "log.db"}); }
  { sqlite::SqliteRecordFold records((to / "records.db").string()); }
  BlockingPool pool(1, 16);
  auto main = sqlite::open_main_database((to / "main.db").string(), pool, 1, cipher);
  pool.stop();
}

/// Nobody could read the rows of a backup with the keys of another store, or without them.
void expect_own_keys(const SharedStore& store) {
  mysql::Session accounts(store.accounts);
  mysql::expect_newest_schema(accounts);
  std::map<std::string, std::string> known;
  for (const mysql::Row& row : accounts.query("SELECT name, value FROM key_checks"))
    known[row.text(0)] = row.text(1);
  const auto found = files::key_checks(store.keys);
  expect_same_keys(found, known, store.keys);
  if (!found.empty()) expect_field_keys_of(known, store.keys);
}

/// Buyers would be shown the orders of others.
void expect_own_log(const SharedStore& store) {
  LogId of_log;
  must(log_to_look_at(store)->read(1, [&](Offset, std::string_view record) {
    if (!wire::is_whole(record)) return true;  // Somebody else's.
    const auto decoded = wire::decode_record(record);
    if (const auto* open = decoded ? std::get_if<wire::Open>(&*decoded) : nullptr) of_log = open->log;
    return !of_log;
  }));
  mysql::Session accounts(store.accounts);
  const LogId of_rows = id_of_store(accounts);
  if (of_log && of_rows && !of_log.is_same_log(of_rows))
    throw std::runtime_error(fmt::format(
        "accounts.mysql belongs to another store than the event log in {}: name the right database and topic",
        store.log.topic));
}

enum class WithRecords : std::uint8_t { no, yes };

/// The mark stays until it is taken away.
CopiedStore copy_all(const SharedStore& store, const fs::path& to, WithRecords records) {
  sqlite::begin_copy(to, "a copy is made, or was broken off\n");
  fs::remove(to / files::backup_manifest);
  make_files(store, to);
  CopiedStore copied;
  {
    RowsOfOneMoment before(store.accounts);
    copied.id = store_in(before.session());
    copy_rows(before.session(), to / "main.db", true);
  }
  if (records == WithRecords::yes) {
    RowsOfOneMoment folded(store.records);
    copy_records(folded.session(), to / "records.db");
  } else {
    sqlite::SqliteRecordFold::remove_files((to / "records.db").string());
  }
  copy_log(store, to / "log.db", copied);
  RowsOfOneMoment after(store.accounts);
  copy_rows(after.session(), to / "main.db", false);
  copy_charges(after.session(), to, copied.id);
  BlockingPool pool(1, 16);
  files::PictureStore pictures(to / "pictures", pool);
  copy_pictures(after.session(), pictures);
  pool.stop();
  return copied;
}

/// Made if it is missing; of two copies to one folder the second is refused.
files::FolderLock alone_in(const fs::path& to) {
  must(files::make_folder(to));
  return {to, "backup folder"};
}

}  // namespace

CopiedStore copy_to_folder(const SharedStore& store, const fs::path& to) {
  expect_no_restore(store);
  const auto alone = alone_in(to);
  const auto copied = copy_all(store, to, WithRecords::yes);
  fs::remove(to / files::copy_mark);
  return copied;
}

sqlite::BackupReport backup_shared(const SharedStore& store, const fs::path& to) {
  expect_no_restore(store);
  expect_own_keys(store);
  expect_own_log(store);
  const auto alone = alone_in(to);
  copy_all(store, to, WithRecords::no);
  const auto report = sqlite::seal_backup(to);
  fs::remove(to / files::copy_mark);
  return report;
}

}  // namespace market::apps
