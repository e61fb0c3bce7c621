#pragma once
/// Opens main.db for callers that must not see SOCI (its header and <sqlite3.h> exclude each other).

#include <map>
#include <memory>
#include <string>

#include "adapters/sql/main_identity.hpp"
#include "base/task.hpp"
#include "ports/field_cipher.hpp"

namespace market::sqlite {

/// `pool` is stopped before the answer ends, and `cipher` outlives it. Errors: throws std::runtime_error with
/// one line.
std::shared_ptr<sql::MainDatabase> open_main_database(const std::string& path, BlockingPool& pool,
                                                      unsigned readers, const FieldCipher& cipher);
/// Whether a start would refuse this file and these keys, while a server uses them. Throws.
void verify_main_database(const std::string& path, const FieldCipher& cipher,
                          const std::map<std::string, std::string>& key_checks);

}  // namespace market::sqlite
