#pragma once
/// Which instance a request goes to: of two picked at random, the one with fewer requests under way.

#include <array>
#include <map>
#include <mutex>
#include <span>

#include "ports/discovery.hpp"
#include "services/gateway/instance.hpp"

namespace market::gateway {

class Balancer {
 public:
  Balancer(const Discovery& discovery, InstanceLimits limits) : discovery_(discovery), limits_(limits) {}

  /// None of `tried`; null when there is no other. `random` decides between equals.
  InstancePtr choose(const std::string& service, std::span<const InstancePtr> tried, std::int64_t now_ms,
                     std::uint64_t random);
  /// The one instance of a route with a fixed address.
  InstancePtr fixed(const std::string& host, std::uint16_t port);
  const InstanceLimits& limits() const { return limits_; }
  /// All that were ever chosen from and are still listed.
  std::vector<InstancePtr> all() const;

 private:
  using Services = std::map<std::string, std::vector<InstancePtr>, std::less<>>;
  struct View {
    std::shared_ptr<const ServiceList> of;
    Services services;
  };
  std::shared_ptr<const View> view(std::int64_t now_ms);
  std::shared_ptr<const View> rebuilt(std::shared_ptr<const ServiceList> list, std::int64_t now_ms);

  const Discovery& discovery_;
  InstanceLimits limits_;
  mutable std::mutex mutex_;  ///< Of what follows: taken when the list has changed, never per request.
  std::shared_ptr<const View> newest_;
  std::map<std::pair<std::string, std::uint16_t>, InstancePtr> fixed_;
};

/// Counts a request of an instance while it is under way.
class UnderWay {
 public:
  explicit UnderWay(Instance& instance) : instance_(instance) {
    instance.in_flight.fetch_add(1, std::memory_order_relaxed);
    instance.requests.fetch_add(1, std::memory_order_relaxed);
  }
  ~UnderWay() { instance_.in_flight.fetch_sub(1, std::memory_order_relaxed); }
  UnderWay(const UnderWay&) = delete;

 private:
  Instance& instance_;
};

}  // namespace market::gateway
