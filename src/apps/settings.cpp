#include "apps/settings.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <optional>

namespace market::apps {
namespace {

using enum SettingKind;

const KnownSetting* find_known(std::string_view key) {
  for (const KnownSetting& known : known_settings())
    if (known.key == key) return &known;
  return nullptr;
}

bool parse_number(std::string_view text, std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// A sentence when `value` is not of the kind; empty when it is.
std::string problem_with(const KnownSetting& known, const std::string& value) {
  std::int64_t parsed = 0;
  switch (known.kind) {
    case text:
      return {};
    case flag:
      return value == "true" || value == "false" ? "" : "must be true or false";
    case number:
      return parse_number(value, parsed) && parsed >= 0 ? "" : "must be a whole number, 0 or more";
    case duration:
      return parse_duration(value) ? "" : "must be a duration such as 250ms, 3s, 10m or 24h";
  }
  return {};
}

std::string environment_name(std::string_view key) {
  std::string name = "MARKET_";
  for (const char c : key)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

/// None: of a kind that no setting has, such as a list.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* value = node.as_integer()) return std::to_string(value->get());
  if (const auto* value = node.as_boolean()) return value->get() ? "true" : "false";
  return std::nullopt;
}

}  // namespace

const std::vector<KnownSetting>& known_settings() {
  static const std::vector<KnownSetting> all{
      {"gateway.listen", "127.0.0.1:8080", text, "address of the entry point; --listen beats it"},
      {"gateway.threads", "0", number, "I/O threads; 0: one per core"},
      {"gateway.body_bytes_max", "1048576", number,
       "largest request body, bytes (images have their own 5 MiB)"},
      {"gateway.connections_max", "50000", number, "open connections in all"},
      {"gateway.connections_per_address_max", "1000", number, "open connections per client address"},
      {"gateway.drain_time_max", "10s", duration, "how long a stop waits for requests under way"},
      {"gateway.default_routes", "true", flag, "route /api/v1 to market-user, market-product, market-order"},
      {"gateway.in_flight_max", "10000", number, "requests under way; browsing gets 70 % of it"},
      {"gateway.trusted_proxies", "", text, "networks whose X-Forwarded-For is believed, by comma"},
      {"gateway.cors_origins", "", text, "origins that browsers may call from, by comma; exact"},
      {"gateway.cors_credentials", "false", flag, "browsers of those origins may send cookies"},
      {"gateway.access_log", "", text, "file of one JSON line per request; '-': standard error; empty: off"},
      {"gateway.spans_url", "", text,
       "http://HOST:PORT/v1/traces of an OTLP collector, of every role; empty: off"},
      {"gateway.spans_per_million", "10000", number, "of a million requests, how many are traced"},
      {"gateway.tls_certificate", "", text, "PEM file; with it, the gateway speaks TLS"},
      {"gateway.tls_key", "", text, "PEM file of the certificate's key"},
      {"auth.key_file", "", text, "token key shared by the roles; empty: the gateway checks no tokens"},
      {"management.listen", "", text,
       "address for /metrics and /info; empty: loopback callers of gateway.listen"},
      {"orders.payment_window", "10m", duration, "how long an order may stay unpaid"},
      {"orders.day", "24h", duration, "the length of a day of delivery and returns"},
      {"orders.restart_grace", "1m", duration, "the most of a downtime that is given back to unpaid orders"},
      {"orders.attempt_bound", "5s", duration, "how long an open payment attempt delays an expiry"},
      {"orders.fold_lag_max", "1000000", number, "events not yet in the records; beyond: 503 overloaded"},
      {"orders.queue_max", "65536", number, "orders waiting for the gate; beyond: 503 overloaded"},
      {"log.level", "info", text, "trace, debug, info, warn, error"},
      {"log.keep", "true", flag, "keep the whole event log; false: trim it behind each snapshot"},
      {"log.snapshot_every", "500000", number, "events between two snapshots of the gate"},
      {"users.email_verification", "optional", text, "off, optional or required"},
      {"users.hash_threads", "0", number, "threads for password hashing; 0: half the cores"},
      {"users.access_token_life", "15m", duration, "how long an access token lives"},
      {"ratelimit.enabled", "true", flag, "limits per user and address, and connections per address"},
      {"ratelimit.user_per_second", "100", number, "requests of one user at the gateway; twice that at once"},
      {"ratelimit.address_per_second", "2000", number, "requests of one address; twice that at once"},
      {"registry.self_preservation", "true", flag, "no mass eviction when many heartbeats are lost"},
      {"registry.eviction_interval", "60s", duration, "between two looks for silent instances"},
      {"registry.cache", "30s", duration, "life of a cached registry answer; a change ends it at once"},
      {"registry.credential", "", text, "user:password for registering; empty: loopback callers only"},
      {"registry.peers", "", text, "other registries that every change is told to, comma-separated"},
      {"registry.urls", "", text, "registries to register with and ask, in this order, comma-separated"},
      {"registry.renewal_interval", "30s", duration, "between two heartbeats of our services"},
      {"registry.lease", "90s", duration, "without a heartbeat for this long an instance is gone"},
      {"registry.fetch_interval", "30s", duration, "between two fetches where the registry pushes nothing"},
      {"registry.zone", "", text, "zone of this process, as metadata of its instances"},
      {"registry.host", "127.0.0.1", text, "the address at which others reach this process"},
  };
  return all;
}

Settings::Settings() {
  for (const KnownSetting& known : known_settings()) values_.emplace(known.key, known.fallback);
}

void Settings::put(const std::string& key, const std::string& value, const std::string& from) {
  const KnownSetting* known = find_known(key);
  if (!known) throw UsageError(fmt::format("{}: there is no setting '{}'", from, key));
  const std::string problem = problem_with(*known, value);
  if (!problem.empty()) throw UsageError(fmt::format("{}: {} {}", from, key, problem));
  values_[key] = value;
}

void Settings::read_file(const std::string& path) {
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    throw UsageError(fmt::format("{}: line {}: {}", path, error.source().begin.line, error.description()));
  }
  for (const auto& [section, node] : file) {
    const auto* table = node.as_table();
    if (!table)
      throw UsageError(fmt::format("{}: '{}' must be a section such as [orders]", path, section.str()));
    for (const auto& [key, value] : *table) {
      // Lists and tables of the gateway: apps/gateway_settings.cpp reads and checks them.
      if (section == "gateway" && (key == "routes" || key == "services")) continue;
      const std::string name = fmt::format("{}.{}", section.str(), key.str());
      const auto text = text_of(value);
      if (!text)
        throw UsageError(fmt::format("{}: {} must be a text, a whole number, true or false", path, name));
      put(name, *text, path);
    }
  }
}

void Settings::read_environment(const char* const* environment) {
  for (; *environment; ++environment) {
    const std::string_view entry(*environment);
    const auto equals = entry.find('=');
    for (const KnownSetting& known : known_settings())
      if (entry.substr(0, equals) == environment_name(known.key))
        put(std::string(known.key), std::string(entry.substr(equals + 1)), environment_name(known.key));
  }
}

void Settings::set(const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos)
    throw UsageError(fmt::format("--set {}: write section.key=value", assignment));
  put(assignment.substr(0, equals), assignment.substr(equals + 1), "--set");
}

std::string Settings::text(std::string_view key) const {
  return values_.find(key)->second;
}
bool Settings::flag(std::string_view key) const {
  return text(key) == "true";
}
Millis Settings::duration(std::string_view key) const {
  return *parse_duration(text(key));
}
std::int64_t Settings::number(std::string_view key) const {
  std::int64_t number = 0;
  parse_number(text(key), number);
  return number;
}

}  // namespace market::apps
