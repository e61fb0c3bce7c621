#include "apps/commands/shared_store.hpp"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <thread>

#include "apps/roles/redis_parts.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/settings/settings_check.hpp"
#include "wire/events/record_codec.hpp"

namespace market::apps {
namespace {

/// Whether somebody listens there. An address that leads nowhere is nobody's.
bool answers(const std::string& address) {
  constexpr std::chrono::seconds longest{2};
  const auto at = read_address(address);
  if (!at) return false;
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  boost::system::error_code error;
  const auto found = resolver.resolve(at->host, std::to_string(at->port), error);
  if (error) return false;
  bool reached = false;
  asio::ip::tcp::socket socket(io);
  asio::async_connect(socket, found,
                      [&](const boost::system::error_code& failed, const auto&) { reached = !failed; });
  io.run_for(longest);
  return reached;
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

std::unique_ptr<kafka::KafkaLog> log_to_look_at(const SharedStore& store) {
  auto settings = store.log;
  settings.only_looked_at = true;
  return std::make_unique<kafka::KafkaLog>(std::move(settings));
}

std::optional<std::string> running_writer(Log& log) {
  const auto address = newest_address(log);
  return answers(address) ? std::optional(address) : std::nullopt;
}

void expect_nobody_serves(const SharedStore& store) {
  // A writer gives signs of life; of one that has ended another takes over within this time.
  constexpr Millis take_over_max{3'000};
  const auto log = log_to_look_at(store);
  const auto end_of = [&] {
    const auto end = log->end();
    if (!end) throw std::runtime_error(end.error().detail);
    return *end;
  };
  const Offset before = end_of();
  if (const auto address = running_writer(*log))
    throw std::runtime_error(fmt::format("the order instance at {} runs; stop all services first", *address));
  std::this_thread::sleep_for(take_over_max);
  if (end_of() != before) throw std::runtime_error("somebody writes the log; stop all services first");
}

}  // namespace market::apps
