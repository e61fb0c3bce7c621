#include "adapters/sqlite/main_check.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "adapters/sql/account_row.hpp"
#include "adapters/sql/main_identity.hpp"
#include "adapters/sqlite/look.hpp"
#include "adapters/sqlite/main_schema.hpp"
#include "adapters/sqlite/row_mac.hpp"
#include "domain/account/email.hpp"

namespace market::sqlite {
namespace {

using files::CheckResults;
using files::Differences;
using sql::context_of;
using sql::StoreIdentity;

/// Whatever is encrypted must open, and nothing may have been moved from one row to another.
std::string check_fields(soci::session& sql, const FieldCipher& cipher) {
  Differences wrong;
  long long id = 0;
  std::string index, email, name, phone, address;
  soci::indicator has_phone = soci::i_null, has_address = soci::i_null;
  soci::statement rows = (sql.prepare << "SELECT id, email_index, email, name, phone, address FROM accounts",
                          soci::into(id), soci::into(index), soci::into(email), soci::into(name),
                          soci::into(phone, has_phone), soci::into(address, has_address));
  rows.execute();
  while (rows.fetch()) {
    const auto opened = [&](const std::string& stored, std::string_view column) {
      auto plain = cipher.decrypt(stored, context_of(column, id));
      if (!plain) wrong.note(fmt::format("{} of account {}: {}", column, id, plain.error().detail));
      return plain;
    };
    const auto plain = opened(email, "email");
    if (plain && cipher.blind_index(email_key(*plain)) != index)
      wrong.note(fmt::format("account {} cannot be found by its e-mail address", id));
    opened(name, "name");
    if (has_phone == soci::i_ok) opened(phone, "phone");
    if (has_address == soci::i_ok) opened(address, "address");
  }
  return wrong.text();
}

/// The same of mails; what is empty was forgotten on purpose.
std::string check_mails(soci::session& sql, const FieldCipher& cipher) {
  Differences wrong;
  long long id = 0;
  std::string recipient, subject, body;
  soci::statement rows = (sql.prepare << "SELECT id, recipient, subject, body FROM mails", soci::into(id),
                          soci::into(recipient), soci::into(subject), soci::into(body));
  rows.execute();
  while (rows.fetch())
    for (const auto& [column, stored] : {std::pair<const char*, const std::string&>{"recipient", recipient},
                                         {"subject", subject},
                                         {"body", body}}) {
      if (stored.empty()) continue;
      const auto plain = cipher.decrypt(stored, fmt::format("mails.{}.{}", column, id));
      if (!plain) wrong.note(fmt::format("{} of mail {}: {}", column, id, plain.error().detail));
    }
  return wrong.text();
}

/// Where webhooks lead: an address that was written past the market would get every order.
std::string check_webhooks(soci::session& sql, const FieldCipher& cipher) {
  Differences wrong;
  long long id = 0;
  std::string url, secret, previous;
  soci::statement rows = (sql.prepare << "SELECT id, url, secret, previous_secret FROM webhooks",
                          soci::into(id), soci::into(url), soci::into(secret), soci::into(previous));
  rows.execute();
  while (rows.fetch())
    for (const auto& [column, stored] : {std::pair<const char*, const std::string&>{"url", url},
                                         {"secret", secret},
                                         {"previous_secret", previous}}) {
      if (stored.empty() && &stored == &previous) continue;
      const auto plain = cipher.decrypt(stored, fmt::format("webhooks.{}.{}", column, id));
      if (!plain) wrong.note(fmt::format("{} of webhook {}: {}", column, id, plain.error().detail));
    }
  return wrong.text();
}

std::string first_of(soci::session& sql, const std::string& table, const std::string& condition) {
  long long count = 0, first = 0;
  soci::indicator there = soci::i_null;
  sql << fmt::format("SELECT count(*), min(id) FROM {} WHERE {}", table, condition), soci::into(count),
      soci::into(first, there);
  return count == 0 ? "" : fmt::format("{} of {}, the first with id {}", count, table, first);
}

std::string compare_keys(const StoreIdentity& known, const std::map<std::string, std::string>& found) {
  Differences wrong;
  for (const auto& [name, value] : found)
    if (const auto at = known.key_checks.find(name); at != known.key_checks.end() && at->second != value)
      wrong.note(fmt::format("keys/{} is of another store", name));
  return wrong.text();
}

/// As a start looks for them.
std::string missing_files(const StoreIdentity& known, const files::ReadOnlyFolder& folder) {
  Differences wrong;
  for (const auto& [name, value] : known.key_checks)
    if (name.ends_with(".db") && !folder.has_database(name)) wrong.note(name + ": it is missing");
  return wrong.text();
}

}  // namespace

CheckResults check_main(files::ReadOnlyFolder& folder, const FieldCipher& cipher, LogId store,
                        const std::map<std::string, std::string>& key_checks) try {
  const std::string uri = look_at(folder, "main.db");
  const auto session = open_session(uri, SessionKind::looking);
  add_row_mac(*session, cipher);
  const auto found = expect_main_schema(*session, folder.file("main.db").string());
  if (found.fresh) return {{"main.db holds accounts", "it is empty"}};
  CheckResults results{{"main.db is of this program", ""}};
  results.push_back({"main.db is whole", damage_of(uri, "main.db")});
  results.push_back({"personal data can be read", check_fields(*session, cipher)});
  // Those of an account that was ended stay until their access tokens have ended.
  results.push_back(
      {"each session is of an account",
       first_of(*session, "sessions", "ended_at IS NULL AND user_id NOT IN (SELECT id FROM accounts)")});
  constexpr int with_sums = 6, with_mails = 9, with_webhooks = 10, with_owners = 12;
  if (found.version < with_sums) {  // An older file, whole: the next start brings it up to date.
    results.push_back({fmt::format("main.db has schema {}, older than this program's", found.version), ""});
    return results;
  }
  results.push_back({"nobody's rights were changed past the market",
                     first_of(*session, "accounts", fmt::format("mac <> {}", account_mac))});
  results.push_back({"no session was changed past the market",
                     first_of(*session, "sessions", fmt::format("mac <> {}", session_mac))});
  if (found.version >= with_mails)
    results.push_back({"mails that wait can be read", check_mails(*session, cipher)});
  if (found.version >= with_webhooks)
    results.push_back({"no webhook was changed past the market", check_webhooks(*session, cipher)});
  if (found.version >= with_owners)
    results.push_back({"no webhook was given to another",
                       first_of(*session, "webhooks", "owner_mac <> row_mac('webhooks', id, owner_id)")});
  const auto identity = sql::select_identity(*session);
  if (!identity) return {{"main.db can be read", identity.error().detail}};
  const bool same = !store || !identity->store || identity->store == store;
  results.push_back({"main.db belongs to this log", same ? "" : "it is of another store"});
  results.push_back({"the keys are those of this store", compare_keys(*identity, key_checks)});
  results.push_back({"the files that main.db knows are there", missing_files(*identity, folder)});
  return results;
} catch (const std::exception& error) {
  return {{"main.db can be read", plain_reason(error)}};
}

}  // namespace market::sqlite
