#include "apps/settings/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "apps/settings/suggestion.hpp"
#include "apps/settings/toml_reader.hpp"
#include "base/check.hpp"
#include "ports/accounts.hpp"

namespace market::apps {
namespace {

using enum SettingKind;
using namespace std::chrono_literals;

constexpr Range between(Millis least, Millis greatest) {
  return {least.count(), greatest.count()};
}

const KnownSetting* find_known(std::string_view key) {
  for (const KnownSetting& known : known_settings())
    if (known.key == key) return &known;
  return nullptr;
}

const OldName* find_old(std::string_view name) {
  for (const OldName& each : old_setting_names())
    if (each.old == name) return &each;
  return nullptr;
}

/// All that may be written, old names too.
std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const KnownSetting& known : known_settings()) names.emplace_back(known.key);
  for (const OldName& each : old_setting_names()) names.emplace_back(each.old);
  return names;
}

bool parse_number(std::string_view text, std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// A wrong value as the operator wrote it, in one line.
std::string shown(const std::string& value) {
  constexpr std::size_t most = 60;
  std::string line = value.substr(0, most);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return fmt::format("'{}{}'", line, value.size() > most ? "..." : "");
}

/// What is wrong when `value` is not of the kind or out of range; empty when nothing is.
std::string problem_with(const KnownSetting& known, const std::string& value) {
  const auto& [least, greatest] = known.range;
  std::int64_t parsed = 0;
  switch (known.kind) {
    case text:
      // Not shown: it may be a secret.
      return std::any_of(value.begin(), value.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })
                 ? "must have no control characters"
                 : "";
    case flag:
      if (value == "true" || value == "false") return {};
      return fmt::format("{} must be true or false", shown(value));
    case number:
      if (parse_number(value, parsed) && parsed >= least && parsed <= greatest) return {};
      return fmt::format("{} must be a whole number from {} to {}", shown(value), least, greatest);
    case duration:
      if (const auto given = parse_duration(value);
          given && given->count() >= least && given->count() <= greatest)
        return {};
      return fmt::format("{} must be a duration from {} to {}", shown(value), format_duration(Millis(least)),
                         format_duration(Millis(greatest)));
    case table:
      return "is a table of the settings file";
  }
  return {};
}

std::string environment_name(std::string_view key) {
  std::string name = "MARKET_";
  for (const char c : key)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

/// MARKET_ORDERS_…: whoever writes this means a setting. MARKET_ADMIN_EMAIL and the like are of no section.
bool names_a_section(std::string_view name) {
  const auto& all = known_settings();
  return std::any_of(all.begin(), all.end(), [name](const KnownSetting& known) {
    return name.starts_with(environment_name(known.key.substr(0, known.key.find('.') + 1)));
  });
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
  constexpr auto front = by_whole | by_gateway;    // Whoever speaks with browsers.
  constexpr auto by_shop = by_store | by_gateway;  // All but a registry.
  static const std::vector<KnownSetting> all{
      {"http.listen", "127.0.0.1:8080", text, by_all, {}, "address of the entry point"},
      {"http.threads", "0", number, by_all, {0, 256}, "I/O threads; 0: one per core"},
      {"http.body_bytes_max", "1048576", number, by_all, {1, 1 << 30}, "largest body; images: 5 MiB"},
      {"http.connections_max", "50000", number, by_all, {1, 1'000'000}, "open connections in all"},
      {"http.connections_per_address_max", "1000", number, by_all, {0, 1'000'000}, "0: no limit"},
      {"http.drain_time_max", "10s", duration, by_all, between(0s, 1h), "how long a stop waits"},
      {"http.leave_time", "0s", duration, by_all, between(0s, 5min), "not ready, before the door closes"},
      {"http.idle_time_max", "75s", duration, by_all, between(1s, 1h), "how long a silent connection lives"},
      {"http.unfinished_bytes_max",
       "268435456",
       number,
       by_all,
       {1 << 20, 1LL << 40},
       "of bodies on their way"},
      {"http.unfinished_bytes_per_address_max", "33554432", number, by_all, {1 << 20, 1LL << 40}, "the same"},
      {"http.trusted_proxies", "", text, by_all, {}, "networks whose X-Forwarded-For is believed"},
      {"http.access_log", "", text, by_all, {}, "file; '-': standard error; empty: off"},
      {"http.spans_url", "", text, by_all, {}, "http://HOST:PORT/v1/traces; empty: off"},
      {"http.spans_per_million", "10000", number, by_all, {0, 1'000'000}, "how many are traced"},
      {"gateway.default_routes", "true", flag, front, {}, "route /api/v1 to the market-* services"},
      {"gateway.in_flight_max", "10000", number, front, {1, 1'000'000}, "requests under way"},
      {"gateway.streams_max", "20000", number, front | by_store, {1, 1'000'000}, "event streams in all"},
      {"gateway.streams_per_address_max",
       "1000",
       number,
       front | by_store,
       {0, 1'000'000},
       "of one address; 0: any"},
      {"gateway.streams_per_user_max",
       "100",
       number,
       front | by_store,
       {0, 1'000'000},
       "of one user; 0: any"},
      {"gateway.prefer_same_zone", "true", flag, front, {}, "instances of registry.zone first"},
      {"gateway.cors_origins", "", text, front, {}, "origins that browsers may call from; exact"},
      {"gateway.tls_certificate", "", text, front, {}, "PEM file; with it, clients speak TLS"},
      {"gateway.tls_key", "", text, front, {}, "PEM file of the certificate's key"},
      {"gateway.routes", "", table, front, {}, "what is forwarded where: docs/gateway.md"},
      {"gateway.services", "", table, front, {}, "instances that no registry lists"},
      {"auth.key_file", "", text, by_gateway, {}, "token key shared by the roles; empty: none is checked"},
      {"mail.smtp", "", text, by_store, {}, "smtp://HOST:PORT or smtps://HOST:PORT; empty: no mails"},
      {"mail.from", "", text, by_store, {}, "sender of mails: ADDRESS or NAME <ADDRESS>"},
      {"mail.credential", "", text, by_store, {}, "user:password at the mail server"},
      {"mail.credential_file", "", text, by_store, {}, "file with user:password"},
      {"mail.retry_after", "5s", duration, by_store, between(100ms, 1h), "then twice as long, to 1h"},
      {"mail.tls", "required", text, by_store, {}, "required (STARTTLS or smtps) or off"},
      {"mail.tls_ca", "", text, by_store, {}, "PEM file of who may sign for the mail server"},
      {"management.listen", "", text, by_all, {}, "for /metrics and /info; empty: loopback callers only"},
      {"orders.payment_window", "10m", duration, by_store, between(100ms, 720h), "how long unpaid"},
      {"orders.day", "24h", duration, by_store, between(100ms, 240h), "a day of delivery and returns"},
      {"orders.restart_grace", "1m", duration, by_store, between(0s, 24h),
       "the most of a downtime given back"},
      {"orders.attempt_bound", "5s", duration, by_store, between(100ms, 1h), "how long an attempt delays"},
      {"orders.failpoint", "", text, by_store, {}, "for tests: where this process ends itself"},
      {"orders.fold_lag_max", "1000000", number, by_store, {1, 100'000'000}, "events not yet in the records"},
      {"orders.answer_time_max", "5s", duration, by_store, between(100ms, 1min),
       "how long a hung disk keeps an order waiting"},
      {"orders.door", "127.0.0.1:0", text, by_store, {}, "HOST:PORT for other instances; port 0: any"},
      {"orders.door_address", "", text, by_store, {}, "HOST or HOST:PORT that they use; empty: orders.door"},
      {"orders.queue_max", "65536", number, by_store, {1, 10'000'000}, "orders waiting for the gate"},
      {"keys.folder", "", text, by_store, {}, "of all instances' keys; empty: keys/ in the data folder"},
      {"log.level", "info", text, by_all, {}, "trace, debug, info, warn, error, off"},
      {"log.kafka", "", text, by_store, {}, "HOST:PORT of Kafka, by comma; empty: the log is log.db"},
      {"log.kafka_options", "", text, by_store, {}, "of Kafka's client, NAME=VALUE by comma: TLS, SASL"},
      {"log.kafka_options_file", "", text, by_store, {}, "file with log.kafka_options"},
      {"log.replicas", "1", number, by_store, {1, 99}, "of the topic, when it is made"},
      {"log.topic", "market.log", text, by_store, {}, "its name"},
      {"events.topic", "market.events", text, by_store, {}, "of public events, with log.kafka; empty: none"},
      {"log.snapshot_every", "500000", number, by_store, {1, 1'000'000'000}, "events between two snapshots"},
      {"records.mysql",
       "",
       text,
       by_store,
       {},
       "mysql://USER:PASSWORD@HOST:PORT/DATABASE; empty: records.db"},
      {"records.mysql_file", "", text, by_store, {}, "file with records.mysql"},
      {"records.mysql_tls_ca", "", text, by_store, {}, "PEM file; with it the connection is encrypted"},
      {"accounts.mysql", "", text, by_store, {}, "as records.mysql; empty: main.db and payments.db"},
      {"accounts.mysql_file", "", text, by_store, {}, "file with accounts.mysql"},
      {"accounts.mysql_tls_ca", "", text, by_store, {}, "PEM file; with it the connection is encrypted"},
      {"users.email_verification", "optional", text, by_store, {}, "off, optional or required"},
      {"users.hash_threads", "0", number, by_store, {0, 256}, "for password hashing; 0: half the cores"},
      {"users.access_token_life", "15m", duration, by_store, between(1s, access_token_life_max),
       "of an access token"},
      {"payments.stripe_key_file", "", text, by_store, {}, "file with Stripe's secret key; empty: a test"},
      {"payments.stripe_notice_secret_file", "", text, by_store, {}, "file with its webhooks' secret"},
      {"payments.stripe_url", "https://api.stripe.com", text, by_store, {}, "where Stripe is"},
      {"ratelimit.enabled", "true", flag, by_all, {}, "limits per user, address, and connections"},
      {"ratelimit.user_per_second", "100", number, front, {0, 1'000'000}, "twice that at once"},
      {"ratelimit.address_per_second", "2000", number, front, {0, 1'000'000}, "twice that at once"},
      {"redis.servers",
       "",
       text,
       by_shop,
       {},
       "HOST:PORT of Redis, by comma; with Sentinel: of the Sentinels"},
      {"redis.sentinel_master", "", text, by_shop, {}, "the master's name at Sentinel; empty: no Sentinel"},
      {"redis.sentinel_password", "", text, by_shop, {}, "of the Sentinels"},
      {"redis.sentinel_password_file", "", text, by_shop, {}, "file with redis.sentinel_password"},
      {"redis.user", "", text, by_shop, {}, "ACL user; empty: default"},
      {"redis.password", "", text, by_shop, {}, "its password"},
      {"redis.password_file", "", text, by_shop, {}, "file with redis.password"},
      {"redis.secret", "", text, by_shop, {}, "key of the names of limits, the same at every instance"},
      {"redis.secret_file", "", text, by_shop, {}, "file with redis.secret"},
      {"redis.database", "0", number, by_shop, {0, 1'000}, "SELECT"},
      {"redis.tls", "false", flag, by_shop, {}, "encrypted, and the server's certificate is checked"},
      {"redis.tls_ca", "", text, by_shop, {}, "PEM file of who may sign; empty: the system's"},
      {"redis.tls_certificate", "", text, by_shop, {}, "PEM file of our own, for a server that asks"},
      {"redis.tls_key", "", text, by_shop, {}, "PEM file of its key"},
      {"redis.timeout", "200ms", duration, by_shop, between(10ms, 10s), "of a command; then it is away"},
      {"redis.queue_max", "4096", number, by_shop, {1, 1'000'000}, "commands waiting for an answer"},
      {"registry.self_preservation", "true", flag, by_registry, {}, "no mass eviction"},
      {"registry.eviction_interval", "60s", duration, by_registry, between(10ms, 1h), "between two looks"},
      {"registry.cache", "30s", duration, by_registry, between(0s, 1h), "life of a cached answer"},
      {"registry.credential", "", text, by_registry, {}, "user:password; empty: loopback callers only"},
      {"registry.credential_file", "", text, by_registry, {}, "file with user:password"},
      {"registry.public_reads", "false", flag, by_registry, {}, "who reads needs no registry.credential"},
      {"registry.peers", "", text, by_registry, {}, "other registries that every change is told to"},
      {"registry.urls", "", text, by_store | by_gateway, {}, "registries to register with, in this order"},
      {"registry.urls_file", "", text, by_store | by_gateway, {}, "file with registry.urls"},
      {"registry.renewal_interval", "30s", duration, by_store | by_gateway, between(100ms, 1h), "heartbeats"},
      {"registry.lease", "90s", duration, by_store | by_gateway, between(1s, 24h), "silent so long: gone"},
      {"registry.fetch_interval", "30s", duration, by_store | by_gateway, between(100ms, 1h), "without push"},
      {"registry.zone", "", text, by_store | by_gateway, {}, "zone of this process, as metadata"},
      {"registry.networks", "", text, by_all, {}, "where instances may be, by comma; empty: everywhere"},
      {"registry.host", "127.0.0.1", text, by_store | by_gateway, {}, "where others reach this process"},
      {"webhooks.private_networks", "", text, by_store, {}, "inside, and may be posted to all the same"},
      {"webhooks.retry_after", "5s", duration, by_store, between(100ms, 1h), "then twice as long, to 1h"},
      {"webhooks.tls_ca", "", text, by_store, {}, "PEM file of who may sign for receivers"},
  };
  return all;
}

const std::vector<std::string_view>& secret_settings() {
  static const std::vector<std::string_view> all{
      "log.kafka_options", "mail.credential",     "records.mysql",
      "accounts.mysql",    "redis.password",      "redis.secret",
      "registry.urls",     "registry.credential", "redis.sentinel_password"};
  return all;
}

const std::vector<OldName>& old_setting_names() {
  static const std::vector<OldName> all{
      {"gateway.listen", "http.listen"},
      {"gateway.threads", "http.threads"},
      {"gateway.body_bytes_max", "http.body_bytes_max"},
      {"gateway.connections_max", "http.connections_max"},
      {"gateway.connections_per_address_max", "http.connections_per_address_max"},
      {"gateway.drain_time_max", "http.drain_time_max"},
      {"gateway.trusted_proxies", "http.trusted_proxies"},
      {"gateway.access_log", "http.access_log"},
      {"gateway.spans_url", "http.spans_url"},
      {"gateway.spans_per_million", "http.spans_per_million"},
  };
  return all;
}

Settings::Settings() {
  for (const KnownSetting& known : known_settings()) values_.emplace(known.key, known.fallback);
}

std::string_view Settings::give(std::string_view name, const std::string& from) {
  const auto* const old = find_old(name);
  const std::string_view key = old ? old->now : name;
  const auto [as, is_new] = given_as_.emplace(key, name);
  if (!is_new && as->second != name)
    throw UsageError(fmt::format("{}: {} and its old name {} are both given", from, key,
                                 old ? std::string(name) : as->second));
  if (is_new && old) old_names_used_.push_back(*old);
  given_.emplace(key);
  if (from.find(": line ") != std::string::npos)
    given_from_[std::string(key)] = from;
  else
    given_from_.erase(std::string(key));
  return key;
}

void Settings::put(std::string_view name, const std::string& value, const std::string& from) {
  const auto* const old = find_old(name);
  const KnownSetting* known = find_known(old ? old->now : name);
  if (!known)
    throw UsageError(fmt::format("{}: there is no setting {}{}", from, shown(std::string(name)),
                                 suggestion(name, setting_names())));
  const std::string problem = problem_with(*known, value);
  if (!problem.empty()) throw UsageError(fmt::format("{}: {}: {}", from, name, problem));
  values_[std::string(give(name, from))] = value;
}

std::string Settings::located(const std::string& message) const {
  const auto key = message.substr(0, message.find_first_of(": ,"));
  const auto found = given_from_.find(key);
  return found == given_from_.end() ? message : found->second + ": " + message;
}

void Settings::read_file(const std::string& path) {
  const toml::table file = read_toml(path);
  const auto at = [&path](const auto& what) {
    return fmt::format("{}: line {}", path, what.source().begin.line);
  };
  for (const auto& [section, node] : file) {
    const auto* table = node.as_table();
    if (!table)
      throw UsageError(
          fmt::format("{}: '{}' must be a section such as [orders]", at(section), section.str()));
    for (const auto& [key, value] : *table) {
      const std::string name = fmt::format("{}.{}", section.str(), key.str());
      if (const auto* known = find_known(name); known && known->kind == SettingKind::table) {
        give(name, at(key));
        continue;
      }
      const auto text = text_of(value);
      if (!text)
        throw UsageError(fmt::format("{}: {} must be a text, a whole number, true or false", at(key), name));
      put(name, *text, at(key));
    }
  }
}

void Settings::read_environment(const char* const* environment) {
  for (; *environment; ++environment) {
    const std::string_view entry(*environment);
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos || !names_a_section(entry)) continue;
    const std::string name(entry.substr(0, equals));
    std::vector<std::string> environment_names;
    std::string found;
    for (const auto& key : setting_names()) {
      environment_names.push_back(environment_name(key));
      if (environment_names.back() == name) found = key;
    }
    if (found.empty())
      throw UsageError(fmt::format("environment: there is no setting for {}{}", shown(name),
                                   suggestion(name, environment_names)));
    put(found, std::string(entry.substr(equals + 1)), name);
  }
}

void Settings::set(const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos)
    throw UsageError(fmt::format("--set {}: write section.key=value", shown(assignment)));
  const auto name = assignment.substr(0, equals);
  put(name, assignment.substr(equals + 1), "--set");
  const auto* const old = find_old(name);
  given_here_.emplace(old ? old->now : std::string_view(name));
}

void Settings::set_secret(std::string_view key, std::string_view named_by, const std::string& value) {
  if (is_given(key) && !text(key).empty())
    throw UsageError(fmt::format("{}: must not be set beside {}", named_by, key));
  put(key, value, std::string(named_by));
}

std::string Settings::text(std::string_view key) const {
  const auto found = values_.find(key);
  check(found != values_.end(), "a setting is asked for by its name");
  return found->second;
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
