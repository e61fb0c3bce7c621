#pragma once
/// The gateway's handler: finds the route, applies its policies, forwards, retries where that is safe.
///
///   Proxy proxy({balancer, authenticator, journal, clock}, config);
///   router.set_fallback([&](const Request& r) { return proxy.handle(r); }, proxy.options());

#include <atomic>
#include <memory>

#include "http/server/access_log.hpp"
#include "http/server/router.hpp"
#include "services/auth/authenticator.hpp"
#include "services/gateway/balancer.hpp"
#include "services/gateway/coalescer.hpp"
#include "services/gateway/gateway_config.hpp"
#include "services/gateway/rate_limiter.hpp"
#include "services/gateway/retry_budget.hpp"

namespace market::http {
struct Call;
}

namespace market::gateway {

struct ProxyParts {
  Balancer& balancer;
  const auth::Authenticator* authenticator;  ///< Null: services alone check tokens.
  http::AccessLog& journal;
  const Clock& clock;
};

/// Paying is what has cost the buyer most already: shed last. It calls a provider, so it may take long.
bool is_paying(const http::Request& request);

class Proxy {
 public:
  Proxy(ProxyParts parts, std::shared_ptr<const GatewayConfig> config);

  Task<http::Reply> handle(const http::Request& request);
  http::RouteOptions options();
  /// Requests under way end with the old one.
  void apply(std::shared_ptr<const GatewayConfig> config);
  std::shared_ptr<const GatewayConfig> config() const { return config_.load(); }

  struct Counts {
    std::atomic<std::uint64_t> forwarded{0}, retries{0}, shed{0}, rate_limited{0}, coalesced{0}, failures{0};
  };
  const Counts& counts() const { return counts_; }
  std::int64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  /// What belongs to one thread alone.
  struct Local {
    RetryBudget broken{100};  ///< After a connection died: a killed instance loses many at once.
    RetryBudget refused{10};  ///< After a bad answer or a time-out.
    Coalescer coalescer;
  };
  /// What is found out about one request on its way.
  struct Passage {
    const http::Request& request;
    const GatewayConfig& config;
    const Route& route;
    std::string_view client;
    std::uint64_t user = 0;  ///< 0: nobody signed in, or we cannot tell.
    std::int64_t began_ns = 0;
    std::uint64_t span = 0;
    bool sampled = false, repeatable = false, safe = false;
    int tries = 0;
    std::string instance;
    RateLimiter::Verdict verdict;
    const RateLimit* limit = nullptr;
  };

  Local& local();
  std::shared_ptr<const GatewayConfig> current() const;
  Task<http::Reply> pass(Passage& passage);
  Task<http::Reply> guarded(Passage& passage);
  Task<http::Reply> shared(Passage& passage, std::string key);
  Task<http::Reply> forward(Passage& passage, std::string service);
  Task<http::Reply> fallback(Passage& passage, http::Reply reply);
  /// Nullopt: may pass.
  std::optional<http::Reply> check_limits(Passage& passage);
  std::optional<http::Reply> check_token(Passage& passage);
  bool has_room(const Passage& passage) const;
  void prepare(http::Call& call, const Passage& passage, const Instance& instance, std::string_view target,
               std::int64_t left_ms);
  http::Reply reply_of(http::Call& call, const Passage& passage, const InstancePtr& instance);
  void note(const Passage& passage, const http::Reply& reply);

  ProxyParts parts_;
  std::atomic<std::shared_ptr<const GatewayConfig>> config_;
  std::atomic<std::uint64_t> version_{1};
  std::atomic<std::int64_t> in_flight_{0};
  RateLimiter limiter_;
  Counts counts_;
};

}  // namespace market::gateway
