// What a request must pass before it is sent on: its token, the limits, and room.

#include "http/message/problem.hpp"
#include "http/message/websocket.hpp"
#include "services/auth/session_cookies.hpp"
#include "services/gateway/proxy.hpp"

namespace market::gateway {
namespace {

/// Browsing can be repeated at will.
Priority priority_of(const Route& route, const http::Request& request) {
  if (route.priority) return *route.priority;
  if (request.method == http::Method::get || request.method == http::Method::head) return Priority::browsing;
  if (is_paying(request)) return Priority::paying;
  return Priority::ordering;
}

/// Nobody is there to answer: certainly nothing was done. Not `overloaded`, which is told to those who press.
http::Reply unserved(const char* detail, const http::Request& request) {
  auto reply = http::status_problem(http::Status::unavailable, detail, request.trace_id);
  reply.headers.push_back({"Retry-After", "1"});
  return reply;
}

}  // namespace

http::Reply refusal(Code code, const char* detail, const http::Request& request, int retry_after) {
  ErrorExtras extras;
  extras.retry_after_seconds = retry_after;
  return http::problem_reply(Error(code, detail, extras), request.trace_id);
}

Result<std::uint64_t> Proxy::user_of(const http::Request& request, const Route& route) const {
  const bool carries = request.has_header("authorization");
  if (!carries && !auth::value_of(auth::access_cookie, request)) {
    if (route.authenticated) return fail(Code::unauthenticated, "sign in first");
    return 0;
  }
  const auto* const authenticator = authenticator_.load(std::memory_order_acquire);
  if (!authenticator) return 0;  // The services check for themselves.
  const auto identity = authenticator->identify(request);
  // Behind a WebSocket's handshake nobody asks any more from which page it came.
  const bool is_foreign = !identity && identity.error().code == Code::forbidden;
  if (!identity && (route.authenticated || (is_foreign && http::is_websocket_upgrade(request))))
    return fail(identity.error());
  // Many clients send their token to public operations, too, such as the one that gets a new token for one
  // that has ended. Which operation needs one, the service says; and whether the page is ours, by what it
  // sees of it: here the limits count for whose cookie it is.
  const auto owner = is_foreign ? authenticator->whose(request) : identity;
  return owner ? static_cast<std::uint64_t>(owner->user.value) : 0;
}

std::optional<http::Reply> Proxy::check_token(Passage& passage) {
  const Route& route = passage.route;
  if (route.at_home && !route.authenticated) {  // Its handler says who may; here only whose limits count.
    if (passage.config.rate_limits) passage.user = user_of(passage.request, route).value_or(0);
    return std::nullopt;
  }
  const auto user = user_of(passage.request, passage.route);
  if (!user) return http::problem_reply(user.error(), passage.request.trace_id);
  passage.user = *user;
  if (passage.route.authenticated && !authenticator_.load(std::memory_order_acquire))
    return unserved("tokens cannot be checked yet: the key is not there", passage.request);
  return std::nullopt;
}

std::array<Proxy::LimitCheck, 3> Proxy::limits_of(const Passage& passage) const {
  const auto& config = passage.config;
  const Route& route = passage.route;
  const auto name = std::hash<std::string>()(route.id);
  // Of a connection's name: that connection's. The same name is somebody else's at another gateway.
  const auto address = http::address_bucket(passage.client) ^ (passage.named ? name_bits_ : 0);
  // What all share comes last: whoever is refused for himself takes nothing of it.
  std::array<LimitCheck, 3> checks{{
      {route.user_rate.per_second > 0 ? &route.user_rate : &config.user_rate,
       passage.user * 2 ^ (route.user_rate.per_second > 0 ? name * 5 : 2)},
      {route.address_rate.per_second > 0 ? &route.address_rate : &config.address_rate,
       address ^ (route.address_rate.per_second > 0 ? name * 3 : 1)},
      {&route.route_rate, name},
  }};
  for (auto& check : checks)
    if (check.limit->per_second <= 0) check.limit = nullptr;
  if (passage.user == 0) checks[0].limit = nullptr;
  return checks;
}

std::optional<http::Reply> Proxy::check_limits(Passage& passage) {
  if (!passage.config.rate_limits) return std::nullopt;
  for (const auto& check : limits_of(passage)) {
    if (!check.limit) continue;
    const auto verdict =
        limiter_.take(check.key, *check.limit, passage.began_ns / 1'000'000, passage.request.asked_ahead);
    // The answer tells of the tightest one.
    if (!passage.limit || verdict.remaining < passage.verdict.remaining) {
      passage.limit = check.limit;
      passage.verdict = verdict;
    }
    if (verdict.allowed) continue;
    passage.limit = check.limit;
    passage.verdict = verdict;
    counts_.rate_limited.fetch_add(1, std::memory_order_relaxed);
    return refusal(Code::rate_limited, "too many requests", passage.request, verdict.reset_seconds);
  }
  return std::nullopt;
}

bool Proxy::has_room(const Passage& passage) const {
  const auto max = passage.config.in_flight_max;
  const auto now = in_flight_.load(std::memory_order_relaxed);
  switch (priority_of(passage.route, passage.request)) {
    case Priority::browsing:
      if (now >= max * 7 / 10) return false;
      break;
    case Priority::ordering:
      if (now >= max * 9 / 10) return false;
      break;
    case Priority::paying:
      if (now >= max) return false;
      break;
  }
  const auto of_route = passage.route.state->in_flight.load(std::memory_order_relaxed);
  return of_route < static_cast<std::int64_t>(passage.route.in_flight_max);
}

}  // namespace market::gateway
