#include "adapters/mysql/charge_book.hpp"

#include <fmt/format.h>

namespace market::mysql {

std::string MysqlChargeBook::mac_of(const Charge& charge) const {
  return sum_(fmt::format("charge\n{}\n{}\n{}\n{}\n{}\n{}\n", charge.attempt.value, charge.amount.amount,
                          std::string_view(charge.amount.currency.letters.data(), 3), charge.declined ? 1 : 0,
                          charge.captured_at.time_since_epoch().count(), charge.refunded ? 1 : 0));
}

template <class Work>
auto MysqlChargeBook::run(Work work) {
  auto answer = sessions_.run("the book of charges cannot be used", std::move(work));
  failing_.store(!answer && answer.error().code != Code::internal, std::memory_order_relaxed);
  return answer;
}

Result<std::optional<Charge>> MysqlChargeBook::select(Session& session, AttemptId attempt,
                                                      bool to_change) const {
  const auto rows = session.query(fmt::format(
      "SELECT amount, currency, declined, captured_at, refunded, mac, token_sum FROM charges WHERE attempt = "
      "{}{}",
      attempt.value, to_change ? " FOR UPDATE" : ""));
  if (rows.empty()) return std::nullopt;
  const Row& row = rows[0];
  Charge charge;
  charge.attempt = attempt;
  charge.amount.amount = row.integer(0);
  std::copy_n(row.text(1).begin(), std::min<std::size_t>(3, row.text(1).size()),
              charge.amount.currency.letters.begin());
  charge.declined = row.integer(2) != 0;
  charge.captured_at = Instant(Millis(row.integer(3)));
  charge.refunded = row.integer(4) != 0;
  charge.token_sum = row.text(6);
  if (row.text(5) != mac_of(charge))
    return fail(Code::unavailable,
                fmt::format("the charge of attempt {} was changed or damaged", attempt.text()));
  return charge;
}

Result<Charge> MysqlChargeBook::record(const Charge& charge) {
  return run([&](Session& session) -> Result<Charge> {
    session.execute(fmt::format(
        "INSERT INTO charges(attempt, amount, currency, declined, captured_at, refunded, mac, token_sum) "
        "VALUES({}, {}, {}, {}, {}, 0, {}, {}) ON DUPLICATE KEY UPDATE attempt = attempt",
        charge.attempt.value, charge.amount.amount,
        quoted(std::string_view(charge.amount.currency.letters.data(), 3)), charge.declined ? 1 : 0,
        charge.captured_at.time_since_epoch().count(), quoted(mac_of(charge)), quoted(charge.token_sum)));
    const auto stored = select(session, charge.attempt);
    if (!stored) return fail(stored.error());
    if (!*stored) return fail(Code::unavailable, "the book of charges was changed meanwhile");
    return **stored;
  });
}

Result<std::optional<Charge>> MysqlChargeBook::find(AttemptId attempt) {
  return run([&](Session& session) { return select(session, attempt); });
}

Result<std::string> MysqlChargeBook::token_sum_of(AttemptId attempt) {
  return run([&](Session& session) -> Result<std::string> {
    const auto charge = select(session, attempt);
    if (!charge) return fail(charge.error());
    return *charge ? (*charge)->token_sum : std::string();
  });
}

Result<> MysqlChargeBook::refund(AttemptId attempt) {
  return run([&](Session& session) -> Result<> {
    Transaction all(session);
    auto charge = select(session, attempt, true);
    if (!charge) return fail(charge.error());
    if (!*charge || (*charge)->declined) return {};
    (*charge)->refunded = true;
    session.execute(fmt::format("UPDATE charges SET refunded = 1, mac = {} WHERE attempt = {}",
                                quoted(mac_of(**charge)), attempt.value));
    all.commit();
    return {};
  });
}

Result<ProviderTotals> MysqlChargeBook::totals(Instant now) {
  return run([&](Session& session) -> Result<ProviderTotals> {
    const auto rows = session.query(
        fmt::format("SELECT coalesce(sum(amount), 0), coalesce(sum(amount * refunded), 0) FROM charges WHERE "
                    "declined = 0 AND captured_at <= {}",
                    now.time_since_epoch().count()));
    return ProviderTotals{rows.at(0).integer(0), rows.at(0).integer(1)};
  });
}

bool MysqlChargeBook::usable() {
  if (!failing_.load(std::memory_order_relaxed)) return true;
  return find(AttemptId{1}).has_value();
}

}  // namespace market::mysql
