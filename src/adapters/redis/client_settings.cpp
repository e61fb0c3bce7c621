#include "adapters/redis/client_settings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace market::redis {

namespace ssl = boost::asio::ssl;

std::string text_of(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

std::string trouble_with(const ClientSettings& settings) {
  if (settings.servers.empty()) return "redis.servers: names no server";
  for (const Address& server : settings.servers) {
    if (server.port == 0) return fmt::format("redis.servers: {} has no port", text_of(server));
    if (std::count(settings.servers.begin(), settings.servers.end(), server) > 1)
      return fmt::format("redis.servers: {} stands twice", text_of(server));
  }
  if (!settings.user.empty() && settings.password.empty()) return "redis.user: needs redis.password";
  if (!settings.sentinel_password.empty() && settings.sentinel_master.empty())
    return "redis.sentinel_password: needs redis.sentinel_master";
  if (settings.tls_certificate.empty() != settings.tls_key.empty())
    return settings.tls_key.empty() ? "redis.tls_certificate: needs redis.tls_key"
                                    : "redis.tls_key: needs redis.tls_certificate";
  if (!settings.tls && !settings.tls_ca.empty()) return "redis.tls_ca: needs redis.tls";
  if (!settings.tls && !settings.tls_key.empty()) return "redis.tls_key: needs redis.tls";
  const auto context = tls_context(settings);
  return context ? std::string() : context.error().detail;
}

Result<std::shared_ptr<ssl::context>> tls_context(const ClientSettings& settings) {
  if (!settings.tls) return std::shared_ptr<ssl::context>();
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                       ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  context->set_verify_mode(ssl::verify_peer);
  boost::system::error_code error;
  const auto refuse = [&error](const char* setting, const std::string& file) {
    return fail(Code::validation, fmt::format("{}: {} cannot be used: {}", setting, file, error.message()));
  };
  if (settings.tls_ca.empty())
    context->set_default_verify_paths(error);
  else
    context->load_verify_file(settings.tls_ca, error);
  if (error) return refuse("redis.tls_ca", settings.tls_ca);
  if (settings.tls_key.empty()) return context;
  context->use_certificate_chain_file(settings.tls_certificate, error);
  if (error) return refuse("redis.tls_certificate", settings.tls_certificate);
  context->use_private_key_file(settings.tls_key, ssl::context::pem, error);
  if (error) return refuse("redis.tls_key", settings.tls_key);
  return context;
}

}  // namespace market::redis
