#pragma once
/// What MySQL or MariaDB held at one moment, read for as long as that takes, while others go on writing.

#include "adapters/mysql/session.hpp"

namespace market::apps {

class RowsOfOneMoment {
 public:
  /// Throws std::runtime_error: no market is there, or one of another program's schema.
  explicit RowsOfOneMoment(const mysql::Server& server);
  mysql::Session& session() { return session_; }

 private:
  mysql::Session session_;
};

}  // namespace market::apps
