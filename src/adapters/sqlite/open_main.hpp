#pragma once
/// Opens main.db for callers that must not see SOCI (its header and <sqlite3.h> exclude each other).

#include <map>
#include <memory>
#include <string>

#include "base/task.hpp"
#include "domain/sale/event.hpp"
#include "ports/field_cipher.hpp"

namespace market::sqlite {

class MainDatabase;
/// `pool` is stopped before the answer ends, and `cipher` outlives it. Errors: throws std::runtime_error with
/// one line.
std::shared_ptr<MainDatabase> open_main_database(const std::string& path, BlockingPool& pool,
                                                 unsigned readers, const FieldCipher& cipher);
/// False when its file was deleted, moved away, replaced or made read-only below us.
bool is_in_place(const MainDatabase& database);

/// The store that main.db belongs to, by the id of its log, and a check value of each key by the name of its
/// file. Empty in a file from before there were any.
struct StoreIdentity {
  LogId store;
  std::map<std::string, std::string> key_checks;
  friend bool operator==(const StoreIdentity&, const StoreIdentity&) = default;
};
/// Whether a start would refuse this file and these keys, while a server uses them. Throws.
void verify_main_database(const std::string& path, const FieldCipher& cipher,
                          const std::map<std::string, std::string>& key_checks);
/// For a start. Errors: throw std::runtime_error.
StoreIdentity identity_of(MainDatabase& database);
/// The greatest id of an account, a session or a line of the audit log; 0: none. For a start, as well.
std::int64_t greatest_id_in(MainDatabase& database);
void set_identity(MainDatabase& database, const StoreIdentity& identity);

}  // namespace market::sqlite
