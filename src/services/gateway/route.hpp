#pragma once
/// One route of the gateway: when it is taken (predicates), what it changes (filters), how far it may go
/// (policies). Read from the settings file; immutable while it serves.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "http/message/client_address.hpp"
#include "services/gateway/path_pattern.hpp"
#include "services/gateway/pattern.hpp"
#include "services/gateway/route_state.hpp"

namespace market::gateway {

/// A header, query parameter or cookie that must be there, and fit when a pattern is given.
struct FieldPredicate {
  std::string name;
  std::optional<Pattern> value;
};
struct FieldChange {
  std::string name, value;
};
struct Rewrite {
  Pattern from;
  std::string to;  ///< With `\1` for the first group.
};
/// Answered by the gateway itself.
struct FixedAnswer {
  int status = 200;
  std::string content_type, body, location;
};
/// Token bucket: `burst` at once, `per_second` in the long run. 0: no limit.
struct RateLimit {
  double per_second = 0;
  double burst = 0;
};
struct CorsPolicy {
  std::vector<std::string> origins;  ///< Exact: `https://shop.example`; never `*`.
  std::string methods = "GET, HEAD, POST, PUT, PATCH, DELETE";
  std::string headers =
      "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-Id, "
      "traceparent";
  std::string exposed =
      "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed";
  int max_age_seconds = 600;
};
/// Who is shed last when too much is under way.
enum class Priority : std::uint8_t { paying, ordering, browsing };

struct Route {
  std::string id;
  std::string source;    ///< As the settings wrote it, to tell what a reload changed.
  std::string service;   ///< Of discovery; or
  std::string host;      ///< one fixed address.
  bool at_home = false;  ///< The service is this very process: its handler stands at the end.
  std::uint16_t port = 0;

  // Predicates: all must hold; an empty one always does.
  std::vector<PathPattern> paths;
  std::vector<std::string> hosts;  ///< Lower-case; `*.example.com` too.
  unsigned methods = 0;            ///< Bit per http::Method; 0: all.
  std::vector<FieldPredicate> headers, query, cookies;
  std::vector<http::Network> addresses;
  std::optional<Instant> after, before;
  std::string weight_group;  ///< Routes of one group share the requests by `weight`.
  unsigned weight = 1;

  // Filters.
  std::optional<Rewrite> rewrite;
  std::size_t strip_prefix = 0;  ///< Leading segments to drop.
  std::string prefix_path;
  std::vector<FieldChange> add_request_headers, set_request_headers;
  std::vector<std::string> remove_request_headers;
  std::vector<FieldChange> add_response_headers, set_response_headers;
  std::vector<std::string> remove_response_headers;
  std::optional<FixedAnswer> answer;  ///< Redirects too: nothing is forwarded.
  int set_status = 0;
  std::size_t body_bytes_max = 0;  ///< 0: the gateway's.

  // Policies.
  Millis timeout{10'000};     ///< Of the whole, retries included.
  Millis try_timeout{3'000};  ///< Of one try of a request that may be repeated.
  int retries = 2;
  Millis idle_time{4'000};       ///< Of connections to its instances: shorter than the service's own.
  bool repeat_with_key = false;  ///< The service knows Idempotency-Key: such POSTs may be sent again.
  std::size_t in_flight_max = 2'000;
  BreakerSettings breaker;
  std::optional<FixedAnswer> fallback;
  std::string fallback_service;
  RateLimit user_rate, address_rate, route_rate;
  std::optional<CorsPolicy> cors;
  std::optional<Priority> priority;  ///< nullopt: by path and method.
  bool coalesce = false;
  bool authenticated = false;  ///< Without a valid token: 401 here.

  std::shared_ptr<RouteState> state = std::make_shared<RouteState>();
};

/// market-user, market-product or market-order.
bool is_own_service(std::string_view name);
/// /api/v1/** to market-user, market-product and market-order.
std::vector<Route> default_routes();

}  // namespace market::gateway
