#pragma once
/// main.db: the ordinary rows (adapters/sql/main_database.hpp) in a file of this process. One writing
/// session, a few reading ones; a commit is on the disk when it returns. Heavy (includes SOCI), for .cpp
/// files and apps.

#include <memory>
#include <mutex>
#include <string>

#include "adapters/files/files.hpp"
#include "adapters/sql/main_database.hpp"
#include "adapters/sql/shared.hpp"
#include "adapters/sqlite/sql_session.hpp"
#include "ports/field_cipher.hpp"

namespace market::sqlite {

class MainDatabase final : public sql::MainDatabase {
 public:
  /// Opens or makes the file. `pool` is stopped before this ends, and `cipher` outlives it. Errors: throws
  /// std::runtime_error, also when what is stored cannot be read with this cipher's keys.
  MainDatabase(const std::string& path, BlockingPool& pool, unsigned readers, const FieldCipher& cipher);

  bool files_in_place() const override { return files_.in_place(); }

 private:
  Result<> run_write(const std::function<bool(soci::session&)>& change) override;
  Result<> run_read(const std::function<void(soci::session&)>& read) override;

  std::mutex writing_;
  std::unique_ptr<soci::session> writer_;
  sql::Shared<soci::session> readers_;
  files::DatabaseFiles files_;
};

}  // namespace market::sqlite
