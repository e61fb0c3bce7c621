#pragma once
/// Opens main.db for callers that must not see SOCI (its header and <sqlite3.h> exclude each other).

#include <memory>
#include <string>

#include "base/task.hpp"

namespace market::sqlite {

class MainDatabase;
/// `pool` is stopped before the answer ends. Errors: throws std::runtime_error with one line.
std::shared_ptr<MainDatabase> open_main_database(const std::string& path, BlockingPool& pool,
                                                 unsigned readers);
/// False when its file was deleted, moved away, replaced or made read-only below us.
bool is_in_place(const MainDatabase& database);

}  // namespace market::sqlite
