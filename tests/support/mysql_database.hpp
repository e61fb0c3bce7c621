#pragma once
/// A database of one test on the shared MariaDB.

#include <unistd.h>

#include <atomic>
#include <random>

#include "adapters/mysql/session.hpp"
#include "tests/support/engines.hpp"

namespace market::tests {

class MysqlDatabase {
 public:
  MysqlDatabase() {
    static std::atomic<int> made{0};
    server_ = *mysql::parse_server("mysql://" + engine("MYSQL_USER") + ":" + engine("MYSQL_PASSWORD") + "@" +
                                   engine("MYSQL") + "/market");
    name_ = "market_test_" + std::to_string(::getpid()) + "_" + std::to_string(++made) + "_" +
            std::to_string(std::random_device()());
    mysql::Session(server_).execute("CREATE DATABASE " + name_);
  }
  ~MysqlDatabase() {
    try {
      mysql::Session(server_).execute("DROP DATABASE " + name_);
    } catch (const std::exception&) {  // It goes with the engine.
    }
  }
  MysqlDatabase(const MysqlDatabase&) = delete;
  MysqlDatabase& operator=(const MysqlDatabase&) = delete;

  mysql::Server server() const {
    mysql::Server own = server_;
    own.database = name_;
    return own;
  }

 private:
  mysql::Server server_;
  std::string name_;
};

}  // namespace market::tests
