#pragma once
/// Which store the ordinary rows belong to, for callers that must not see SOCI (its header and <sqlite3.h>
/// exclude each other).

#include <map>
#include <memory>
#include <string>

#include "domain/sale/event.hpp"
#include "ports/field_cipher.hpp"

namespace soci {
class session;
}

namespace market::sql {

class MainDatabase;
/// False when its file was deleted, moved away, replaced or made read-only below us.
bool is_in_place(const MainDatabase& database);

/// The store that the rows belong to, by the id of its log, and a check value of each key by the name of its
/// file. Empty in a file from before there were any.
struct StoreIdentity {
  LogId store;
  std::map<std::string, std::string> key_checks;
  friend bool operator==(const StoreIdentity&, const StoreIdentity&) = default;
};
/// For a start. Errors: throw std::runtime_error.
StoreIdentity identity_of(MainDatabase& database);
/// The greatest id of an account, a session or a line of the audit log; 0: none. For a start, as well.
std::int64_t greatest_id_in(MainDatabase& database);
void set_identity(MainDatabase& database, const StoreIdentity& identity);
/// Of several that start on one database, all are told what the first has said: gives the rows the store of
/// `mine` where they have none, and the key checks that they lack, in one step. A store that is there stays;
/// nothing is written where one of the keys is another. Answers what is there then. Errors: throw
/// std::runtime_error.
StoreIdentity claim_identity(MainDatabase& database, const StoreIdentity& mine);
Result<StoreIdentity> select_identity(soci::session& sql);

/// Rows that other keys have written would be unreadable, and the same address could be taken twice. Throws
/// std::runtime_error that names the key; `where` is what holds the rows.
void expect_field_keys(soci::session& sql, const std::string& where, const FieldCipher& cipher);

}  // namespace market::sql
