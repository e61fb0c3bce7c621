#include "apps/commands/shared_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "adapters/files/files.hpp"
#include "adapters/mysql/schema.hpp"
#include "adapters/remote/tcp_command_link.hpp"
#include "apps/roles/redis_parts.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/roles/shared_log.hpp"
#include "apps/settings/settings_check.hpp"
#include "base/must.hpp"
#include "wire/events/record_codec.hpp"

namespace market::apps {
namespace {

/// Whoever serves knows it: the first start makes that key.
wire::SecretKey door_secret_in(const std::filesystem::path& keys) {
  const auto file = keys / refresh_key_file;
  const auto bytes = must(files::read_whole_file(file));
  wire::SecretKey key;
  if (!bytes || bytes->size() != key.size())
    throw std::runtime_error(
        fmt::format("key file {} is missing: by it the instances are known that may run", file.string()));
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return door_secret(key);
}

/// Instances keep their databases open, whether or not they write, and whatever the log holds by now.
bool others_are_connected(const mysql::Server& server) {
  mysql::Session session(server);
  const auto others = session.query(
      "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()");
  return others.at(0).integer(0) > 0;
}

/// One who leaves, as we do after each look, is gone a moment later.
void expect_nobody_at(const mysql::Server& server) {
  constexpr int looks = 20;
  constexpr Millis between{50};
  for (int i = 0; i < looks; ++i) {
    if (!others_are_connected(server)) return;
    std::this_thread::sleep_for(between);
  }
  throw std::runtime_error(
      fmt::format("somebody is connected to the database {} at {}:{}; stop all services first",
                  server.database, server.host, server.port));
}

/// Where the newest writer of the log is, or was.
std::string newest_address(Log& log) {
  std::string address;
  const auto read = log.read(1, [&](Offset, std::string_view record) {
    if (!wire::is_whole(record)) return true;
    const auto decoded = wire::decode_record(record);
    const auto* open = decoded ? std::get_if<wire::Open>(&*decoded) : nullptr;
    if (open) address = open->address;
    return true;
  });
  if (!read) throw std::runtime_error(read.error().detail);
  return address;
}

}  // namespace

void expect_store(const std::string& data) {
  expect_no_instance(data);
  if (!files::has_bytes(std::filesystem::path(data) / "log.db"))
    throw UsageError(fmt::format("--data {}: there is no store", data));
}

std::optional<SharedStore> shared_store(const Settings& settings, const std::string& data) {
  const auto records = mysql_server(settings, "records"), accounts = mysql_server(settings, "accounts");
  const bool log = !settings.text("log.kafka").empty();
  if (!log && !records && !accounts) return std::nullopt;
  if (!log || !records || !accounts)
    throw UsageError(
        "this command needs log.kafka, records.mysql and accounts.mysql together, or none of them");
  SharedStore store;
  store.log = kafka_settings(settings);
  store.log.append_time_max = Millis(10'000);  // Nobody waits for an answer.
  store.log.silence_max = Millis(10'000);
  store.log.connection.warn = [](const std::string&) {};  // A command fails with one line, or not at all.
  store.records = *records;
  store.accounts = *accounts;
  for (auto* server : {&store.records, &store.accounts}) server->answer_time_max = Millis(300'000);
  store.keys = keys_folder(settings, data);
  store.redis = redis_settings(settings);
  return store;
}

std::optional<SharedStore> shared_store(const StoreOptions& options) {
  const Settings settings = read_settings(options.settings);
  check_settings(settings, options.settings.config, ServeRole::services);
  return shared_store(settings, options.data);
}

LogId id_of_store(mysql::Session& accounts) {
  const auto rows = accounts.query("SELECT id_hi, id_lo FROM store");
  if (rows.empty()) return {};
  return LogId{static_cast<std::uint64_t>(rows[0].integer(0)), static_cast<std::uint64_t>(rows[0].integer(1)),
               0};
}

void expect_no_restore(const SharedStore& store) {
  for (const auto* server : {&store.accounts, &store.records}) mysql::expect_no_restore(*server);
}

std::unique_ptr<kafka::KafkaLog> log_to_look_at(const SharedStore& store) {
  auto settings = store.log;
  settings.only_looked_at = true;
  return std::make_unique<kafka::KafkaLog>(std::move(settings));
}

std::unique_ptr<kafka::KafkaLog> log_if_there(const SharedStore& store) {
  return kafka::topic_is_there(store.log.connection, store.log.topic) ? log_to_look_at(store) : nullptr;
}

std::optional<std::string> running_writer(Log& log, const wire::SecretKey& secret) {
  const auto address = newest_address(log);
  return remote::answers(address, secret) ? std::optional(address) : std::nullopt;
}

void expect_nobody_serves(const SharedStore& store) {
  // A writer gives signs of life; of one that has ended another takes over within this time.
  constexpr Millis take_over_max{3'000};
  if (const auto log = log_if_there(store)) {
    const Offset before = must(log->end());
    const auto address = newest_address(*log);  // None: only commands have written it, and keys may be few.
    if (!address.empty() && remote::answers(address, door_secret_in(store.keys)))
      throw std::runtime_error(
          fmt::format("the order instance at {} runs; stop all services first", address));
    std::this_thread::sleep_for(take_over_max);
    if (must(log->end()) != before)
      throw std::runtime_error("somebody writes the log; stop all services first");
  }
  // Of a log that was deleted or made anew nobody is the writer, and all may run.
  expect_nobody_connected(store);
}

void expect_nobody_connected(const SharedStore& store) {
  for (const auto* server : {&store.records, &store.accounts}) expect_nobody_at(*server);
}

}  // namespace market::apps
