#include "apps/roles/store.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstring>

#include "adapters/mysql/main_database.hpp"
#include "adapters/mysql/schema.hpp"
#include "adapters/sqlite/whole_store.hpp"
#include "apps/roles/field_keys.hpp"
#include "base/random.hpp"
#include "wire/events/record_codec.hpp"

namespace market::apps {
namespace {

constexpr auto log_file = "log.db";
constexpr auto records_file = "records.db";
constexpr auto main_file = "main.db";
constexpr auto payments_name = "payments.db";  ///< Among the key checks: it was made once.

void warn(const std::string& what) {
  spdlog::warn("{}", what);
}

wire::AccessTokens load_tokens(const files::DataFolder& folder) {
  const auto first = folder.keys() / files::signing_key_file;
  if (files::load_signing_keys(first).empty()) folder.load_or_create_secret(files::signing_key_file);
  return wire::AccessTokens(files::keys_of(files::load_signing_keys(first)));
}

/// A new store's keys are made here.
crypto::SodiumFieldCipher load_cipher(const files::DataFolder& folder) {
  constexpr std::size_t bytes = std::tuple_size_v<crypto::FieldSecret>;
  // A later key may be all that is left: the first one is needed by nothing once all is encrypted anew.
  if (load_field_keys(folder.keys()).empty()) folder.load_secret_of(main_file, field_key_file, bytes);
  folder.load_secret_of(main_file, field_index_file, bytes);
  return load_field_cipher(folder.keys());
}

/// Of its first record, an Open; none when it is empty.
LogId first_log_id(Log& log) {
  LogId id;
  const auto read = log.read(1, [&](Offset, std::string_view record) {
    const auto decoded = wire::decode_record(record);
    const auto* open = decoded ? std::get_if<wire::Open>(&*decoded) : nullptr;
    if (open) id = open->log;
    return false;
  });
  if (!read) throw std::runtime_error(read.error().detail);
  return LogId{id.hi, id.lo, 0};
}

/// main.db is made after log.db: where it is alone, the log was deleted, and a new one would hide that.
/// A file without bytes is none; a first start that was killed leaves one, and goes on.
sqlite::LogSettings log_of(const files::DataFolder& folder, Millis wait) {
  const auto path = folder.file(log_file);
  if (!files::has_bytes(path) && files::has_bytes(folder.file(main_file)))
    throw std::runtime_error(fmt::format("{} is missing beside main.db; restore a backup", path.string()));
  return {.path = path, .wait = wait, .warn = warn};
}

/// Likewise the other way: orders without their buyers.
std::string main_of(const files::DataFolder& folder, sqlite::SqliteLog& log) {
  const auto path = folder.file(main_file);
  const auto end = log.end();
  if (!files::has_bytes(path) && end && *end > 1)
    throw std::runtime_error(fmt::format("{} is missing beside log.db; restore a backup", path.string()));
  return path;
}

void expect_writable(const std::filesystem::path& folder) {
  for (const char* name : {log_file, records_file, main_file, payments_name})
    if (const auto can = files::expect_writable_database(folder / name); !can)
      throw std::runtime_error(can.error().detail);
}

/// Before any key is made: those of a market that is being restored come from its backup.
files::DataFolder open_writable(const std::string& data, Millis wait, const std::string& keys,
                                const std::optional<mysql::Server>& accounts) {
  if (accounts) mysql::expect_no_restore(*accounts);
  auto folder = files::DataFolder::open(data, wait, keys);
  expect_writable(folder.path());
  return folder;
}

}  // namespace

Store::Store(const std::string& data, const Clock& clock, Millis wait,
             std::optional<mysql::Server> accounts_server, const std::string& keys)
    : folder(open_writable(data, wait, keys, accounts_server)),
      keys_found(files::key_checks(folder.keys())),
      cipher(load_cipher(folder)),
      tokens(load_tokens(folder)),
      log(log_of(folder, wait)),
      fold(folder.file(records_file)),
      records(folder.file(records_file), fold.index(), pages_pool, orders_pool,
              sql_threads + own_orders_threads),
      order_search(folder.file(records_file)),
      snapshots(folder.file(files::snapshot_name), warn),
      accounts_at(std::move(accounts_server)),
      main(open_main(accounts_pool)),
      main_pages(open_main(pages_pool)),
      id(expect_one_store()),
      accounts(*main, cipher, clock),
      care(*main, cipher),
      directory(*main_pages, cipher),
      audit(*main_pages),
      outbox(*main_pages, cipher),
      places(*main_pages),
      webhooks(*main_pages, cipher),
      refusal_history(*main_pages),
      carts(*main_pages),
      wish_lists(*main_pages),
      own_pictures(folder.file("pictures"), files_pool),
      picture_sizes(folder.file("picture-sizes"), files_pool),
      shared_pictures(accounts_at ? std::make_unique<mysql::MysqlPictures>(*accounts_at, own_pictures,
                                                                           files_pool, sql_threads)
                                  : nullptr),
      pictures(shared_pictures ? static_cast<Pictures&>(*shared_pictures) : own_pictures) {
  // Where others have written, keys that were made just now are as foreign as any.
  expect_keys(accounts_at ? files::key_checks(folder.keys()) : keys_found);
}

std::shared_ptr<sql::MainDatabase> Store::open_main(BlockingPool& pool) {
  if (accounts_at) return mysql::open_main_database(*accounts_at, pool, sql_threads, cipher);
  return sqlite::open_main_database(main_of(folder, log), pool, sql_threads, cipher);
}

/// Files of two stores are told apart before anything is written: whose orders would be shown to whom?
LogId Store::expect_one_store() {
  const LogId of_log = first_log_id(log);
  const LogId mine = of_log ? of_log : LogId{random_number(), random_number(), 0};
  // Others may start on the same rows at this moment: who comes first says which store they are of.
  const LogId of_main = accounts_at
                            ? sql::claim_identity(*main, {mine, files::key_checks(folder.keys())}).store
                            : sql::identity_of(*main).store;
  const auto folded = fold.log();
  if (!folded) throw std::runtime_error(folded.error().detail);
  if (of_log && of_main && of_main != of_log)
    throw std::runtime_error(fmt::format(
        "{} belongs to another store than log.db; put the right one of the two back, or restore a backup",
        accounts_at ? "accounts.mysql" : folder.file(main_file).string()));
  if (of_log && *folded && (folded->hi != of_log.hi || folded->lo != of_log.lo))
    throw std::runtime_error(fmt::format(
        "{} belongs to another log than log.db; put the right one back, or restore a backup (records of this "
        "log are made anew when there are none)",
        folder.file(records_file).string()));
  return of_main ? of_main : mine;
}

void Store::expect_accounts_of(const LogId& log) const {
  if (!accounts_at || !log || (log.hi == id.hi && log.lo == id.lo)) return;
  throw std::runtime_error(
      "accounts.mysql belongs to another store than the event log and its records: name the right database, "
      "or restore a backup");
}

void Store::expect_keys(const std::map<std::string, std::string>& found) const {
  expect_same_keys(found, sql::identity_of(*main).key_checks, folder.keys());
}

std::string Store::payments_file() const {
  const auto path = folder.file(payments_name);
  if (!files::has_bytes(path) && sql::identity_of(*main).key_checks.contains(payments_name))
    throw std::runtime_error(fmt::format("{} is missing beside main.db; restore a backup", path.string()));
  return path;
}

void Store::remember_keys() {
  sql::StoreIdentity now{LogId{id.hi, id.lo, 0}, files::key_checks(folder.keys())}, known = now;
  if (files::has_bytes(folder.file(payments_name))) now.key_checks[payments_name] = "made";
  try {
    if (accounts_at)
      known = sql::claim_identity(*main, now);
    else if (now != sql::identity_of(*main))
      sql::set_identity(*main, now);
  } catch (const std::exception& error) {
    warn(fmt::format("main.db does not know its store and keys until a later start: {}", error.what()));
  }
  expect_same_keys(now.key_checks, known.key_checks, folder.keys());
}

std::string Store::reload_keys() {
  expect_keys(files::key_checks(folder.keys()));
  auto keys = files::keys_of(files::load_signing_keys(folder.keys() / files::signing_key_file));
  const std::string newest = keys.empty() ? "" : keys.front().id;
  tokens.replace(std::move(keys));
  return newest;
}

wire::SecretKey Store::refresh_key() const {
  wire::SecretKey key;
  const std::string bytes = folder.load_or_create_secret("refresh-tokens", key.size());
  std::memcpy(key.data(), bytes.data(), key.size());
  return key;
}

void Store::stop_pools() {
  for (BlockingPool* pool : {&accounts_pool, &pages_pool, &files_pool}) pool->stop();
  search_pool.stop();
  lists_pool.stop();
  orders_pool.stop();
}

Store::~Store() {
  stop_pools();
}

void expect_same_keys(const std::map<std::string, std::string>& found,
                      const std::map<std::string, std::string>& known, const std::filesystem::path& keys) {
  for (const auto& [name, value] : found) {
    const auto before = known.find(name);
    if (before != known.end() && before->second != value)
      throw std::runtime_error(
          fmt::format("key file {} is of another store; put the right one back from where you keep your keys",
                      (keys / name).string()));
  }
}

void verify_store(const std::string& data, const std::filesystem::path& keys) {
  const std::filesystem::path folder(data);
  expect_writable(folder);
  files::load_signing_keys(keys / files::signing_key_file);
  const auto cipher = load_field_cipher(keys);
  sqlite::verify_log((folder / log_file).string());
  sqlite::expect_whole_store(folder);
  sqlite::verify_main_database((folder / main_file).string(), cipher, files::key_checks(keys));
}

void remove_records(const std::string& data) {
  const std::filesystem::path folder(data);
  sqlite::SqliteRecordFold::remove_files(folder / records_file);
  std::filesystem::remove(folder / files::snapshot_name);
}

}  // namespace market::apps
