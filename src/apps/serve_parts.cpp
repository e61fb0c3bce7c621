#include "apps/serve_parts.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>

extern char** environ;  // NOLINT: POSIX has it in no header.

namespace market::apps {

Address parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  unsigned long port = 0;
  try {
    std::size_t used = 0;
    port = std::stoul(text.substr(colon == std::string::npos ? text.size() : colon + 1), &used);
    if (colon + 1 + used != text.size()) port = 65'536;
  } catch (const std::exception&) {
    port = 65'536;
  }
  if (colon == std::string::npos || colon == 0 || port > 65'535)
    throw UsageError(fmt::format("'{}' is no address; write HOST:PORT", text));
  std::string host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {host, static_cast<std::uint16_t>(port)};
}

Settings read_settings(const SettingSources& sources) {
  Settings settings;
  if (!sources.config.empty()) settings.read_file(sources.config);
  settings.read_environment(environ);
  for (const auto& assignment : sources.assignments) settings.set(assignment);
  return settings;
}

void start_logging(const Settings& settings) {
  const auto level = spdlog::level::from_str(settings.text("log.level"));
  if (level == spdlog::level::off && settings.text("log.level") != "off")
    throw UsageError(fmt::format("log.level: '{}' is no level", settings.text("log.level")));
  spdlog::set_default_logger(spdlog::stderr_logger_mt("market"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(level);
}

unsigned thread_count(std::int64_t wanted, unsigned fallback) {
  if (wanted > 0) return static_cast<unsigned>(std::min<std::int64_t>(wanted, 256));
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

void add_http_metrics(const http::Server& server, MetricsText& metrics) {
  metrics.family("market_http_requests_total", "counter", "Answered requests by route and status.");
  for (const auto& entry : server.route_counts())
    metrics.sample(entry.count,
                   label("route", entry.route) + ',' + label("status", std::to_string(entry.status)));
  metrics.family("market_http_connections", "gauge", "Open connections.").sample(server.open_connections());
}

}  // namespace market::apps
