#pragma once
/// Where Redis is, and how long it may take.

#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace market::redis {

struct Address {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const Address&, const Address&) = default;
};
/// `HOST:PORT`, an IPv6 host in brackets.
std::string text_of(const Address& address);

struct ClientSettings {
  /// Servers, of which the one that is master is used; with `sentinel_master`: Sentinels, which are asked.
  std::vector<Address> servers;
  std::string sentinel_master;    ///< The name under which Sentinel knows the master; empty: no Sentinel.
  std::string user, password;     ///< Of an ACL user; no user: `default`.
  std::string sentinel_password;  ///< Of the Sentinels themselves.
  int database = 0;
  bool tls = false;
  std::string tls_ca;                    ///< PEM file of who may sign; empty: the system's.
  std::string tls_certificate, tls_key;  ///< PEM files of our own, for a server that asks.
  Millis timeout{200};            ///< Of one command, from its sending; then the connection is given up.
  std::size_t queue_max = 4'096;  ///< Commands waiting for an answer.
  std::function<void(const std::string&)> warn, inform;  ///< A line for the operator; may be empty.
};

/// What makes no sense together, beginning with the setting's name; empty: nothing.
std::string trouble_with(const ClientSettings& settings);

/// Null: without TLS. Errors: validation, naming the file that cannot be used.
Result<std::shared_ptr<boost::asio::ssl::context>> tls_context(const ClientSettings& settings);

}  // namespace market::redis
