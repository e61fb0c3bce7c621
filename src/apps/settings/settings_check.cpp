#include "apps/settings/settings_check.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <boost/asio/ssl/context.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "adapters/files/signing_keys.hpp"
#include "adapters/kafka/handle.hpp"
#include "apps/roles/access_log_writer.hpp"
#include "apps/roles/redis_parts.hpp"
#include "apps/roles/registry_client_of.hpp"
#include "apps/roles/registry_parts.hpp"
#include "apps/roles/sale_core.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/settings/gateway_files.hpp"
#include "apps/settings/gateway_settings.hpp"
#include "http/message/target.hpp"

namespace market::apps {

namespace {

/// No other process could honour it.
void expect_effect(const Settings& settings) {
  for (const auto& key : settings_without_effect(settings, ServeRole::all)) {
    if (key == "auth.key_file")
      throw UsageError(
          "auth.key_file: has no effect with --role all: it has the store's own keys (keys/token-signing)");
    throw UsageError(fmt::format("{}: has no effect with --role all: it belongs to --role registry", key));
  }
  if (!settings.flag("gateway.default_routes"))
    throw UsageError(
        "gateway.default_routes: cannot be false with --role all: it serves /api/v1 itself; --role gateway "
        "can");
}

/// A file may be for all roles, with what the gateway's host alone has; who sets it for this process expects
/// it to speak TLS.
void check_tls(const Settings& settings, ServeRole role) {
  if (role == ServeRole::all || role == ServeRole::gateway) {
    tls_of(settings);
    return;
  }
  for (const std::string_view key : {"gateway.tls_certificate", "gateway.tls_key"})
    if (settings.is_given_here(key))
      throw UsageError(
          fmt::format("{}: has no effect in this role: it speaks plain HTTP; TLS ends at the gateway", key));
}

void check_door(const Settings& settings) {
  parse_address("orders.door", settings.text("orders.door"));
  const auto used = settings.text("orders.door_address");
  if (used.empty() || read_address(used)) return;
  if (used.find(':') != std::string::npos || !http::is_valid_host(used))
    throw UsageError(fmt::format("orders.door_address: '{}' is no address; write HOST or HOST:PORT", used));
}

void check_stripe_url(const Settings& settings) {
  const std::string text = settings.text("payments.stripe_url");
  const auto url = boost::urls::parse_uri(text);
  const bool http = url && (url->scheme() == "https" || url->scheme() == "http");
  if (!http || url->host().empty() || url->has_userinfo() || url->has_query() || url->has_fragment())
    throw UsageError(fmt::format("payments.stripe_url: '{}' is no https://HOST", text));
}

/// A file that says which authorities are trusted; empty: what the system trusts.
void expect_authorities(const Settings& settings, std::string_view key) {
  const std::string file = settings.text(key);
  if (file.empty()) return;
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
  boost::system::error_code error;
  context.load_verify_file(file, error);
  if (error)
    throw UsageError(
        fmt::format("{}: {} holds no certificate that can be read: {}", key, file, error.message()));
}

void check_all(const Settings& settings, const std::string& config, ServeRole role) {
  parse_address("http.listen", settings.text("http.listen"));
  if (const auto at = settings.text("management.listen"); !at.empty()) parse_address("management.listen", at);
  check_door(settings);
  log_level_of(settings);
  limits_of(settings);
  failpoint_of(settings);
  email_verification_of(settings);
  kafka_settings(settings);
  if (!settings.text("log.kafka").empty() && settings.duration("orders.answer_time_max") < take_over_max)
    throw UsageError(fmt::format(
        "orders.answer_time_max: with log.kafka {}ms at least: so long may it take until another writes",
        take_over_max.count()));
  event_topic_settings(settings);
  smtp_settings(settings);
  check_stripe_url(settings);
  redis_settings(settings);
  networks_of(settings, "webhooks.private_networks");
  if (mysql_server(settings, "records") && settings.text("log.kafka").empty())
    throw UsageError(
        "records.mysql: needs log.kafka: records that several share are of a log that they share");
  mysql_server(settings, "accounts");
  if (role == ServeRole::all) expect_effect(settings);
  read_gateway_settings(settings, config, role == ServeRole::all);
  // One that is not there yet is waited for; see TokenKeys.
  if (files::has_signing_keys(settings.text("auth.key_file"))) token_keys_of(settings);
  check_tls(settings, role);
  check_access_log(settings);
  collector_of(settings.text("http.spans_url"));
  check_registry_settings(settings);
  registry_client_settings(settings);
}

}  // namespace

void check_settings(const Settings& settings, const std::string& config, ServeRole role) {
  try {
    check_all(settings, config, role);
  } catch (const UsageError& mistake) {
    throw UsageError(settings.located(mistake.what()));
  }
}

void expect_shared(const Settings& settings, const Services& services) {
  if (services.all()) return;
  const auto expect = [&](std::string_view key) {
    if (settings.text(key).empty())
      throw UsageError(fmt::format("--role {}: needs {}: services apart share their data",
                                   fmt::join(services.names(), ","), key));
  };
  expect("accounts.mysql");
  if (!services.follow_log()) return;
  expect("log.kafka");
  expect("records.mysql");
}

void expect_files(const Settings& settings, const Services& services) try {
  std::error_code unknown;
  const std::filesystem::path keys = settings.text("keys.folder");
  if (!keys.empty() && std::filesystem::exists(keys, unknown) &&
      !std::filesystem::is_directory(keys, unknown))
    throw UsageError(fmt::format("keys.folder: {} is not a folder", keys.string()));
  expect_authorities(settings, "mail.tls_ca");
  expect_authorities(settings, "accounts.mysql_tls_ca");
  if (services.order) {
    expect_authorities(settings, "webhooks.tls_ca");
    for (const std::string_view key : {"payments.stripe_key_file", "payments.stripe_notice_secret_file"})
      if (const auto file = settings.text(key); !file.empty()) secret_in_file(key, file);
  }
  if (!services.follow_log()) return;
  expect_authorities(settings, "records.mysql_tls_ca");
  if (!settings.text("log.kafka").empty()) kafka::expect_client(kafka_settings(settings).connection);
} catch (const UsageError& mistake) {
  throw UsageError(settings.located(mistake.what()));
} catch (const std::runtime_error& mistake) {
  throw UsageError(settings.located(fmt::format("log.kafka_options: {}", mistake.what())));
}

user::EmailVerification email_verification_of(const Settings& settings) {
  const std::string text = settings.text("users.email_verification");
  if (text == "off") return user::EmailVerification::off;
  if (text == "optional") return user::EmailVerification::optional;
  if (text == "required") return user::EmailVerification::required;
  throw UsageError(fmt::format("users.email_verification: '{}' is none of off, optional, required", text));
}

std::vector<std::string_view> settings_without_effect(const Settings& settings, ServeRole role) {
  const unsigned here = role == ServeRole::gateway    ? by_gateway
                        : role == ServeRole::registry ? by_registry
                        : role == ServeRole::all      ? by_store | by_whole
                                                      : by_store;
  std::vector<std::string_view> names;
  for (const KnownSetting& known : known_settings())
    if (settings.is_given(known.key) && (known.used_by & here) == 0) names.push_back(known.key);
  return names;
}

}  // namespace market::apps
