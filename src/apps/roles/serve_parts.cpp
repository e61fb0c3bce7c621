#include "apps/roles/serve_parts.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "adapters/files/data_folder.hpp"
#include "apps/roles/access_log_writer.hpp"
#include "apps/roles/log_output.hpp"
#include "base/limited_warnings.hpp"
#include "http/message/target.hpp"
#include "wire/json/json_writer.hpp"

extern char** environ;  // NOLINT: POSIX has it in no header.

namespace market::apps {

std::string secret_in_file(std::string_view named_by, const std::string& path) {
  std::filesystem::path file(path);
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  if (credentials && file.is_relative()) file = std::filesystem::path(credentials) / file;
  auto text = files::read_key_file(file, 1);
  if (!text) throw UsageError(fmt::format("{}: {}", named_by, text.error().detail));
  if (!*text) throw UsageError(fmt::format("{}: there is no file {}", named_by, file.string()));
  while ((*text)->ends_with('\n') || (*text)->ends_with('\r')) (*text)->pop_back();
  return std::move(**text);
}

std::string secret_of(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  const char* file = std::getenv((name + "_FILE").c_str());
  const bool has_value = value && *value != '\0', has_file = file && *file != '\0';
  if (has_value && has_file) throw UsageError(fmt::format("{} and {}_FILE must not both be set", name, name));
  if (has_file) return secret_in_file(name + "_FILE", file);
  return has_value ? value : "";
}

void announce(const std::string& line) {
  print_patiently(STDOUT_FILENO, line + '\n');
}

std::optional<Address> read_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || !http::is_valid_host(text)) return std::nullopt;
  const auto digits = text.substr(colon + 1);
  Address address;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  address.host = text.substr(0, colon);
  if (address.host.front() == '[') address.host = address.host.substr(1, address.host.size() - 2);
  return address;
}

Address parse_address(std::string_view name, const std::string& text) {
  auto address = read_address(text);
  if (!address) throw UsageError(fmt::format("{}: '{}' is no address; write HOST:PORT", name, text));
  return std::move(*address);
}

Address listen_address(const ServeOptions& options, const Settings& settings) {
  return options.listen.empty() ? parse_address("http.listen", settings.text("http.listen"))
                                : parse_address("--listen", options.listen);
}

Settings read_settings(const SettingSources& sources) {
  Settings settings;
  if (!sources.config.empty()) settings.read_file(sources.config);
  settings.read_environment(environ);
  for (const auto& assignment : sources.assignments) settings.set(assignment);
  for (const auto& key : secret_settings()) {
    const auto named_by = std::string(key) + "_file";
    const auto file = settings.text(named_by);
    if (file.empty()) continue;
    try {
      settings.set_secret(key, named_by, secret_in_file(named_by, file));
    } catch (const UsageError& mistake) {
      throw UsageError(settings.located(mistake.what()));
    }
  }
  return settings;
}

spdlog::level::level_enum log_level_of(const Settings& settings) {
  const auto level = spdlog::level::from_str(settings.text("log.level"));
  if (level == spdlog::level::off && settings.text("log.level") != "off")
    throw UsageError(fmt::format("log.level: '{}' is none of trace, debug, info, warn, error, off",
                                 settings.text("log.level")));
  return level;
}

Logging::Logging(const Settings& settings) {
  const auto level = log_level_of(settings);
  auto output = std::make_shared<LogOutput>(STDERR_FILENO);
  output->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v");
  auto logger = std::make_shared<spdlog::logger>("market", std::move(output));
  logger->set_level(level);
  spdlog::set_default_logger(std::move(logger));
}

Logging::~Logging() {
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("ended", std::make_shared<spdlog::sinks::null_sink_mt>()));
}

void add_log_metrics(platform::MetricsText& metrics) {
  const auto logger = spdlog::default_logger();
  const auto* const output =
      logger->sinks().empty() ? nullptr : dynamic_cast<const LogOutput*>(logger->sinks().front().get());
  if (!output) return;
  const auto counts = output->counts();
  metrics.family("market_log_lines_left_out_total", "counter", "Log lines that were not written, by reason.")
      .sample(counts.lost, platform::label("reason", "output"))
      .sample(counts.repeated, platform::label("reason", "repeated"));
}

unsigned thread_count(std::int64_t wanted, unsigned fallback) {
  if (wanted > 0) return static_cast<unsigned>(wanted);
  return std::max(1u, fallback);
}

std::vector<std::string> comma_separated(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(',', begin), text.size());
    auto part = text.substr(begin, end - begin);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) parts.push_back(std::move(part));
    begin = end + 1;
  }
  return parts;
}

std::filesystem::path keys_folder(const Settings& settings, const std::string& data) {
  const auto folder = settings.text("keys.folder");
  return folder.empty() ? std::filesystem::path(data) / "keys" : std::filesystem::path(folder);
}

bool is_shared(const Settings& settings) {
  return !settings.text("log.kafka").empty() || !settings.text("accounts.mysql").empty();
}

void expect_no_instance(const std::string& data) {
  std::error_code none;
  if (std::filesystem::exists(std::filesystem::path(data) / files::shared_mark, none))
    throw UsageError(
        fmt::format("--data {}: is the folder of an instance of a shared market, not a store; name its "
                    "settings (log.kafka, records.mysql, accounts.mysql) with --config",
                    data));
}

std::optional<mysql::Server> mysql_server(const Settings& settings, const std::string& part) {
  const auto text = settings.text(part + ".mysql");
  if (text.empty()) return std::nullopt;
  auto server = mysql::parse_server(text);
  if (!server) throw UsageError(part + ".mysql: " + server.error().detail);
  server->tls_ca = settings.text(part + ".mysql_tls_ca");
  return std::move(*server);
}

std::optional<mail::SmtpSettings> smtp_settings(const Settings& settings) {
  mail::SmtpSettings smtp;
  smtp.url = settings.text("mail.smtp");
  const auto tls = settings.text("mail.tls");
  if (tls != "required" && tls != "off")
    throw UsageError(fmt::format("mail.tls: '{}' is none of required, off", tls));
  smtp.tls = tls == "off" ? mail::SmtpTls::off : mail::SmtpTls::required;
  smtp.from = settings.text("mail.from");
  smtp.ca_file = settings.text("mail.tls_ca");
  smtp.credential = settings.text("mail.credential");
  if (smtp.url.empty()) return std::nullopt;
  if (const auto trouble = mail::trouble_with(smtp); !trouble.empty())
    throw UsageError((trouble.starts_with("mail.") ? "" : "mail.smtp: ") + trouble);
  return smtp;
}

std::unique_ptr<mail::SmtpTransport> smtp_of(const Settings& settings) {
  auto smtp = smtp_settings(settings);
  return smtp ? std::make_unique<mail::SmtpTransport>(std::move(*smtp)) : nullptr;
}

namespace {

kafka::Connection kafka_connection(const Settings& settings) {
  kafka::Connection connection;
  for (const auto& broker : comma_separated(settings.text("log.kafka"))) parse_address("log.kafka", broker);
  connection.brokers = settings.text("log.kafka");
  connection.warn = limited_warnings();
  for (const auto& option : comma_separated(settings.text("log.kafka_options"))) {
    const auto equals = option.find('=');
    if (equals == std::string::npos)
      throw UsageError(
          "log.kafka_options: write NAME=VALUE, by comma");  // Not the text: it may be a password.
    const auto name = option.substr(0, equals);
    if (const auto trouble = kafka::trouble_with(name); !trouble.empty())
      throw UsageError("log.kafka_options: " + trouble);
    connection.own.emplace_back(name, option.substr(equals + 1));
  }
  return connection;
}

std::string topic_named(const Settings& settings, const std::string& key) {
  std::string topic = settings.text(key);
  const bool valid = std::all_of(topic.begin(), topic.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
  if (topic.empty() || topic.size() > 249 || !valid)
    throw UsageError(key + ": letters, digits, '.', '_' and '-', 249 at most");
  return topic;
}

}  // namespace

std::string info_text(std::string_view role,
                      std::optional<std::pair<std::string_view, std::int64_t>> number) {
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().member("name", "market").member("version", MARKET_VERSION);
  json.member("role", role).member("pid", ::getpid());
  if (number) json.member(number->first, number->second);
  json.end_object();
  return body;
}

Failpoint failpoint_of(const Settings& settings) {
  const std::string text = settings.text("orders.failpoint");
  auto failpoint = Failpoint::parse(text);
  if (!failpoint)
    throw UsageError(fmt::format(
        "orders.failpoint: '{}': write append, count, effect, attempt, charge, settle, refund, post or "
        "producer, then :N, then :stop",
        text));
  return std::move(*failpoint);
}

kafka::LogSettings kafka_settings(const Settings& settings) {
  kafka::LogSettings log;
  log.connection = kafka_connection(settings);
  log.topic = topic_named(settings, "log.topic");
  log.replicas = static_cast<int>(settings.number("log.replicas"));
  log.failpoint = failpoint_of(settings);
  return log;
}

std::optional<kafka::EventTopicSettings> event_topic_settings(const Settings& settings) {
  if (settings.text("log.kafka").empty() || settings.text("events.topic").empty()) return std::nullopt;
  kafka::EventTopicSettings events;
  events.connection = kafka_connection(settings);
  events.topic = topic_named(settings, "events.topic");
  events.replicas = static_cast<int>(settings.number("log.replicas"));
  if (events.topic == settings.text("log.topic"))
    throw UsageError("events.topic: must be another topic than log.topic, which is private");
  return events;
}

std::vector<http::Network> networks_of(const Settings& settings, std::string_view key) {
  std::vector<http::Network> networks;
  try {
    for (const auto& text : comma_separated(settings.text(key))) networks.emplace_back(text);
  } catch (const std::invalid_argument& mistake) {
    throw UsageError(fmt::format("{}: {}", key, mistake.what()));
  }
  return networks;
}

http::Limits limits_of(const Settings& settings) {
  http::Limits limits;
  limits.body_bytes_max = static_cast<std::size_t>(settings.number("http.body_bytes_max"));
  limits.connections_max = static_cast<std::size_t>(settings.number("http.connections_max"));
  limits.connections_per_address_max =
      settings.flag("ratelimit.enabled")
          ? static_cast<std::size_t>(settings.number("http.connections_per_address_max"))
          : 0;
  limits.streams_max = static_cast<std::size_t>(settings.number("gateway.streams_max"));
  limits.streams_per_address_max =
      settings.flag("ratelimit.enabled")
          ? static_cast<std::size_t>(settings.number("gateway.streams_per_address_max"))
          : 0;
  limits.idle_time_max = settings.duration("http.idle_time_max");
  limits.unfinished_bytes_max = static_cast<std::size_t>(settings.number("http.unfinished_bytes_max"));
  limits.unfinished_bytes_per_address_max =
      settings.flag("ratelimit.enabled")
          ? static_cast<std::size_t>(settings.number("http.unfinished_bytes_per_address_max"))
          : limits.unfinished_bytes_max;
  limits.drain_time_max = settings.duration("http.drain_time_max");
  limits.trusted_proxies = networks_of(settings, "http.trusted_proxies");
  return limits;
}

void add_access_log_metrics(const AccessLogWriter& access_log, platform::MetricsText& metrics) {
  metrics.family("market_access_log_dropped_total", "counter", "Lines and spans that nobody took in time.")
      .sample(access_log.dropped());
}

void add_http_metrics(const http::Server& server, platform::MetricsText& metrics) {
  metrics.family("market_http_requests_total", "counter", "Answered requests by route and status.");
  for (const auto& entry : server.route_counts())
    metrics.sample(entry.count, platform::label("route", entry.route) + ',' +
                                    platform::label("status", std::to_string(entry.status)));
  std::vector<double> ends;
  for (const auto end : http::time_buckets) ends.push_back(std::chrono::duration<double>(end).count());
  metrics.family("market_http_request_duration_seconds", "histogram",
                 "From a request's head to its answer, by route.");
  for (const auto& times : server.route_times())
    metrics.histogram(ends, times.at_most, times.seconds, platform::label("route", times.route));
  metrics.family("market_http_connections", "gauge", "Open connections.").sample(server.open_connections());
  metrics.family("market_http_unfinished_bytes", "gauge", "Of bodies that are on their way.")
      .sample(server.unfinished_bytes());
  add_log_metrics(metrics);
}

}  // namespace market::apps
