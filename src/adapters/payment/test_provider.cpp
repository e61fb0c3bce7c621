#include "adapters/payment/test_provider.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <stdexcept>

namespace market::payment {
namespace {

constexpr Millis slow_by{2'000};
constexpr const char* schema =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=2000;"
    "CREATE TABLE IF NOT EXISTS charges (attempt INTEGER PRIMARY KEY, amount INTEGER NOT NULL, currency TEXT "
    "NOT NULL,"
    " declined INTEGER NOT NULL, captured_at INTEGER NOT NULL, refunded INTEGER NOT NULL DEFAULT 0) STRICT";

struct Finalizer {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;

Statement prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
  return Statement(statement);
}

auto broken() {
  return fail(Code::unavailable, "the test payment provider cannot use its file");
}

bool is_token(const std::string& token) {
  for (const char* known : {"ok", "declined", "slow", "lost", "twice", "late"})
    if (token == known) return true;
  return false;
}

}  // namespace

TestProvider::TestProvider(const std::string& path, BlockingPool& pool, const Clock& clock, LateBy late_by)
    : pool_(pool), clock_(clock), late_by_(std::move(late_by)) {
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(
      path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  db_.reset(handle);
  if (opened != SQLITE_OK || sqlite3_exec(handle, schema, nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(path + ": " + (handle == nullptr ? "out of memory" : sqlite3_errmsg(handle)));
}

Result<ChargeState> TestProvider::record(AttemptId attempt, Money amount, bool declined,
                                         Instant captured_at) {
  {
    const std::lock_guard lock(mutex_);
    const auto insert = prepare(db_.get(),
                                "INSERT INTO charges (attempt, amount, currency, declined, captured_at)"
                                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (attempt) DO NOTHING");
    if (!insert) return broken();
    sqlite3_bind_int64(insert.get(), 1, attempt.value);
    sqlite3_bind_int64(insert.get(), 2, amount.amount);
    sqlite3_bind_text(insert.get(), 3, amount.currency.letters.data(), 3, SQLITE_TRANSIENT);
    sqlite3_bind_int(insert.get(), 4, declined ? 1 : 0);
    sqlite3_bind_int64(insert.get(), 5, captured_at.time_since_epoch().count());
    if (sqlite3_step(insert.get()) != SQLITE_DONE) return broken();
  }
  return look(attempt);
}

Result<ChargeState> TestProvider::look(AttemptId attempt) {
  const std::lock_guard lock(mutex_);
  const auto select = prepare(db_.get(), "SELECT declined, captured_at FROM charges WHERE attempt = ?");
  if (!select) return broken();
  sqlite3_bind_int64(select.get(), 1, attempt.value);
  const int stepped = sqlite3_step(select.get());
  if (stepped == SQLITE_DONE) return ChargeState::unknown;
  if (stepped != SQLITE_ROW) return broken();
  if (sqlite3_column_int(select.get(), 0) != 0) return ChargeState::declined;
  const bool arrived = sqlite3_column_int64(select.get(), 1) <= clock_.now().time_since_epoch().count();
  return arrived ? ChargeState::captured : ChargeState::unknown;
}

Result<> TestProvider::give_back(AttemptId attempt) {
  const std::lock_guard lock(mutex_);
  const auto update =
      prepare(db_.get(), "UPDATE charges SET refunded = 1 WHERE attempt = ? AND declined = 0");
  if (!update) return broken();
  sqlite3_bind_int64(update.get(), 1, attempt.value);
  if (sqlite3_step(update.get()) != SQLITE_DONE) return broken();
  return {};
}

Result<ProviderTotals> TestProvider::totals() {
  const std::lock_guard lock(mutex_);
  const auto select =
      prepare(db_.get(),
              "SELECT coalesce(sum(amount), 0), coalesce(sum(amount * refunded), 0) FROM charges"
              " WHERE declined = 0 AND captured_at <= ?");
  if (!select) return broken();
  sqlite3_bind_int64(select.get(), 1, clock_.now().time_since_epoch().count());
  if (sqlite3_step(select.get()) != SQLITE_ROW) return broken();
  return ProviderTotals{sqlite3_column_int64(select.get(), 0), sqlite3_column_int64(select.get(), 1)};
}

Task<ChargeState> TestProvider::charge(AttemptId attempt, Money amount, std::string token) {
  if (!is_token(token))
    co_return invalid_field("token", "format", "token must be ok, declined, slow, lost, twice or late");
  const Instant captured_at = clock_.now() + (token == "late" ? late_by_(attempt) : Millis(0));
  const bool declined = token == "declined";
  const int times = token == "twice" ? 2 : 1;  // The second charge of an attempt must change nothing.
  auto work = [this, attempt, amount, declined, captured_at, times] {
    auto state = record(attempt, amount, declined, captured_at);
    if (times == 2 && state) state = record(attempt, amount, declined, captured_at);
    return state;
  };
  const auto state = co_await pool_.run(std::move(work));
  if (!state && state.error().code == Code::overloaded) co_return ChargeState::not_charged;  // Never begun.
  if (!state) co_return fail(Code::unavailable, state.error().detail);
  if (token == "slow") {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, slow_by);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (token == "lost" || token == "late") co_return fail(Code::unavailable, "the provider's answer was lost");
  co_return state;
}

Task<ChargeState> TestProvider::find(AttemptId attempt) {
  auto work = [this, attempt] { return look(attempt); };
  const auto state = co_await pool_.run(std::move(work));
  co_return state;
}

Task<> TestProvider::refund(AttemptId attempt) {
  auto work = [this, attempt] { return give_back(attempt); };
  const auto done = co_await pool_.run(std::move(work));
  co_return done;
}

}  // namespace market::payment
