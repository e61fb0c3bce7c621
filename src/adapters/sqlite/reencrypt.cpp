#include "adapters/sqlite/reencrypt.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "adapters/sqlite/main_database.hpp"

namespace market::sqlite {
namespace {

/// Every column that FieldCipher has written; its context is table, column and id.
struct EncryptedColumn {
  const char *table, *column;
};
constexpr EncryptedColumn encrypted[] = {
    {"accounts", "email"},  {"accounts", "name"},
    {"accounts", "phone"},  {"accounts", "address"},
    {"mails", "recipient"}, {"mails", "subject"},
    {"mails", "body"},      {"webhooks", "url"},
    {"webhooks", "secret"}, {"webhooks", "previous_secret"},
};

struct Value {
  long long id;
  std::string stored;
};

/// Some of those that another key has written, in the order of their ids.
std::vector<Value> old_values(soci::session& sql, const EncryptedColumn& at, const std::string& newest,
                              long long after) {
  constexpr int page = 1'000;
  Value value{};
  const std::string of_newest = newest + ".%";
  soci::statement rows =
      (sql.prepare << fmt::format("SELECT id, {1} FROM {0} WHERE id > :after AND {1} IS NOT NULL "
                                  "AND {1} <> '' AND {1} NOT LIKE :newest ORDER BY id LIMIT {2}",
                                  at.table, at.column, page),
       soci::use(after), soci::use(of_newest), soci::into(value.id), soci::into(value.stored));
  std::vector<Value> found;
  rows.execute();
  while (rows.fetch()) found.push_back(value);
  return found;
}

Result<std::int64_t> reencrypt_column(soci::session& sql, const FieldCipher& cipher,
                                      const EncryptedColumn& at, const std::string& newest) {
  std::int64_t count = 0;
  for (long long after = 0;;) {
    const auto values = old_values(sql, at, newest, after);
    if (values.empty()) return count;
    for (const Value& value : values) {
      const std::string context = fmt::format("{}.{}.{}", at.table, at.column, value.id);
      const auto plain = cipher.decrypt(value.stored, context);
      if (!plain)
        return fail(Code::internal,
                    fmt::format("{} {} of id {}: {}", at.table, at.column, value.id, plain.error().detail));
      const std::string now = cipher.encrypt(*plain, context);
      sql << fmt::format("UPDATE {0} SET {1} = :now WHERE id = :id", at.table, at.column), soci::use(now),
          soci::use(value.id);
    }
    count += static_cast<std::int64_t>(values.size());
    after = values.back().id;
  }
}

}  // namespace

std::int64_t reencrypt(MainDatabase& database, const FieldCipher& cipher, const std::string& newest) {
  const auto done = database.write_now([&](soci::session& sql) -> Result<std::int64_t> {
    std::int64_t count = 0;
    for (const EncryptedColumn& at : encrypted) {
      const auto some = reencrypt_column(sql, cipher, at, newest);
      if (!some) return some;
      count += *some;
    }
    return count;
  });
  if (!done) throw std::runtime_error(done.error().detail);
  return *done;
}

}  // namespace market::sqlite
