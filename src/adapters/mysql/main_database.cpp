#include "adapters/mysql/main_database.hpp"

#include <fmt/format.h>
#include <soci/mysql/soci-mysql.h>

#include <random>
#include <stdexcept>
#include <thread>

#include "adapters/mysql/schema.hpp"
#include "adapters/sql/main_database.hpp"
#include "adapters/sql/main_identity.hpp"
#include "adapters/sql/row_mac.hpp"
#include "adapters/sql/shared.hpp"

namespace market::mysql {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int tries_max = 4;  ///< Of a change that met a deadlock, a lock or the end of its connection.

/// A value of SOCI's connection string; it knows no escapes.
std::string parameter(std::string_view value) {
  if (value.find('\'') != std::string_view::npos)
    throw std::runtime_error("accounts.mysql: its parts must not have a single quotation mark");
  return fmt::format("'{}'", value);
}

std::string soci_parameters(const Server& server) {
  const auto seconds = [](Millis time) {
    return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(time).count());
  };
  // SOCI passes neither the protocol (session.cpp) nor the wish to verify the server on, but libmariadb takes
  // options of its own in the host.
  const auto host =
      fmt::format("host={{{}}};protocol={}{}", server.host, static_cast<unsigned>(MYSQL_PROTOCOL_TCP),
                  server.tls_ca.empty() ? "" : ";ssl-verify-server-cert=1");
  // Bytes are bytes: what a browser calls itself need not be UTF-8.
  std::string text = fmt::format(
      "host={} port={} dbname={} user={} password={} charset=binary connect_timeout={} read_timeout={} "
      "write_timeout={}",
      parameter(host), server.port, parameter(server.database), parameter(server.user),
      parameter(server.password), seconds(server.connect_time_max), seconds(server.answer_time_max),
      seconds(server.answer_time_max));
  if (!server.tls_ca.empty()) text += fmt::format(" sslca={}", parameter(server.tls_ca));
  return text;
}

}  // namespace

std::unique_ptr<soci::session> soci_session(const Server& server) {
  return std::make_unique<soci::session>(*soci::factory_mysql(), soci_parameters(server));
}

namespace {

/// In the words of session.hpp. SOCI repeats the whole statement, values and all; the reason alone is told.
Failure failure_of(const soci::soci_error& error) {
  const auto* known = dynamic_cast<const soci::mysql_soci_error*>(&error);
  return Failure(known == nullptr ? 0 : known->err_num_, "MySQL: " + error.get_error_message());
}

Error write_error(const Failure& failure) {
  const std::string_view text = failure.what();
  const auto key = text.find("for key");
  if (failure.is_duplicate() && key != std::string_view::npos &&
      text.find("email_index", key) != std::string_view::npos)
    return Error(Code::email_taken, "an account with this e-mail address exists");
  return error_of(failure, "cannot write the accounts' database");
}

void pause_before_retry(int tried) {
  thread_local std::minstd_rand random(std::random_device{}());
  std::this_thread::sleep_for(Millis(static_cast<std::int64_t>(5 + random() % 20u) * tried));
}

/// A connection that is made when it is needed, and anew when it was lost.
class Connection {
 public:
  explicit Connection(const Server& server) : server_(server) {}
  soci::session& use() {
    constexpr std::chrono::seconds idle{1};  // The server may have ended it meanwhile.
    const auto now = Steady::now();
    if (sql_ && now - used_at_ > idle && !sql_->is_connected()) sql_.reset();
    if (!sql_) {
      auto made = soci_session(server_);
      for (const auto& setting : wanted_settings())
        if (!try_to(*made, setting.sql) && setting.instead != nullptr) try_to(*made, setting.instead);
      for (const auto& setting : session_settings()) set(*made, setting);
      sql_ = std::move(made);
    }
    used_at_ = now;
    return *sql_;
  }
  void drop() { sql_.reset(); }
  void roll_back() try {
    if (sql_) *sql_ << "ROLLBACK";
  } catch (const std::exception&) {
    drop();  // The server rolls back by itself.
  }

 private:
  static bool try_to(soci::session& sql, const char* setting) try {
    sql << setting;
    return true;
  } catch (const soci::soci_error&) {  // Only MariaDB or only MySQL knows it.
    return false;
  }
  static void set(soci::session& sql, const char* setting) try {
    sql << setting;
  } catch (const soci::soci_error& error) {
    if (!failure_of(error).is_unknown_setting()) throw;
  }

  const Server server_;
  std::unique_ptr<soci::session> sql_;
  Steady::time_point used_at_{};
};

class MainDatabase final : public sql::MainDatabase {
 public:
  MainDatabase(const Server& server, BlockingPool& pool, unsigned sessions) : sql::MainDatabase(pool) {
    for (unsigned i = 0; i < std::max(sessions, 1u); ++i)
      connections_.add(std::make_unique<Connection>(server));
  }
  bool files_in_place() const override { return true; }

 private:
  Result<> run_read(const std::function<void(soci::session&)>& read) override {
    auto connection = connections_.take();
    for (int tried = 1;; ++tried) {
      try {
        read(connection->use());
        return {};
      } catch (const soci::soci_error& error) {
        const auto failure = failure_of(error);
        connection->drop();
        if (tried > 1 || !failure.is_lost())
          return fail(error_of(failure, "cannot read the accounts' database"));
      } catch (const std::exception& error) {
        return fail(Code::unavailable, error.what());
      }
    }
  }

  Result<> run_write(const std::function<bool(soci::session&)>& change) override {
    auto connection = connections_.take();
    for (int tried = 1;; ++tried) {
      bool committing = false;
      try {
        soci::session& sql = connection->use();
        sql << "START TRANSACTION";
        int one = 0;
        sql << "SELECT only_row FROM one_writer WHERE only_row = 1 FOR UPDATE", soci::into(one);
        committing = change(sql);
        sql << (committing ? "COMMIT" : "ROLLBACK");
        return {};
      } catch (const soci::soci_error& error) {
        const auto failure = failure_of(error);
        if (failure.is_lost() || committing)
          connection->drop();
        else
          connection->roll_back();
        // Nothing has happened before the commit; behind it nobody knows.
        if (committing || tried == tries_max || !(failure.is_lost() || failure.may_repeat()))
          return fail(write_error(failure));
        pause_before_retry(tried);
      } catch (const std::exception& error) {
        connection->roll_back();
        return fail(Code::unavailable, error.what());
      }
    }
  }

  sql::Shared<Connection> connections_;
};

}  // namespace

std::shared_ptr<sql::MainDatabase> open_main_database(const Server& server, BlockingPool& pool,
                                                      unsigned sessions, const FieldCipher& cipher) {
  auto database = std::make_shared<MainDatabase>(server, pool, sessions);
  const auto where = "MySQL at " + server.address();
  const auto expect_keys = [&] {
    const auto known = database->read_now([&](soci::session& one) -> Result<> {
      sql::expect_field_keys(one, where, cipher);
      return {};
    });
    if (!known) throw std::runtime_error(known.error().detail);
  };
  migrate(server, [&](long long webhook) {
    expect_keys();  // No sum is made with another store's.
    return sql::webhook_sum(cipher, webhook, 0);
  });
  expect_keys();
  expect_no_restore(server);
  return database;
}

}  // namespace market::mysql
