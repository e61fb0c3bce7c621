#include "adapters/sql/row_mac.hpp"

#include <fmt/format.h>

namespace market::sql {
namespace {

bool has_triggers(soci::session& sql) {
  return sql.get_backend_name() == "sqlite3";
}

std::optional<std::string> value_of(long long number, soci::indicator state = soci::i_ok) {
  if (state == soci::i_null) return std::nullopt;
  return std::to_string(number);
}

}  // namespace

std::string row_mac(const FieldCipher& cipher, const RowValues& values) {
  std::string bytes = "row\n";
  for (const auto& value : values) {
    if (!value)
      bytes += "-\n";
    else
      bytes += fmt::format("{}:{}", value->size(), *value);
  }
  return cipher.blind_index(bytes);
}

std::string AccountSum::mac(const FieldCipher& cipher) const {
  return row_mac(cipher, {"accounts", value_of(id), email_index, role, value_of(verified), password_hash,
                          value_of(generation), value_of(role_changed_at, role_changed_state)});
}

std::string SessionSum::mac(const FieldCipher& cipher) const {
  return row_mac(cipher, {"sessions", value_of(id), value_of(user), refresh_hash, value_of(ends_at),
                          value_of(ended_at, ended_state), value_of(generation)});
}

std::string webhook_sum(const FieldCipher& cipher, long long id, long long owner) {
  return row_mac(cipher, {"webhooks", value_of(id), value_of(owner)});
}

void seal_account(soci::session& sql, const FieldCipher& cipher, long long id) {
  if (has_triggers(sql)) return;
  AccountSum row;
  sql << fmt::format("SELECT {} FROM accounts WHERE id = :id", account_sum_columns), soci::use(id),
      soci::into(row.id), soci::into(row.email_index), soci::into(row.role), soci::into(row.verified),
      soci::into(row.password_hash), soci::into(row.generation),
      soci::into(row.role_changed_at, row.role_changed_state);
  if (!sql.got_data()) return;
  const std::string mac = row.mac(cipher);
  sql << "UPDATE accounts SET mac = :mac WHERE id = :id", soci::use(mac), soci::use(id);
}

void seal_session(soci::session& sql, const FieldCipher& cipher, long long id) {
  if (has_triggers(sql)) return;
  SessionSum row;
  sql << fmt::format("SELECT {} FROM sessions WHERE id = :id", session_sum_columns), soci::use(id),
      soci::into(row.id), soci::into(row.user), soci::into(row.refresh_hash), soci::into(row.ends_at),
      soci::into(row.ended_at, row.ended_state), soci::into(row.generation);
  if (!sql.got_data()) return;
  const std::string mac = row.mac(cipher);
  sql << "UPDATE sessions SET mac = :mac WHERE id = :id", soci::use(mac), soci::use(id);
}

}  // namespace market::sql
