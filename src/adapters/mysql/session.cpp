#include "adapters/mysql/session.hpp"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>

#include <algorithm>
#include <charconv>

#include "base/check.hpp"

namespace market::mysql {
namespace {

unsigned seconds_of(Millis time) {
  return static_cast<unsigned>(
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(time).count()));
}

constexpr const char* settings_of_all[] = {
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",  // Nothing is cut off silently.
    "SET SESSION transaction_isolation = 'READ-COMMITTED'",               // A retry sees what is there now.
    "SET SESSION innodb_lock_wait_timeout = 3",                           // The default waits 50 s.
};
constexpr WantedSetting settings_of_some[] = {
    {"SET SESSION tx_isolation = 'READ-COMMITTED'", nullptr},  // MariaDB's name of it.
    // A paused instance gives its locks back. MySQL knows no limit of a transaction, but one of any pause
    // between two statements: behind it the connection is made anew, as whoever uses one looks first.
    {"SET SESSION idle_write_transaction_timeout = 2", "SET SESSION wait_timeout = 3"},
    {"SET SESSION idle_transaction_timeout = 2", nullptr},
};

}  // namespace

std::span<const char* const> session_settings() {
  return settings_of_all;
}

std::span<const WantedSetting> wanted_settings() {
  return settings_of_some;
}

std::string Server::address() const {
  const bool number = host.find(':') != std::string::npos;
  return number ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<Server> parse_server(std::string_view text) {
  const auto wrong = [] { return fail(Code::validation, "write mysql://USER:PASSWORD@HOST:PORT/DATABASE"); };
  constexpr std::string_view scheme = "mysql://";
  if (!text.starts_with(scheme)) return wrong();
  text.remove_prefix(scheme.size());
  const auto at = text.rfind('@');
  if (at == std::string_view::npos) return wrong();
  const auto who = text.substr(0, at), where = text.substr(at + 1);
  const auto colon = who.find(':'), slash = where.find('/');
  if (slash == std::string_view::npos) return wrong();
  const auto address = where.substr(0, slash), database = where.substr(slash + 1);
  const bool brackets = address.starts_with('[');
  const auto host_end = brackets ? address.find(']') : address.find(':');
  if (brackets && host_end == std::string_view::npos) return wrong();
  const auto behind = address.substr(std::min(host_end + (brackets ? 1 : 0), address.size()));
  Server server;
  server.user = who.substr(0, colon);
  if (colon != std::string_view::npos) server.password = who.substr(colon + 1);
  server.host = brackets ? address.substr(1, host_end - 1) : address.substr(0, host_end);
  server.database = database;
  if (!behind.empty()) {
    const auto digits = behind.substr(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), server.port);
    if (behind[0] != ':' || digits.empty() || error != std::errc() || end != digits.data() + digits.size())
      return wrong();
  }
  const auto is_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  if (server.user.empty() || server.host.empty() || database.empty() ||
      !std::all_of(database.begin(), database.end(), is_name))
    return wrong();
  return server;
}

bool Failure::may_repeat() const {
  return code == ER_LOCK_DEADLOCK || code == ER_LOCK_WAIT_TIMEOUT;
}
bool Failure::is_lost() const {
  constexpr unsigned killed = 1927;  // MariaDB: the connection was killed.
  return code == CR_SERVER_GONE_ERROR || code == CR_SERVER_LOST || code == CR_SERVER_LOST_EXTENDED ||
         code == CR_COMMANDS_OUT_OF_SYNC || code == killed ||
         // Read-only: another server is the primary now, and the name that we know may lead there already.
         code == ER_OPTION_PREVENTS_STATEMENT || code == ER_READ_ONLY_MODE;
}
bool Failure::is_duplicate() const {
  return code == ER_DUP_ENTRY;
}

bool Failure::is_unknown_setting() const {
  return code == ER_UNKNOWN_SYSTEM_VARIABLE;
}

Error error_of(const std::exception& error, std::string_view doing) {
  const auto* known = dynamic_cast<const Failure*>(&error);
  const bool full = known != nullptr && (known->code == ER_DISK_FULL || known->code == ER_RECORD_FILE_FULL);
  return Error(full ? Code::insufficient_storage : Code::unavailable,
               fmt::format("{}: {}", doing, error.what()));
}

std::int64_t Row::integer(std::size_t column) const {
  const auto& value = values_.at(column);
  std::int64_t number = 0;
  if (!value) return number;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc() || end != value->data() + value->size())
    throw std::runtime_error(fmt::format("column {} is no whole number", column));
  return number;
}

std::string quoted(std::string_view text) {
  std::string literal = "'";
  literal.reserve(text.size() + 2);
  for (const char c : text) {
    switch (c) {
      case '\0':
        literal += "\\0";
        break;
      case '\n':
        literal += "\\n";
        break;
      case '\r':
        literal += "\\r";
        break;
      case '\x1a':
        literal += "\\Z";
        break;
      case '\\':
      case '\'':
      case '"':
        literal += '\\';
        literal += c;
        break;
      default:
        literal += c;
    }
  }
  return literal += '\'';
}

struct Session::Handle {
  Handle() { check(mysql_init(&connection) != nullptr, "a connection can be made"); }
  ~Handle() { mysql_close(&connection); }
  MYSQL connection{};
};

Session::Session(Server server) : server_(std::move(server)) {
  static const int ready = mysql_library_init(0, nullptr, nullptr);
  check(ready == 0, "MySQL's client library starts");
}

Session::~Session() = default;

void Session::close() {
  handle_.reset();
}

void Session::raise() {
  MYSQL* connection = &handle_->connection;
  Failure failure(mysql_errno(connection),
                  fmt::format("MySQL at {}: {}", server_.address(), mysql_error(connection)));
  if (failure.is_lost()) close();
  throw failure;
}

void Session::connect() {
  handle_ = std::make_unique<Handle>();
  MYSQL* connection = &handle_->connection;
  const unsigned connect_time = seconds_of(server_.connect_time_max),
                 answer_time = seconds_of(server_.answer_time_max);
  mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &connect_time);
  mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &answer_time);
  mysql_options(connection, MYSQL_OPT_WRITE_TIMEOUT, &answer_time);
  mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  // The library takes `localhost` for the machine's own socket otherwise, whatever the port.
  const unsigned protocol = MYSQL_PROTOCOL_TCP;
  mysql_options(connection, MYSQL_OPT_PROTOCOL, &protocol);
  if (!server_.tls_ca.empty()) {
    mysql_ssl_set(connection, nullptr, nullptr, server_.tls_ca.c_str(), nullptr, nullptr);
    const my_bool verify = 1;
    mysql_options(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  }
  if (mysql_real_connect(connection, server_.host.c_str(), server_.user.c_str(), server_.password.c_str(),
                         server_.database.c_str(), server_.port, nullptr, CLIENT_FOUND_ROWS) == nullptr) {
    const Failure failure(mysql_errno(connection),
                          fmt::format("MySQL at {}: {}", server_.address(), mysql_error(connection)));
    close();
    throw failure;
  }
  for (const auto& setting : wanted_settings())
    if (mysql_query(connection, setting.sql) != 0 && setting.instead != nullptr)
      mysql_query(connection, setting.instead);
  for (const char* setting : session_settings())
    if (mysql_query(connection, setting) != 0 && mysql_errno(connection) != ER_UNKNOWN_SYSTEM_VARIABLE)
      raise();
}

void Session::begin_use() {
  // It was idle for a while: the server may have ended it.
  constexpr std::chrono::seconds idle{1};
  const auto now = std::chrono::steady_clock::now();
  if (handle_ && now - used_at_ > idle && mysql_ping(&handle_->connection) != 0) close();
  if (!handle_) connect();
  used_at_ = now;
}

void Session::stay_connected() {
  for (const char* setting : {"SET SESSION wait_timeout = 604800", "SET SESSION idle_transaction_timeout = 0",
                              "SET SESSION idle_write_transaction_timeout = 0"})
    try {
      execute(setting);
    } catch (const Failure& failure) {
      if (!failure.is_unknown_setting()) throw;
    }
}

std::vector<Row> Session::query(const std::string& sql) {
  if (!handle_) connect();
  MYSQL* connection = &handle_->connection;
  if (mysql_real_query(connection, sql.data(), sql.size()) != 0) raise();
  const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> result(mysql_store_result(connection),
                                                                mysql_free_result);
  if (!result) raise();
  const unsigned columns = mysql_num_fields(result.get());
  std::vector<Row> rows;
  rows.reserve(mysql_num_rows(result.get()));
  while (MYSQL_ROW fields = mysql_fetch_row(result.get()))
    fill(rows.emplace_back(), fields, mysql_fetch_lengths(result.get()), columns);
  return rows;
}

void Session::fill(Row& row, char** fields, const unsigned long* lengths, unsigned columns) {
  row.values_.resize(columns);
  for (unsigned i = 0; i < columns; ++i)
    if (fields[i] != nullptr)
      row.values_[i].emplace(fields[i], lengths[i]);
    else
      row.values_[i].reset();
}

void Session::each_row(const std::string& sql, const std::function<void(const Row&)>& use) {
  if (!handle_) connect();
  MYSQL* connection = &handle_->connection;
  if (mysql_real_query(connection, sql.data(), sql.size()) != 0) raise();
  const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> result(mysql_use_result(connection),
                                                                mysql_free_result);
  if (!result) raise();
  const unsigned columns = mysql_num_fields(result.get());
  Row row;
  while (MYSQL_ROW fields = mysql_fetch_row(result.get())) {
    fill(row, fields, mysql_fetch_lengths(result.get()), columns);
    use(row);
  }
  if (mysql_errno(connection) != 0) raise();
}

std::uint64_t Session::execute(const std::string& sql) {
  if (!handle_) connect();
  MYSQL* connection = &handle_->connection;
  if (mysql_real_query(connection, sql.data(), sql.size()) != 0) raise();
  return mysql_affected_rows(connection);
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    session_.execute("ROLLBACK");
  } catch (const std::exception&) {
    session_.close();  // The server rolls back by itself.
  }
}

void Transaction::commit() {
  open_ = false;
  session_.execute("COMMIT");
}

}  // namespace market::mysql
