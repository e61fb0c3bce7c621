#pragma once
/// Everything the gateway serves by, as one value: a reload swaps it whole or not at all.

#include <map>
#include <string>
#include <vector>

#include "services/gateway/route.hpp"
#include "services/platform/stream_budget.hpp"

namespace market::gateway {

struct GatewayConfig {
  std::vector<Route> routes;
  std::vector<http::Network> trusted_proxies;
  std::size_t body_bytes_max = 1024 * 1024;
  std::int64_t in_flight_max = 10'000;  ///< Of all routes; browsing gets 70 % of it, ordering 90 %.
  bool rate_limits = true;
  platform::StreamLimits streams;
  RateLimit user_rate{100, 200}, address_rate{2'000, 4'000};
  std::optional<CorsPolicy> cors;  ///< Of every route without its own.
  double sampled_share = 0.01;     ///< Of traces, when spans are exported.

  /// Whether any route has one of its own. After complete().
  bool has_body_limits() const { return limits_bodies_; }
  /// Whether any route says itself who may read its answers. Likewise.
  bool has_own_origins() const { return own_origins_; }
  /// Whether a path below /api/v1 may be another's than this process's. Likewise.
  bool leads_away() const { return leads_away_; }
  /// Whether this peer is a proxy that tells rightly who asks, and for what.
  bool trusts(std::string_view peer) const;
  /// Sets each group's ranges and finds the routes that protect something; call it once when all routes are
  /// there.
  void complete();
  /// The first route whose predicates hold; null when there is none, or when a server behind it could read
  /// the request as one that a stronger route protects: its path, host, query, cookies or headers.
  /// `request.path` is in normal form. `random` decides in weight groups. A preflight is the route's whose
  /// answer to it would count: a browser sends none of the fields that the request it announces will have.
  const Route* match(const http::Request& request, std::string_view client, Instant now,
                     std::uint64_t random) const;

 private:
  struct Share {
    unsigned begin = 0, end = 1, total = 1;
  };
  struct Question;
  bool is_drawn(std::size_t route, std::uint64_t random) const;
  bool may_be_stronger(const Question& question, const Route& route, const std::string& path) const;
  template <class PathFits>
  const Route* first(const Question& question, PathFits path_fits) const;
  template <class PathFits>
  const Route* announced(const Question& question, PathFits path_fits) const;
  std::vector<Share> shares_;   ///< By route.
  bool protects_ = false;       ///< Some route does.
  bool limits_bodies_ = false;  ///< Likewise.
  bool own_origins_ = false, leads_away_ = false;
};

}  // namespace market::gateway
