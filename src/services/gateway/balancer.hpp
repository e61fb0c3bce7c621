#pragma once
/// Which instance a request goes to: of two picked at random, the one with fewer requests under way; one of
/// our own zone as long as there is a healthy one.

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <span>

#include "ports/discovery.hpp"
#include "services/gateway/backend.hpp"

namespace market::gateway {

struct BalancerSettings {
  BackendLimits limits;
  std::string zone;  ///< Ours: its instances are preferred. Empty: all are alike.
  /// Of instances that registered themselves; null: they may be anywhere. Outlives the balancer.
  const http::AllowedAddresses* allowed = nullptr;
};

class Balancer {
 public:
  Balancer(const Discovery& discovery, BalancerSettings settings)
      : discovery_(discovery),
        limits_(settings.limits),
        zone_(std::move(settings.zone)),
        allowed_(settings.allowed) {}

  enum class Want : std::uint8_t {
    any,
    decider,  ///< Of orders: whoever decides them, as long as it is not the one that has too much to do.
    anybody,  ///< Who answers at all: behind those that work the ejected ones, too.
  };
  /// None of `tried`; null when there is no other. `random` decides between equals. An ejected one only when
  /// all are, or for whoever wants anybody: one of `tried` that is not may be slow or busy, and is there.
  BackendPtr choose(const std::string& service, std::span<const BackendPtr> tried, std::int64_t now_ms,
                    std::uint64_t random, Want want = Want::any);
  /// One that is not known to be dead.
  bool has_instance(const std::string& service) const;
  /// Whether new requests may go there: one that is listed as up, or that of a fixed address.
  bool leads_to(const BackendPtr& instance, std::int64_t now_ms);
  /// The one instance of a route with a fixed address.
  BackendPtr fixed(const std::string& host, std::uint16_t port);
  const BackendLimits& limits() const { return limits_; }
  /// The settings were read again. `allowed` outlives the balancer, as the one before must. Any thread.
  void apply(std::string zone, const http::AllowedAddresses* allowed);
  /// All that were ever chosen from and are still listed.
  std::vector<BackendPtr> all() const;

 private:
  struct Pool {
    std::vector<BackendPtr> near, far;  ///< Far: of other zones.
  };
  using Services = std::map<std::string, Pool, std::less<>>;
  struct View {
    std::shared_ptr<const ServiceList> of;
    std::uint64_t generation = 0;
    Services services;
  };
  std::shared_ptr<const View> view(std::int64_t now_ms);
  std::shared_ptr<const View> rebuilt(std::shared_ptr<const ServiceList> list, std::int64_t now_ms);
  static bool has(const Pool& pool, const ServiceInstance& instance);
  BackendPtr known(const ServiceInstance& instance, std::int64_t now_ms);
  /// With the lock held.
  std::shared_ptr<ReadersPlaces> places_of(const std::string& host, std::uint16_t port);
  struct LastHope {
    BackendPtr instance;  ///< The first that is ejected and not quite dead.
    bool is_due = true;   ///< None of those that were tried works.
  };
  /// Of the healthy ones; null: there is none.
  BackendPtr pick(const std::vector<BackendPtr>& from, std::span<const BackendPtr> tried, std::int64_t now_ms,
                  std::uint64_t random, Want want, LastHope& last_hope) const;

  const Discovery& discovery_;
  const BackendLimits limits_;
  std::atomic<std::uint64_t> generation_{0};  ///< Of zone and networks.
  mutable std::mutex mutex_;  ///< Of what follows: taken when the list has changed, never per request.
  std::string zone_;
  const http::AllowedAddresses* allowed_;
  std::shared_ptr<const View> newest_;
  std::map<std::pair<std::string, std::uint16_t>, BackendPtr> fixed_;
  std::map<std::pair<std::string, std::uint16_t>, std::weak_ptr<ReadersPlaces>> places_;
};

/// Counts a request of an instance while it is under way.
class UnderWay {
 public:
  explicit UnderWay(Backend& instance) : instance_(instance) {
    instance.in_flight.fetch_add(1, std::memory_order_relaxed);
    instance.requests.fetch_add(1, std::memory_order_relaxed);
  }
  ~UnderWay() { instance_.in_flight.fetch_sub(1, std::memory_order_relaxed); }
  UnderWay(const UnderWay&) = delete;

 private:
  Backend& instance_;
};

}  // namespace market::gateway
