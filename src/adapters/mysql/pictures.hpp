#pragma once
/// ports/pictures.hpp as rows of MySQL or MariaDB, so that each instance can show what another has stored;
/// what was seen once is served from this instance's own files.

#include "adapters/mysql/sessions.hpp"
#include "ports/pictures.hpp"

namespace market::mysql {

class MysqlPictures final : public Pictures {
 public:
  /// `own`: files of this instance. `pool` is stopped before this ends.
  MysqlPictures(const Server& server, Pictures& own, BlockingPool& pool, unsigned sessions)
      : sessions_(server, sessions), own_(own), pool_(pool) {}
  Task<std::string> store(std::shared_ptr<const std::string> bytes) override;
  Task<std::string> load(std::string hash) override;

 private:
  Sessions sessions_;
  Pictures& own_;
  BlockingPool& pool_;
};

}  // namespace market::mysql
