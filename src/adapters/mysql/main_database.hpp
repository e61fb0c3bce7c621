#pragma once
/// The ordinary rows (adapters/sql/main_database.hpp) in MySQL or MariaDB, shared by several instances. One
/// change at a time over all of them, by the lock of one row: a change may rest on what it has read, as in
/// main.db (docs/decisions/0033-ordinary-rows-on-mysql.md).

#include <memory>

#include "adapters/mysql/session.hpp"
#include "base/task.hpp"
#include "ports/field_cipher.hpp"

namespace soci {
class session;
}
namespace market::sql {
class MainDatabase;
}

namespace market::mysql {

/// Brings the tables up to date. `pool` is stopped before the answer ends, and `cipher` outlives it. Throws
/// std::runtime_error with one line.
std::shared_ptr<sql::MainDatabase> open_main_database(const Server& server, BlockingPool& pool,
                                                      unsigned sessions, const FieldCipher& cipher);

/// One connection. With `tls_ca` nothing is sent in plain text, nor to another host. Throws soci::soci_error.
std::unique_ptr<soci::session> soci_session(const Server& server);

}  // namespace market::mysql
