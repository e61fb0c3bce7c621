#pragma once
/// Whom the server of services believes when it says who asks: the networks that the settings name, and the
/// gateways that the registry shows. Whoever can register there could stand between gateways and services
/// anyway (docs/decisions/0024-services-believe-registered-gateways.md).
///
///   TrustedGateways gateways(networks, allowed, server.executor(0), [&](auto all) { … });
///   gateways.look(*discovery.services(), now);  // Now and then.

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "http/message/allowed_addresses.hpp"
#include "ports/discovery.hpp"

namespace market::apps {

class TrustedGateways {
 public:
  using Tell = std::function<void(std::vector<http::Network>)>;
  static constexpr std::size_t gateways_max = 256;  ///< Of their addresses; the others are strangers.

  /// `allowed`: what a name may mean. `tell`: of each change, with all networks; any thread.
  TrustedGateways(std::vector<http::Network> named, http::AllowedAddresses allowed,
                  boost::asio::any_io_executor executor, Tell tell)
      : named_(std::move(named)),
        allowed_(std::move(allowed)),
        executor_(std::move(executor)),
        tell_(std::move(tell)) {}
  /// One thread. Names are resolved anew from time to time: a container comes back with another address.
  void look(const ServiceList& list, Instant now);

 private:
  using Addresses = std::vector<std::string>;
  void resolve(const std::string& host, std::uint16_t port);
  /// With the lock held.
  void tell();

  const std::vector<http::Network> named_;
  const http::AllowedAddresses allowed_;
  const boost::asio::any_io_executor executor_;
  const Tell tell_;
  std::uint64_t version_ = 0;
  Instant resolved_at_{};
  std::mutex mutex_;
  std::map<std::string, Addresses> hosts_;  ///< As registered, and what each means.
  Addresses told_;
};

}  // namespace market::apps
