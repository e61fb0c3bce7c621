#include "apps/roles/serve_parts.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "http/message/target.hpp"

extern char** environ;  // NOLINT: POSIX has it in no header.

namespace market::apps {

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
  return options.listen.empty() ? parse_address("gateway.listen", settings.text("gateway.listen"))
                                : parse_address("--listen", options.listen);
}

Settings read_settings(const SettingSources& sources) {
  Settings settings;
  if (!sources.config.empty()) settings.read_file(sources.config);
  settings.read_environment(environ);
  for (const auto& assignment : sources.assignments) settings.set(assignment);
  return settings;
}

spdlog::level::level_enum log_level_of(const Settings& settings) {
  const auto level = spdlog::level::from_str(settings.text("log.level"));
  if (level == spdlog::level::off && settings.text("log.level") != "off")
    throw UsageError(fmt::format("log.level: '{}' is none of trace, debug, info, warn, error, off",
                                 settings.text("log.level")));
  return level;
}

void start_logging(const Settings& settings) {
  const auto level = log_level_of(settings);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("market"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(level);
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
  limits.body_bytes_max = static_cast<std::size_t>(settings.number("gateway.body_bytes_max"));
  limits.connections_max = static_cast<std::size_t>(settings.number("gateway.connections_max"));
  limits.connections_per_address_max =
      settings.flag("ratelimit.enabled")
          ? static_cast<std::size_t>(settings.number("gateway.connections_per_address_max"))
          : 0;
  limits.drain_time_max = settings.duration("gateway.drain_time_max");
  limits.trusted_proxies = networks_of(settings, "gateway.trusted_proxies");
  return limits;
}

void add_http_metrics(const http::Server& server, platform::MetricsText& metrics) {
  metrics.family("market_http_requests_total", "counter", "Answered requests by route and status.");
  for (const auto& entry : server.route_counts())
    metrics.sample(entry.count, platform::label("route", entry.route) + ',' +
                                    platform::label("status", std::to_string(entry.status)));
  metrics.family("market_http_connections", "gauge", "Open connections.").sample(server.open_connections());
}

}  // namespace market::apps
