#include "apps/roles/trusted_gateways.hpp"

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <set>

#include "http/client/name_resolver.hpp"

namespace market::apps {
namespace {

constexpr Millis resolve_again{30'000};
constexpr Millis resolve_time_max{2'000};

bool is_address(const std::string& host) {
  http::AddressBytes bytes;
  return http::parse_ip(host, bytes);
}

}  // namespace

void TrustedGateways::look(const ServiceList& list, Instant now) {
  const bool again = now - resolved_at_ >= resolve_again;
  if (list.version == version_ && !again) return;
  version_ = list.version;
  if (again) resolved_at_ = now;
  std::map<std::string, std::uint16_t> names;
  {
    const std::scoped_lock lock(mutex_);
    const auto before = std::exchange(hosts_, {});
    if (const auto found = list.services.find("market-gateway"); found != list.services.end())
      for (const auto& gateway : found->second)
        for (const auto& host : {gateway.host, gateway.address}) {
          if (host.empty()) continue;
          const auto known = before.find(host);
          if (is_address(host)) {
            hosts_[host] = {host};
          } else {
            hosts_[host] = known == before.end() ? Addresses() : known->second;
            if (again || known == before.end()) names.emplace(host, gateway.port);
          }
        }
    tell();
  }
  for (const auto& [host, port] : names) resolve(host, port);
}

void TrustedGateways::resolve(const std::string& host, std::uint16_t port) {
  http::NameResolver::shared().resolve(executor_, host, std::to_string(port), resolve_time_max,
                                       [this, host](const http::NameResolver::Answer& answer) {
                                         if (answer.error)
                                           return;  // What it meant before, it may mean still.
                                         Addresses found;
                                         for (const auto& endpoint : answer.endpoints)
                                           if (allowed_.refusal(endpoint.address()).empty())
                                             found.push_back(endpoint.address().to_string());
                                         const std::scoped_lock lock(mutex_);
                                         const auto asked = hosts_.find(host);
                                         if (asked == hosts_.end()) return;
                                         asked->second = std::move(found);
                                         tell();
                                       });
}

void TrustedGateways::tell() {
  std::set<std::string> all;
  for (const auto& [host, addresses] : hosts_)
    for (const auto& address : addresses)
      if (all.size() < gateways_max && is_address(address)) all.insert(address);
  Addresses now(all.begin(), all.end());
  if (now == told_) return;
  told_ = std::move(now);
  spdlog::info("gateways that the registry shows, and whose word about clients is taken: {}",
               told_.empty() ? "none" : fmt::format("{}", fmt::join(told_, ", ")));
  auto networks = named_;
  for (const auto& address : told_) networks.emplace_back(address);
  tell_(std::move(networks));
}

}  // namespace market::apps
