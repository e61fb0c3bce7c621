#pragma once
/// One connection to MySQL or MariaDB: it is made when it is needed, made anew when it was lost, and never
/// waited for without a limit.
///
///   Session session(server);
///   for (const Row& row : session.query("SELECT id, name FROM products WHERE id = 5")) use(row.integer(0));
///   session.execute("UPDATE t SET name = " + quoted(name));   // how many rows

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace market::mysql {

struct Server {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3306;
  std::string user, password, database;
  std::string tls_ca;  ///< PEM file; with it the connection must be encrypted and the server be known by it.
  Millis connect_time_max{2'000};
  Millis answer_time_max{5'000};  ///< Of one statement.

  std::string address() const;  ///< HOST:PORT, an address of IPv6 in brackets.
};
/// `mysql://USER:PASSWORD@HOST:PORT/DATABASE`; an address of IPv6 stands in brackets. Errors: validation
/// (without the text: it holds a password).
Result<Server> parse_server(std::string_view text);

/// What the server or the client library says.
struct Failure : std::runtime_error {
  Failure(unsigned what, const std::string& text) : std::runtime_error(text), code(what) {}
  unsigned code;
  /// Deadlock or lock wait: the whole transaction may be tried again.
  bool may_repeat() const;
  /// The connection is gone, or no use: of what was sent last nobody knows whether it happened.
  bool is_lost() const;
  bool is_duplicate() const;
  bool is_unknown_setting() const;
};
/// What every connection is set to.
std::span<const char* const> session_settings();
/// Only MariaDB or only MySQL knows each of these; the other takes `instead`, or goes without.
struct WantedSetting {
  const char* sql;
  const char* instead;  ///< May be null.
};
std::span<const WantedSetting> wanted_settings();
/// insufficient_storage for a full disk, else unavailable; the text is for the developer.
Error error_of(const std::exception& error, std::string_view doing);

class Row {
 public:
  std::int64_t integer(std::size_t column) const;  ///< 0 for NULL.
  const std::string& text(std::size_t column) const { return *values_.at(column); }
  bool is_null(std::size_t column) const { return !values_.at(column); }

 private:
  friend class Session;
  std::vector<std::optional<std::string>> values_;
};

/// As a literal of SQL, whatever bytes it has. The connection's character set is utf8mb4 and its mode has
/// backslash escapes, both set by Session.
std::string quoted(std::string_view text);

class Session {
 public:
  explicit Session(Server server);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Connects if it is not connected, so that what follows runs on one connection. Throws Failure, as all
  /// below.
  void begin_use();
  /// The server ends neither this connection nor its transactions from now on for their rest. For commands,
  /// which have nothing that others wait for.
  void stay_connected();
  std::vector<Row> query(const std::string& sql);
  /// Each row as it comes, of tables that memory need not hold. Nothing else may be asked meanwhile.
  void each_row(const std::string& sql, const std::function<void(const Row&)>& use);
  /// How many rows were changed (found, where that is what the statement is about).
  std::uint64_t execute(const std::string& sql);
  void close();

 private:
  struct Handle;
  [[noreturn]] void raise();
  void connect();
  static void fill(Row& row, char** fields, const unsigned long* lengths, unsigned columns);

  const Server server_;
  std::unique_ptr<Handle> handle_;
  std::chrono::steady_clock::time_point used_at_{};
};

/// Rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Session& session) : session_(session) { session_.execute("START TRANSACTION"); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Session& session_;
  bool open_ = true;
};

}  // namespace market::mysql
