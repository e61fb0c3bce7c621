#include "adapters/sql/accounts.hpp"

#include <algorithm>

#include "adapters/sql/account_row.hpp"
#include "adapters/sql/mailed_code.hpp"
#include "adapters/sql/row_mac.hpp"
#include "domain/account/email.hpp"

namespace market::sql {
namespace {

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
  const long long id = account.id.value, created_at = millis_of(account.created_at),
                  generation = account.password_generation;
  const std::string index = cipher.blind_index(email_key(account.email));
  const std::string email = cipher.encrypt(account.email, context_of("email", id));
  const std::string name = cipher.encrypt(account.name, context_of("name", id));
  OptionalField phone(cipher, account.phone, "phone", id), address(cipher, account.address, "address", id);
  const std::string role(text_of(account.role));
  const int verified = account.email_verified ? 1 : 0;
  sql << "INSERT INTO accounts(id, email_index, email, name, phone, address, role, email_verified, "
         "password_hash, password_generation, created_at) VALUES(:id, :email_index, :email, :name, :phone, "
         ":address, :role, :verified, :hash, :generation, :created)",
      soci::use(id), soci::use(index), soci::use(email), soci::use(name),
      soci::use(phone.stored, phone.state), soci::use(address.stored, address.state), soci::use(role),
      soci::use(verified), soci::use(account.password_hash), soci::use(generation), soci::use(created_at);
  seal_account(sql, cipher, id);
  return {};
}

struct AccountRow {
  AccountSum sum;
  long long created_at = 0;
  std::string email, name, phone, address, mac;
  soci::indicator phone_state = soci::i_null, address_state = soci::i_null;
};

Result<Account> decrypt(const FieldCipher& cipher, const AccountRow& row) {
  std::optional<Error> wrong;
  const auto open = [&](const std::string& stored, std::string_view column) {
    auto plain = cipher.decrypt(stored, context_of(column, row.sum.id));
    if (!plain) wrong = plain.error();
    return plain ? std::move(*plain) : std::string();
  };
  Account account;
  account.id = UserId{row.sum.id};
  account.email = open(row.email, "email");
  account.name = open(row.name, "name");
  if (row.phone_state == soci::i_ok) account.phone = open(row.phone, "phone");
  if (row.address_state == soci::i_ok) account.address = open(row.address, "address");
  const auto role = parse_role(row.sum.role);
  if (!role) wrong = Error(Code::internal, "an account has a role that is not known");
  if (row.mac != row.sum.mac(cipher))
    wrong = Error(Code::internal, fmt::format("account {} was changed outside of the market", row.sum.id));
  if (wrong) return fail(*wrong);
  account.role = *role;
  if (row.sum.role_changed_state == soci::i_ok)
    account.role_changed_at = Instant(Millis(row.sum.role_changed_at));
  account.email_verified = row.sum.verified != 0;
  account.password_hash = row.sum.password_hash;
  account.password_generation = row.sum.generation;
  account.created_at = Instant(Millis(row.created_at));
  return account;
}

/// `where` has the one placeholder `:key`.
template <class Key>
Result<Account> select(soci::session& sql, const FieldCipher& cipher, std::string_view where,
                       const Key& key) {
  AccountRow row;
  AccountSum& sum = row.sum;
  sql << fmt::format("SELECT {}, email, name, phone, address, created_at, mac FROM accounts WHERE {}",
                     account_sum_columns, where),
      soci::use(key), soci::into(sum.id), soci::into(sum.email_index), soci::into(sum.role),
      soci::into(sum.verified), soci::into(sum.password_hash), soci::into(sum.generation),
      soci::into(sum.role_changed_at, sum.role_changed_state), soci::into(row.email), soci::into(row.name),
      soci::into(row.phone, row.phone_state), soci::into(row.address, row.address_state),
      soci::into(row.created_at), soci::into(row.mac);
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
  return select_account(sql, cipher, id);
}

Result<bool> verify_by(soci::session& sql, const FieldCipher& cipher, const MailedCode& tried,
                       long long now) {
  const auto right = try_code(sql, tried, now);
  if (!right || !*right) return right;
  const auto account = select_account(sql, cipher, tried.email_index);
  if (!account && account.error().code == Code::not_found) return false;  // It proves nothing.
  if (!account) return fail(account.error());
  sql << "UPDATE accounts SET email_verified = 1 WHERE email_index = :email", soci::use(tried.email_index);
  seal_account(sql, cipher, account->id.value);
  return true;
}

Result<std::vector<RoleChange>> select_role_changes(soci::session& sql, long long since) {
  long long id = 0, changed_at = 0;
  std::string role;
  soci::statement rows =
      (sql.prepare << "SELECT id, role, role_changed_at FROM accounts WHERE role_changed_at >= :since",
       soci::use(since), soci::into(id), soci::into(role), soci::into(changed_at));
  std::vector<RoleChange> found;
  rows.execute();
  while (rows.fetch()) {
    const auto known = parse_role(role);
    if (!known) return fail(Code::internal, "an account has a role that is not known");
    found.push_back({UserId{id}, *known, Instant(Millis(changed_at))});
  }
  return found;
}

}  // namespace

Result<Account> select_account(soci::session& sql, const FieldCipher& cipher, long long id) {
  return select(sql, cipher, "id = :key", id);
}

Result<Account> select_account(soci::session& sql, const FieldCipher& cipher,
                               const std::string& email_index) {
  return select(sql, cipher, "email_index = :key", email_index);
}

bool is_locked(soci::session& sql, long long user) {
  int one = 0;
  sql << "SELECT 1 FROM locked_accounts WHERE user_id = :id", soci::use(user), soci::into(one);
  return sql.got_data();
}

Result<> expect_admin(soci::session& sql, const FieldCipher& cipher, UserId admin) {
  const long long id = admin.value;
  const auto account = select_account(sql, cipher, id);
  if (!account && account.error().code != Code::not_found) return fail(account.error());
  if (!account || account->role != Role::admin || is_locked(sql, id))
    return fail(Code::forbidden, "who asks is no administrator any more");
  return {};
}

Task<> SqlAccounts::create_all(std::vector<Account> accounts) {
  return database_.write([this, accounts = std::move(accounts)](soci::session& sql) -> Result<> {
    for (const Account& account : accounts) {
      const auto inserted = insert(sql, cipher_, account);
      if (!inserted) return inserted;
    }
    return {};
  });
}

Task<> SqlAccounts::create(Account account, std::optional<VerificationCode> code) {
  std::optional<MailedCode> stored;
  if (code) stored.emplace(cipher_, verification, account.email, code->code, code->ends_at);
  return database_.write(
      [this, account = std::move(account), stored = std::move(stored)](soci::session& sql) -> Result<> {
        const auto inserted = insert(sql, cipher_, account);
        if (!inserted || !stored) return inserted;
        return store_code(sql, *stored, millis_of(account.created_at));
      });
}

Task<Account> SqlAccounts::find(UserId id) {
  return database_.read([this, key = static_cast<long long>(id.value)](soci::session& sql) {
    return select_account(sql, cipher_, key);
  });
}

Task<Account> SqlAccounts::find_by_email(std::string email) {
  return database_.read([this, index = cipher_.blind_index(email_key(email))](soci::session& sql) {
    return select_account(sql, cipher_, index);
  });
}

Task<Account> SqlAccounts::update(UserId id, AccountPatch patch) {
  return database_.write([this, key = static_cast<long long>(id.value), patch = std::move(patch)](
                             soci::session& sql) { return patch_account(sql, cipher_, key, patch); });
}

Task<Account> SqlAccounts::set_role(UserId admin, UserId id, Role role, Instant now) {
  return database_.write([this, admin, key = static_cast<long long>(id.value),
                          name = std::string(text_of(role)),
                          at = millis_of(now)](soci::session& sql) -> Result<Account> {
    if (const auto may = expect_admin(sql, cipher_, admin); !may) return fail(may.error());
    auto known = select_account(sql, cipher_, key);
    if (!known) return known;
    // The instance of the change before may have had a clock ahead of ours.
    const long long later = std::max<long long>(at, millis_of(known->role_changed_at) + 1);
    sql << "UPDATE accounts SET role = :role, role_changed_at = :at WHERE id = :id AND role <> :role",
        soci::use(name, "role"), soci::use(later, "at"), soci::use(key, "id");
    seal_account(sql, cipher_, key);
    return select_account(sql, cipher_, key);
  });
}

Task<std::vector<RoleChange>> SqlAccounts::roles_changed_since(Instant since) {
  return database_.read([at = millis_of(since)](soci::session& sql) { return select_role_changes(sql, at); });
}

Task<> SqlAccounts::store_verification(std::string email, VerificationCode code, Instant now) {
  return database_.write([stored = MailedCode(cipher_, verification, email, code.code, code.ends_at),
                          at = millis_of(now)](soci::session& sql) { return store_code(sql, stored, at); });
}

Task<bool> SqlAccounts::verify_email(std::string email, std::string code, Instant now) {
  return database_.write(
      [this, tried = MailedCode(cipher_, verification, email, code, now + tries_life),
       at = millis_of(now)](soci::session& sql) { return verify_by(sql, cipher_, tried, at); });
}

}  // namespace market::sql
