#include "adapters/sqlite/accounts.hpp"

#include <fmt/format.h>

#include "adapters/sqlite/main_database.hpp"

namespace market::sqlite {
namespace {

constexpr int verification_tries_max = 5;

long long millis_of(Instant at) {
  return at.time_since_epoch().count();
}

std::string lower_case(std::string_view email) {
  std::string lower(email);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string context_of(std::string_view column, long long user) {
  return fmt::format("accounts.{}.{}", column, user);
}

/// An optional personal value as SOCI takes it.
struct OptionalField {
  OptionalField(const FieldCipher& cipher, const std::optional<std::string>& plain, std::string_view column,
                long long user)
      : state(plain ? soci::i_ok : soci::i_null) {
    if (plain) stored = cipher.encrypt(*plain, context_of(column, user));
  }
  std::string stored;
  soci::indicator state;
};

Result<> insert(soci::session& sql, const FieldCipher& cipher, const Account& account) {
  const long long id = account.id.value, created_at = millis_of(account.created_at);
  const std::string index = cipher.blind_index(lower_case(account.email));
  const std::string email = cipher.encrypt(account.email, context_of("email", id));
  const std::string name = cipher.encrypt(account.name, context_of("name", id));
  OptionalField phone(cipher, account.phone, "phone", id), address(cipher, account.address, "address", id);
  const std::string role(text_of(account.role));
  const int verified = account.email_verified ? 1 : 0;
  sql << "INSERT INTO accounts(id, email_index, email, name, phone, address, role, email_verified, "
         "password_hash, "
         "created_at) VALUES(:id, :email_index, :email, :name, :phone, :address, :role, :verified, :hash, "
         ":created)",
      soci::use(id), soci::use(index), soci::use(email), soci::use(name),
      soci::use(phone.stored, phone.state), soci::use(address.stored, address.state), soci::use(role),
      soci::use(verified), soci::use(account.password_hash), soci::use(created_at);
  return {};
}

struct AccountRow {
  long long id = 0, created_at = 0;
  std::string email, name, phone, address, role, password_hash;
  soci::indicator phone_state = soci::i_null, address_state = soci::i_null;
  int verified = 0;
};

Result<Account> decrypt(const FieldCipher& cipher, const AccountRow& row) {
  std::optional<Error> wrong;
  const auto open = [&](const std::string& stored, std::string_view column) {
    auto plain = cipher.decrypt(stored, context_of(column, row.id));
    if (!plain) wrong = plain.error();
    return plain ? std::move(*plain) : std::string();
  };
  Account account;
  account.id = UserId{row.id};
  account.email = open(row.email, "email");
  account.name = open(row.name, "name");
  if (row.phone_state == soci::i_ok) account.phone = open(row.phone, "phone");
  if (row.address_state == soci::i_ok) account.address = open(row.address, "address");
  const auto role = parse_role(row.role);
  if (!role) wrong = Error(Code::internal, "an account has a role that is not known");
  if (wrong) return fail(*wrong);
  account.role = *role;
  account.email_verified = row.verified != 0;
  account.password_hash = row.password_hash;
  account.created_at = Instant(Millis(row.created_at));
  return account;
}

/// `where` has the one placeholder `:key`.
template <class Key>
Result<Account> select(soci::session& sql, const FieldCipher& cipher, std::string_view where,
                       const Key& key) {
  AccountRow row;
  sql << fmt::format(
      "SELECT id, email, name, phone, address, role, email_verified, password_hash, created_at "
      "FROM accounts WHERE {}",
      where),
      soci::use(key), soci::into(row.id), soci::into(row.email), soci::into(row.name),
      soci::into(row.phone, row.phone_state), soci::into(row.address, row.address_state),
      soci::into(row.role), soci::into(row.verified), soci::into(row.password_hash),
      soci::into(row.created_at);
  if (!sql.got_data()) return fail(Code::not_found, "there is no such account");
  return decrypt(cipher, row);
}

Result<> set_text(soci::session& sql, std::string_view column, long long id, const std::string& value,
                  soci::indicator state = soci::i_ok) {
  soci::statement change =
      (sql.prepare << fmt::format("UPDATE accounts SET {} = :value WHERE id = :id", column),
       soci::use(value, state), soci::use(id));
  change.execute(true);
  if (change.get_affected_rows() == 0) return fail(Code::not_found, "there is no such account");
  return {};
}

Result<Account> patch_account(soci::session& sql, const FieldCipher& cipher, long long id,
                              const AccountPatch& patch) {
  if (patch.name) {
    const auto changed = set_text(sql, "name", id, cipher.encrypt(*patch.name, context_of("name", id)));
    if (!changed) return fail(changed.error());
  }
  const auto set_optional = [&](const auto& sent, std::string_view column) -> Result<> {
    if (!sent) return {};
    const OptionalField field(cipher, *sent, column, id);
    return set_text(sql, column, id, field.stored, field.state);
  };
  if (const auto changed = set_optional(patch.phone, "phone"); !changed) return fail(changed.error());
  if (const auto changed = set_optional(patch.address, "address"); !changed) return fail(changed.error());
  return select(sql, cipher, "id = :key", id);
}

Result<bool> count_try(soci::session& sql, long long user, const std::string& code_hash, long long now) {
  soci::statement count =
      (sql.prepare << "UPDATE verifications SET tries = tries + 1 WHERE user_id = :user AND "
                      "tries < :most",
       soci::use(user), soci::use(verification_tries_max));
  count.execute(true);
  std::string stored;
  long long ends_at = 0;
  sql << "SELECT code_hash, ends_at FROM verifications WHERE user_id = :user", soci::use(user),
      soci::into(stored), soci::into(ends_at);
  if (!sql.got_data()) return fail(Code::not_found, "no code was sent to this account");
  if (count.get_affected_rows() == 0) return fail(Code::rate_limited, "this code was tried too often");
  if (stored != code_hash || ends_at <= now) return false;
  sql << "DELETE FROM verifications WHERE user_id = :user", soci::use(user);
  return true;
}

std::string hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

}  // namespace

Task<> SqliteAccounts::create_all(std::vector<Account> accounts) {
  return database_.write([this, accounts = std::move(accounts)](soci::session& sql) -> Result<> {
    for (const Account& account : accounts) {
      const auto inserted = insert(sql, cipher_, account);
      if (!inserted) return inserted;
    }
    return {};
  });
}

Task<> SqliteAccounts::create(Account account) {
  return database_.write(
      [this, account = std::move(account)](soci::session& sql) { return insert(sql, cipher_, account); });
}

Task<Account> SqliteAccounts::find(UserId id) {
  return database_.read([this, key = static_cast<long long>(id.value)](soci::session& sql) {
    return select(sql, cipher_, "id = :key", key);
  });
}

Task<Account> SqliteAccounts::find_by_email(std::string email) {
  return database_.read([this, index = cipher_.blind_index(lower_case(email))](soci::session& sql) {
    return select(sql, cipher_, "email_index = :key", index);
  });
}

Task<Account> SqliteAccounts::update(UserId id, AccountPatch patch) {
  return database_.write([this, key = static_cast<long long>(id.value), patch = std::move(patch)](
                             soci::session& sql) { return patch_account(sql, cipher_, key, patch); });
}

Task<> SqliteAccounts::set_password_hash(UserId id, std::string hash) {
  return database_.write([key = static_cast<long long>(id.value), hash = std::move(hash)](
                             soci::session& sql) { return set_text(sql, "password_hash", key, hash); });
}

Task<> SqliteAccounts::set_email_verified(UserId id) {
  return database_.write([key = static_cast<long long>(id.value)](soci::session& sql) {
    return set_text(sql, "email_verified", key, "1");  // The column's affinity makes it a number.
  });
}

Task<> SqliteAccounts::store_verification(UserId id, std::string code_hash, Instant ends_at) {
  return database_.write([user = static_cast<long long>(id.value), code = hex(code_hash),
                          end = millis_of(ends_at)](soci::session& sql) -> Result<> {
    sql << "REPLACE INTO verifications(user_id, code_hash, ends_at, tries) VALUES(:user, :code, :end, 0)",
        soci::use(user), soci::use(code), soci::use(end);
    return {};
  });
}

Task<bool> SqliteAccounts::try_verification(UserId id, std::string code_hash, Instant now) {
  return database_.write(
      [user = static_cast<long long>(id.value), code = hex(code_hash),
       at = millis_of(now)](soci::session& sql) { return count_try(sql, user, code, at); });
}

}  // namespace market::sqlite
