#pragma once
/// The log of a store or a backup that is only looked at.

#include "adapters/files/read_only_folder.hpp"
#include "adapters/sqlite/database.hpp"
#include "ports/log.hpp"

namespace market::sqlite {

/// ports/log.hpp for reading alone.
class SqliteLogView final : public Log {
 public:
  /// Throws std::runtime_error with one line, as SqliteLog does.
  explicit SqliteLogView(files::ReadOnlyFolder& folder);
  /// Of a store that may be running: each read() sees what was committed by then.
  explicit SqliteLogView(const std::filesystem::path& log);
  Result<Offset> append(std::string_view record) override;
  Result<> read(Offset from, const std::function<bool(Offset, std::string_view)>& each) override;
  Result<Offset> end() override;

 private:
  std::string name_;
  Database db_;
  Offset last_ = 0;
  bool may_grow_ = false;
};

}  // namespace market::sqlite
