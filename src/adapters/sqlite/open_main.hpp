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

}  // namespace market::sqlite
