#include "adapters/sql/main_identity.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "adapters/sql/account_row.hpp"
#include "adapters/sql/main_database.hpp"
#include "domain/account/email.hpp"

namespace market::sql {

Result<StoreIdentity> select_identity(soci::session& sql) {
  StoreIdentity identity;
  long long hi = 0, lo = 0;
  sql << "SELECT id_hi, id_lo FROM store", soci::into(hi), soci::into(lo);
  if (sql.got_data())
    identity.store = LogId{static_cast<std::uint64_t>(hi), static_cast<std::uint64_t>(lo), 0};
  std::string name, value;
  soci::statement rows =
      (sql.prepare << "SELECT name, value FROM key_checks", soci::into(name), soci::into(value));
  rows.execute();
  while (rows.fetch()) identity.key_checks.emplace(name, value);
  return identity;
}

namespace {

Result<> store_identity(soci::session& sql, const StoreIdentity& identity) {
  const auto hi = static_cast<long long>(identity.store.hi), lo = static_cast<long long>(identity.store.lo);
  sql << "REPLACE INTO store(only_row, id_hi, id_lo) VALUES(1, :hi, :lo)", soci::use(hi), soci::use(lo);
  sql << "DELETE FROM key_checks";
  for (const auto& [name, value] : identity.key_checks)
    sql << "INSERT INTO key_checks(name, value) VALUES(:name, :value)", soci::use(name), soci::use(value);
  return {};
}

/// `known` with what it lacks of `mine`; as it is when a key is another.
StoreIdentity completed(const StoreIdentity& known, const StoreIdentity& mine) {
  StoreIdentity claimed = known;
  if (!claimed.store) claimed.store = mine.store;
  for (const auto& [name, value] : mine.key_checks)
    if (claimed.key_checks.emplace(name, value).first->second != value) return known;
  return claimed;
}

Result<StoreIdentity> claim(soci::session& sql, const StoreIdentity& mine) {
  const auto known = select_identity(sql);
  if (!known) return known;
  StoreIdentity claimed = completed(*known, mine);
  if (claimed != *known)
    if (const auto stored = store_identity(sql, claimed); !stored) return fail(stored.error());
  return claimed;
}

}  // namespace

StoreIdentity identity_of(MainDatabase& database) {
  auto identity = database.read_now(select_identity);
  if (!identity) throw std::runtime_error(identity.error().detail);
  return std::move(*identity);
}

std::int64_t greatest_id_in(MainDatabase& database) {
  const auto found = database.read_now([](soci::session& sql) -> Result<long long> {
    long long id = 0;
    sql << "SELECT max(id) FROM (SELECT coalesce(max(id), 0) AS id FROM accounts UNION ALL SELECT "
           "coalesce(max(id), 0) FROM sessions UNION ALL SELECT coalesce(max(id), 0) FROM audit) AS some",
        soci::into(id);
    return id;
  });
  if (!found) throw std::runtime_error(found.error().detail);
  return *found;
}

void set_identity(MainDatabase& database, const StoreIdentity& identity) {
  const auto stored =
      database.write_now([&identity](soci::session& sql) { return store_identity(sql, identity); });
  if (!stored) throw std::runtime_error(stored.error().detail);
}

StoreIdentity claim_identity(MainDatabase& database, const StoreIdentity& mine) {
  // Nothing is locked when nothing is to be written: the server may be read-only for a while. Who is read
  // with a store is read with its keys, too: they were written at once.
  StoreIdentity known = identity_of(database);
  if (known.store && completed(known, mine) == known) return known;
  auto there = database.write_now([&mine](soci::session& sql) { return claim(sql, mine); });
  if (!there) throw std::runtime_error(there.error().detail);
  return std::move(*there);
}

bool is_in_place(const MainDatabase& database) {
  return database.files_in_place();
}

void expect_field_keys(soci::session& sql, const std::string& where, const FieldCipher& cipher) {
  long long id = 0;
  std::string email, index;
  sql << "SELECT id, email, email_index FROM accounts LIMIT 1", soci::into(id), soci::into(email),
      soci::into(index);
  if (!sql.got_data()) return;
  const auto plain = cipher.decrypt(email, context_of("email", id));
  if (plain && cipher.blind_index(email_key(*plain)) == index) return;
  throw std::runtime_error(
      fmt::format("{} cannot be read with keys/{}: it is the key of another store; put the right one back",
                  where, plain ? "field-index" : "field-encryption"));
}

}  // namespace market::sql
