#include "adapters/payment/charge_file.hpp"

#include "adapters/payment/charge_check.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace market::payment {
namespace {

constexpr std::int64_t application_id = 0x4D6B7450;  // "MktP", like the log's "MktL".
constexpr std::int64_t schema_version = 1;
constexpr const char* make_charges =
    "CREATE TABLE charges (attempt INTEGER PRIMARY KEY, amount INTEGER NOT NULL, currency TEXT NOT NULL,"
    " declined INTEGER NOT NULL, captured_at INTEGER NOT NULL, refunded INTEGER NOT NULL DEFAULT 0) STRICT";
constexpr const char* make_version_1 =
    "CREATE TABLE store(only_row INTEGER PRIMARY KEY CHECK(only_row = 1), id_hi INTEGER NOT NULL,"
    " id_lo INTEGER NOT NULL) STRICT;"
    "ALTER TABLE charges ADD COLUMN mac TEXT NOT NULL DEFAULT '';"
    "UPDATE charges SET mac = charge_mac(attempt, amount, currency, declined, captured_at, refunded)";

/// An addition that older programs of the same version do not mind.
constexpr const char* add_tokens = "ALTER TABLE charges ADD COLUMN token_sum TEXT NOT NULL DEFAULT ''";

struct Finalizer {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;

/// None where it cannot be prepared: its steps fail with SQLITE_MISUSE, and the connection knows why.
Statement prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
  return Statement(statement);
}

std::int64_t number(sqlite3* db, const char* sql, const std::string& path) {
  const auto query = prepare(db, sql);
  if (!query || sqlite3_step(query.get()) != SQLITE_ROW)
    throw std::runtime_error(
        fmt::format("{}: cannot be read: {}", path, sqlite3_errstr(sqlite3_errcode(db))));
  return sqlite3_column_int64(query.get(), 0);
}

void execute(sqlite3* db, const std::string& sql, const std::string& path) {
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(
        fmt::format("{}: cannot be written: {}", path, sqlite3_errstr(sqlite3_errcode(db))));
}

void charge_mac(sqlite3_context* call, int count, sqlite3_value** values) {
  const auto& owner = *static_cast<const ChargeFileOwner*>(sqlite3_user_data(call));
  std::string bytes = "charge\n";
  for (int i = 0; i < count; ++i) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(values[i]));
    bytes += fmt::format("{}\n", text == nullptr ? "" : text);
  }
  const std::string mac = owner.sum(bytes);
  sqlite3_result_text(call, mac.data(), static_cast<int>(mac.size()), SQLITE_TRANSIENT);
}

void add_charge_mac(sqlite3* db, const ChargeFileOwner& owner) {
  sqlite3_create_function_v2(db, "charge_mac", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                             const_cast<ChargeFileOwner*>(&owner),  // NOLINT: charge_mac() reads it alone.
                             charge_mac, nullptr, nullptr, nullptr);
}

std::string of_store(const ChargeFileOwner& owner) {
  return fmt::format("SELECT count(*) FROM store WHERE id_hi = {} AND id_lo = {}",
                     static_cast<std::int64_t>(owner.store_hi), static_cast<std::int64_t>(owner.store_lo));
}

constexpr const char* select_charges =
    "SELECT amount, declined, captured_at, refunded, mac = charge_mac(attempt, amount, currency, declined, "
    "captured_at, refunded), attempt FROM charges";

Charge charge_of(sqlite3_stmt* row, AttemptId attempt) {
  Charge charge;
  charge.attempt = attempt;
  charge.amount.amount = sqlite3_column_int64(row, 0);
  charge.declined = sqlite3_column_int(row, 1) != 0;
  charge.captured_at = Instant(Millis(sqlite3_column_int64(row, 2)));
  charge.refunded = sqlite3_column_int(row, 3) != 0;
  return charge;
}

/// Reported by SQLite before it has written anything of a transaction that is certainly not there then.
bool wrote_nothing(int code) {
  const int kind = code & 0xFF;
  return kind == SQLITE_FULL || kind == SQLITE_READONLY || kind == SQLITE_CANTOPEN || kind == SQLITE_PERM;
}

}  // namespace

ChargeFile::ChargeFile(std::string path, ChargeFileOwner owner)
    : path_(std::move(path)), owner_(std::move(owner)) {
  files::create_for_owner(path_);
  open(SQLITE_OPEN_CREATE);
}

void ChargeFile::open(int create) {
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(path_.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | create, nullptr);
  std::unique_ptr<sqlite3, Closer> db(handle);
  if (opened != SQLITE_OK)
    throw std::runtime_error(fmt::format("{}: cannot be opened: {}", path_, sqlite3_errstr(opened)));
  sqlite3_busy_timeout(handle, 2'000);
  add_charge_mac(handle, owner_);
  adopt_or_refuse(handle);
  if (number(handle, "SELECT count(*) FROM pragma_table_info('charges') WHERE name = 'token_sum'", path_) ==
      0)
    execute(handle, add_tokens, path_);
  execute(handle, "PRAGMA synchronous = FULL", path_);
  int on = 1;  // Its WAL files stay: a start on a full disk needs no room.
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
  execute(handle, "PRAGMA journal_size_limit = 0", path_);
  db_ = std::move(db);
  files_ = files::DatabaseFiles(path_);
}

void ChargeFile::adopt_or_refuse(sqlite3* db) const {
  const auto found = number(db, "PRAGMA application_id", path_);
  const auto version = number(db, "PRAGMA user_version", path_);
  const bool empty = number(db, "SELECT count(*) FROM sqlite_schema", path_) == 0;
  // The first ones had neither number.
  const bool oldest = found == 0 && version == 0 && !empty &&
                      number(db,
                             "SELECT count(*) FROM pragma_table_info('charges') WHERE name IN "
                             "('attempt', 'amount', 'currency', 'declined', 'captured_at', 'refunded')",
                             path_) == 6;
  if (!(empty && found == 0 && version == 0) && !oldest && found != application_id)
    throw std::runtime_error(fmt::format("{}: belongs to another program; move it away", path_));
  if (version > schema_version || version < 0)
    throw std::runtime_error(
        fmt::format("{}: its schema is version {}, this program knows up to {}; use the newer program, or "
                    "restore a backup",
                    path_, version, schema_version));
  const auto hi = static_cast<std::int64_t>(owner_.store_hi), lo = static_cast<std::int64_t>(owner_.store_lo);
  if (version == schema_version) {
    if (number(db, of_store(owner_).c_str(), path_) == 0)
      throw std::runtime_error(fmt::format(
          "{}: belongs to another store than log.db; put the right one back, or restore a backup", path_));
    return;
  }
  execute(db, "PRAGMA journal_mode = WAL", path_);
  execute(db,
          fmt::format("BEGIN IMMEDIATE; {};{}; INSERT INTO store VALUES(1, {}, {});"
                      "PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
                      empty ? make_charges : "", make_version_1, hi, lo, application_id, schema_version),
          path_);
}

Result<> ChargeFile::ready() {
  if (db_ && !failing_.load(std::memory_order_relaxed)) {
    if (files_.in_place()) return {};
    failing_.store(true, std::memory_order_relaxed);
    return fail(Code::insufficient_storage, path_ + " or its WAL was deleted, replaced or made read-only");
  }
  db_.reset();
  try {
    open(0);  // One that was moved away is not made anew: it is to be put back.
  } catch (const std::exception& error) {
    return fail(Code::insufficient_storage, error.what());
  }
  if (!files_.in_place()) return fail(Code::insufficient_storage, path_ + " is read-only");
  return {};
}

Error ChargeFile::failed(int code) {
  failing_.store(true, std::memory_order_relaxed);
  return Error(wrote_nothing(code) ? Code::insufficient_storage : Code::unavailable,
               fmt::format("payments.db cannot be used: {}", sqlite3_errstr(code)));
}

Result<Charge> ChargeFile::record(const Charge& charge) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto can = ready(); !can) return fail(can.error());
    const auto insert =
        prepare(db_.get(),
                "INSERT INTO charges (attempt, amount, currency, declined, captured_at, mac, token_sum)"
                " VALUES (?1, ?2, ?3, ?4, ?5, charge_mac(?1, ?2, ?3, ?4, ?5, 0), ?6) ON CONFLICT (attempt) "
                "DO NOTHING");
    if (!insert) return fail(failed(sqlite3_extended_errcode(db_.get())));
    sqlite3_bind_int64(insert.get(), 1, charge.attempt.value);
    sqlite3_bind_int64(insert.get(), 2, charge.amount.amount);
    sqlite3_bind_text(insert.get(), 3, charge.amount.currency.letters.data(), 3, SQLITE_TRANSIENT);
    sqlite3_bind_int(insert.get(), 4, charge.declined ? 1 : 0);
    sqlite3_bind_int64(insert.get(), 5, charge.captured_at.time_since_epoch().count());
    sqlite3_bind_text(insert.get(), 6, charge.token_sum.data(), static_cast<int>(charge.token_sum.size()),
                      SQLITE_TRANSIENT);
    if (const int code = sqlite3_step(insert.get()); code != SQLITE_DONE) return fail(failed(code));
    failing_.store(false, std::memory_order_relaxed);
  }
  auto stored = find(charge.attempt);
  if (!stored) return fail(stored.error());
  if (!*stored) return fail(Code::unavailable, "payments.db was changed meanwhile");
  return std::move(**stored);
}

Result<std::optional<Charge>> ChargeFile::find(AttemptId attempt) {
  const std::lock_guard lock(mutex_);
  if (!db_)
    if (const auto can = ready(); !can) return fail(Code::unavailable, can.error().detail);
  const auto select = prepare(db_.get(), fmt::format("{} WHERE attempt = ?", select_charges).c_str());
  if (!select) return fail(Code::unavailable, failed(sqlite3_extended_errcode(db_.get())).detail);
  sqlite3_bind_int64(select.get(), 1, attempt.value);
  const int stepped = sqlite3_step(select.get());
  if (stepped == SQLITE_DONE) return std::nullopt;
  if (stepped != SQLITE_ROW) return fail(Code::unavailable, failed(stepped).detail);
  if (sqlite3_column_int(select.get(), 4) == 0)
    return fail(Code::unavailable,
                fmt::format("payments.db: the charge of attempt {} was changed or damaged; "
                            "run 'market check'",
                            attempt.text()));
  return charge_of(select.get(), attempt);
}

Result<std::string> ChargeFile::token_sum_of(AttemptId attempt) {
  const std::lock_guard lock(mutex_);
  if (!db_)
    if (const auto can = ready(); !can) return fail(Code::unavailable, can.error().detail);
  const auto select = prepare(db_.get(), "SELECT token_sum FROM charges WHERE attempt = ?");
  if (!select) return fail(Code::unavailable, failed(sqlite3_extended_errcode(db_.get())).detail);
  sqlite3_bind_int64(select.get(), 1, attempt.value);
  const int stepped = sqlite3_step(select.get());
  if (stepped == SQLITE_DONE) return std::string();
  if (stepped != SQLITE_ROW) return fail(Code::unavailable, failed(stepped).detail);
  return std::string(reinterpret_cast<const char*>(sqlite3_column_text(select.get(), 0)));
}

Result<> ChargeFile::refund(AttemptId attempt) {
  // A row that was changed from outside is not sealed anew.
  if (const auto known = find(attempt); !known) return fail(known.error());
  const std::lock_guard lock(mutex_);
  if (const auto can = ready(); !can) return fail(Code::unavailable, can.error().detail);
  const auto update = prepare(db_.get(),
                              "UPDATE charges SET refunded = 1, mac = charge_mac(attempt, amount, currency, "
                              "declined, captured_at, 1) WHERE attempt = ? AND declined = 0 AND mac = "
                              "charge_mac(attempt, amount, currency, declined, captured_at, refunded)");
  if (!update) return fail(Code::unavailable, failed(sqlite3_extended_errcode(db_.get())).detail);
  sqlite3_bind_int64(update.get(), 1, attempt.value);
  if (const int code = sqlite3_step(update.get()); code != SQLITE_DONE)
    return fail(Code::unavailable, failed(code).detail);
  failing_.store(false, std::memory_order_relaxed);
  return {};
}

Result<ProviderTotals> ChargeFile::totals(Instant now) {
  const std::lock_guard lock(mutex_);
  if (const auto can = ready(); !can) return fail(Code::unavailable, can.error().detail);
  const auto select =
      prepare(db_.get(),
              "SELECT coalesce(sum(amount), 0), coalesce(sum(amount * refunded), 0) FROM charges"
              " WHERE declined = 0 AND captured_at <= ?");
  if (!select) return fail(Code::unavailable, failed(sqlite3_extended_errcode(db_.get())).detail);
  sqlite3_bind_int64(select.get(), 1, now.time_since_epoch().count());
  if (const int code = sqlite3_step(select.get()); code != SQLITE_ROW)
    return fail(Code::unavailable, failed(code).detail);
  return ProviderTotals{sqlite3_column_int64(select.get(), 0), sqlite3_column_int64(select.get(), 1)};
}

ReadCharges read_charges(files::ReadOnlyFolder& folder, ChargeFileOwner owner) try {
  const auto readable = folder.database("payments.db");
  const std::string path = folder.file("payments.db").string();
  // A private copy is opened as a store opens its own: what the WAL holds is brought in.
  sqlite3* handle = nullptr;
  const int opened = readable.copied
                         ? sqlite3_open_v2(readable.file.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr)
                         : sqlite3_open_v2(files::immutable_uri(readable.file).c_str(), &handle,
                                           SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
  const std::unique_ptr<sqlite3, ChargeFile::Closer> db(handle);
  if (opened != SQLITE_OK) throw std::runtime_error(path + ": cannot be opened");
  add_charge_mac(handle, owner);
  if (const auto version = number(handle, "PRAGMA user_version", path);
      number(handle, "PRAGMA application_id", path) != application_id || version != schema_version)
    throw std::runtime_error(
        fmt::format("{}: is not of this program, or has another schema ({})", path, version));
  ReadCharges read;
  const auto whole = prepare(handle, "PRAGMA integrity_check(1)");
  const bool is_whole =
      whole && sqlite3_step(whole.get()) == SQLITE_ROW &&
      std::string_view(reinterpret_cast<const char*>(sqlite3_column_text(whole.get(), 0))) == "ok";
  read.results.push_back({"payments.db is whole", is_whole ? "" : "it is damaged"});
  const bool ours = number(handle, of_store(owner).c_str(), path) != 0;
  read.results.push_back({"payments.db belongs to this log", ours ? "" : "it is of another store"});
  files::Differences wrong;
  const auto rows = prepare(handle, select_charges);
  int code = SQLITE_ERROR;
  while (rows && (code = sqlite3_step(rows.get())) == SQLITE_ROW) {
    const AttemptId attempt{sqlite3_column_int64(rows.get(), 5)};
    if (sqlite3_column_int(rows.get(), 4) == 0) wrong.note("the charge of attempt " + attempt.text());
    read.charges.emplace(attempt, charge_of(rows.get(), attempt));
  }
  if (code != SQLITE_DONE) wrong.note("it cannot be read to its end");
  read.results.push_back({"no charge was changed past the provider", wrong.text()});
  return read;
} catch (const std::exception& error) {
  return {{{"payments.db can be read", error.what()}}, {}};
}

bool ChargeFile::usable() {
  const std::lock_guard lock(mutex_);
  if (!ready()) return false;
  if (!failing_.load(std::memory_order_relaxed)) return true;
  // Nothing is changed, and yet a page is written.
  if (sqlite3_exec(db_.get(), "UPDATE store SET id_hi = id_hi", nullptr, nullptr, nullptr) != SQLITE_OK)
    return false;
  failing_.store(false, std::memory_order_relaxed);
  return true;
}

}  // namespace market::payment
