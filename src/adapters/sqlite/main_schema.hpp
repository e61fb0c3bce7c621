#pragma once
/// The tables of main.db. Heavy (includes SOCI), for .cpp files.

#include <string>

#include "adapters/sqlite/sql_session.hpp"

namespace market::sqlite {

/// As migrate() and expect_known_schema() of sql_session.hpp.
void migrate_main(soci::session& sql, const std::string& path);
FoundSchema expect_main_schema(soci::session& sql, const std::string& path);

}  // namespace market::sqlite
