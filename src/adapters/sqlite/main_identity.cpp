// Which store main.db belongs to, and by which keys it was written (open_main.hpp).
#include <stdexcept>

#include "adapters/sqlite/main_database.hpp"
#include "adapters/sqlite/main_schema.hpp"
#include "adapters/sqlite/open_main.hpp"

namespace market::sqlite {

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

}  // namespace

StoreIdentity identity_of(MainDatabase& database) {
  auto identity = database.read_now(select_identity);
  if (!identity) throw std::runtime_error(identity.error().detail);
  return std::move(*identity);
}

void set_identity(MainDatabase& database, const StoreIdentity& identity) {
  const auto stored =
      database.write_now([&identity](soci::session& sql) { return store_identity(sql, identity); });
  if (!stored) throw std::runtime_error(stored.error().detail);
}

}  // namespace market::sqlite
