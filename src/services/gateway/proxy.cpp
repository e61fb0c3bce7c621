#include "services/gateway/proxy.hpp"

#include <chrono>

#include "http/message/ascii.hpp"
#include "http/message/problem.hpp"
#include "http/server/io_thread.hpp"
#include "services/gateway/cors.hpp"
#include "services/gateway/forwarded_message.hpp"

namespace market::gateway {
namespace {

std::int64_t steady_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

/// Browsing can be repeated at will.
Priority priority_of(const Route& route, const http::Request& request) {
  if (route.priority) return *route.priority;
  if (request.method == http::Method::get || request.method == http::Method::head) return Priority::browsing;
  if (is_paying(request)) return Priority::paying;
  return Priority::ordering;
}

http::Reply refusal(Code code, const char* detail, const http::Request& request, int retry_after = 0) {
  ErrorExtras extras;
  extras.retry_after_seconds = retry_after;
  return http::problem_reply(Error(code, detail, extras), request.trace_id);
}

http::Reply fixed_reply(const FixedAnswer& answer, const http::Request& request) {
  http::Reply reply;
  reply.status = static_cast<http::Status>(answer.status);
  auto& lines = reply.forwarded.emplace().lines;
  const auto phrase = http::reason_phrase(reply.status);
  lines = "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(phrase == "Unknown" ? "" : phrase) +
          "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  if (!answer.location.empty()) {
    auto location = answer.location;
    if (const auto at = location.find("{path}"); at != std::string::npos)
      location.replace(at, 6, request.path);
    reply.headers.push_back({"Location", std::move(location)});
  }
  if (!answer.content_type.empty()) reply.headers.push_back({"Content-Type", answer.content_type});
  reply.body = answer.body;
  return reply;
}

/// Counts one more while it lives.
class Counted {
 public:
  explicit Counted(std::atomic<std::int64_t>& count) : count_(count) {
    count.fetch_add(1, std::memory_order_relaxed);
  }
  ~Counted() { count_.fetch_sub(1, std::memory_order_relaxed); }
  Counted(const Counted&) = delete;

 private:
  std::atomic<std::int64_t>& count_;
};

void add_limit_fields(http::Reply& reply, const RateLimit& limit, const RateLimiter::Verdict& verdict) {
  const auto quota = std::to_string(static_cast<int>(limit.burst));
  reply.headers.push_back(
      {"RateLimit-Policy",
       "\"default\";q=" + quota +
           ";w=" + std::to_string(std::max(1, static_cast<int>(limit.burst / limit.per_second)))});
  reply.headers.push_back({"RateLimit", "\"default\";r=" + std::to_string(verdict.remaining) +
                                            ";t=" + std::to_string(verdict.reset_seconds)});
}

}  // namespace

bool is_paying(const http::Request& request) {
  return request.path.ends_with("/payment") || request.path.ends_with("/cancel");
}

Proxy::Proxy(ProxyParts parts, std::shared_ptr<const GatewayConfig> config)
    : parts_(parts), config_(std::move(config)) {}

Proxy::Local& Proxy::local() {
  thread_local Local local;
  return local;
}

void Proxy::apply(std::shared_ptr<const GatewayConfig> config) {
  config_.store(std::move(config));
  version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const GatewayConfig> Proxy::current() const {
  struct Seen {
    const Proxy* of = nullptr;
    std::uint64_t version = 0;
    std::shared_ptr<const GatewayConfig> config;
  };
  thread_local Seen seen;
  const auto version = version_.load(std::memory_order_acquire);
  if (seen.of != this || seen.version != version) {
    seen.config = config_.load();
    seen.of = this;
    seen.version = version;
  }
  return seen.config;
}

http::RouteOptions Proxy::options() {
  http::RouteOptions options;
  options.json_body = false;
  options.any_body = true;
  options.body_limit = [this](const http::Request& request) {
    const auto config = current();
    const auto client = http::client_address(request, config->trusted_proxies);
    const Route* const route = config->match(request, client, parts_.clock.now(), 0);
    return route && route->body_bytes_max > 0 ? route->body_bytes_max : config->body_bytes_max;
  };
  return options;
}

Task<http::Reply> Proxy::handle(const http::Request& request) {
  const auto config = current();
  http::IoThread& thread = *http::IoThread::current();
  const auto client = http::client_address(request, config->trusted_proxies);
  const Route* const route = is_ambiguous_path(request.path) || is_internal_path(request.path)
                                 ? nullptr
                                 : config->match(request, client, parts_.clock.now(), thread.ids.next());
  if (!route) co_return fail(Code::not_found, "there is nothing at this path");
  Passage passage{request, *config, *route, client};
  passage.began_ns = steady_ns();
  passage.span = thread.ids.next() | 1;
  passage.safe = request.method == http::Method::get || request.method == http::Method::head;
  passage.repeatable =
      passage.safe || request.method == http::Method::options ||
      (request.method == http::Method::post && is_passed_on(request, *route, "idempotency-key"));
  passage.sampled = config->sampled_share > 0 &&
                    static_cast<double>(thread.ids.next() >> 11) * 0x1p-53 < config->sampled_share;
  auto reply = co_await pass(passage);
  if (!reply) reply = http::problem_reply(reply.error(), request.trace_id);
  const auto& cors = route->cors ? route->cors : config->cors;
  if (cors && !is_preflight(request)) add_cors_fields(*reply, *cors, request);
  if (passage.limit) add_limit_fields(*reply, *passage.limit, passage.verdict);
  if (parts_.journal.wants(passage.sampled)) note(passage, *reply);
  co_return std::move(*reply);
}

Task<http::Reply> Proxy::pass(Passage& passage) {
  const auto& request = passage.request;
  const Route& route = passage.route;
  const auto& cors = route.cors ? route.cors : passage.config.cors;
  if (cors && is_preflight(request)) co_return preflight_answer(*cors, request);
  if (auto refused = check_token(passage)) co_return std::move(*refused);
  if (auto refused = check_limits(passage)) co_return std::move(*refused);
  if (route.answer) co_return fixed_reply(*route.answer, request);
  if (!has_room(passage)) {
    counts_.shed.fetch_add(1, std::memory_order_relaxed);
    route.state->shed.fetch_add(1, std::memory_order_relaxed);
    // Spread over some seconds, or all would come back at once.
    co_return refusal(Code::overloaded, "too many requests are under way", request,
                      1 + static_cast<int>(passage.span % 3));
  }
  const Counted under_way(in_flight_);
  const Counted of_route(route.state->in_flight);
  if (route.coalesce) {
    auto key = coalescing_key(request);
    if (!key.empty()) {
      auto reply = co_await shared(passage, std::move(key));
      co_return reply;
    }
  }
  auto reply = co_await guarded(passage);
  co_return reply;
}

std::optional<http::Reply> Proxy::check_token(Passage& passage) {
  const bool carries = passage.request.has_header("authorization");
  if (!parts_.authenticator || (!carries && !passage.route.authenticated)) {
    if (passage.route.authenticated)  // No key to check with: closed rather than open.
      return refusal(Code::unauthenticated, "sign in first", passage.request);
    return std::nullopt;
  }
  const auto identity = parts_.authenticator->identify(passage.request);
  if (!identity) return http::problem_reply(identity.error(), passage.request.trace_id);
  passage.user = static_cast<std::uint64_t>(identity->user.value);
  return std::nullopt;
}

std::optional<http::Reply> Proxy::check_limits(Passage& passage) {
  const auto& config = passage.config;
  if (!config.rate_limits) return std::nullopt;
  const auto now_ms = passage.began_ns / 1'000'000;
  struct Check {
    const RateLimit* limit;
    std::uint64_t key;
  };
  const Route& route = passage.route;
  const auto name = std::hash<std::string>()(route.id);
  const auto address = http::address_bucket(passage.client);
  const Check checks[] = {
      {&route.route_rate, name},
      {route.address_rate.per_second > 0 ? &route.address_rate : &config.address_rate,
       address ^ (route.address_rate.per_second > 0 ? name * 3 : 1)},
      {route.user_rate.per_second > 0 ? &route.user_rate : &config.user_rate,
       passage.user * 2 ^ (route.user_rate.per_second > 0 ? name * 5 : 2)},
  };
  for (const auto& check : checks) {
    if (check.limit->per_second <= 0 || (&check == &checks[2] && passage.user == 0)) continue;
    const auto verdict = limiter_.take(check.key, *check.limit, now_ms);
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

Task<http::Reply> Proxy::shared(Passage& passage, std::string key) {
  auto& coalescer = local().coalescer;
  key.append("\n").append(passage.route.id);
  if (const auto flight = coalescer.find(key)) {
    co_await flight->join();
    if (flight->reply) {
      counts_.coalesced.fetch_add(1, std::memory_order_relaxed);
      http::Reply copy = *flight->reply;
      co_return copy;
    }
    auto own = co_await guarded(passage);
    co_return own;
  }
  const auto flight = coalescer.begin(key, *http::IoThread::current());
  auto reply = co_await guarded(passage);
  const bool whole =
      reply && !reply->stream && !reply->tunnel &&
      reply->forwarded.value_or(http::ForwardedHead()).lines.find("\r\nSet-Cookie:") == std::string::npos;
  if (whole && flight->joined_count() > 0)
    flight->land(*reply);
  else
    flight->land(std::nullopt);
  co_return reply;
}

/// With the circuit breaker around it.
Task<http::Reply> Proxy::guarded(Passage& passage) {
  const Route& route = passage.route;
  const auto gate = route.state->ask(route.breaker, passage.began_ns / 1'000'000);
  if (gate == RouteState::Gate::closed) {
    route.state->broken_refusals.fetch_add(1, std::memory_order_relaxed);
    auto reply = refusal(Code::overloaded, "the service behind this path fails; try again soon",
                         passage.request, 1 + static_cast<int>(passage.span % 3));
    auto answer = co_await fallback(passage, std::move(reply));
    co_return answer;
  }
  auto reply = co_await forward(passage, route.service);
  if (!reply) {
    route.state->give_back(gate);
    co_return reply;
  }
  const int status = static_cast<int>(reply->status);
  const bool failed = status == 500 || status == 502 || status == 504;
  route.state->report(route.breaker, gate, failed, steady_ns() / 1'000'000);
  if (!failed && !(status == 503 && passage.tries == 0)) co_return reply;
  counts_.failures.fetch_add(1, std::memory_order_relaxed);
  auto answer = co_await fallback(passage, std::move(*reply));
  co_return answer;
}

Task<http::Reply> Proxy::fallback(Passage& passage, http::Reply reply) {
  if (passage.route.fallback) co_return fixed_reply(*passage.route.fallback, passage.request);
  // Only what may be repeated goes to another service: the first may have done it.
  if (!passage.route.fallback_service.empty() && passage.repeatable) {
    auto other = co_await forward(passage, passage.route.fallback_service);
    co_return other;
  }
  co_return reply;
}

void Proxy::note(const Passage& passage, const http::Reply& reply) {
  http::RequestRecord answered;
  answered.took_ns = steady_ns() - passage.began_ns;
  answered.began_unix_ns = parts_.clock.now().time_since_epoch().count() * 1'000'000 - answered.took_ns;
  answered.method = http::method_text(passage.request.method);
  answered.path = passage.request.path;  // Never the query: tokens and names may stand there.
  answered.route = passage.route.id;
  answered.service = passage.route.service;
  answered.instance = passage.instance;
  answered.client = passage.client;
  answered.request_id = passage.request.request_id;
  answered.trace_id = passage.request.trace_id;
  answered.span_id.resize(16);
  http::write_hex(passage.span, answered.span_id.data());
  const auto parent = passage.request.header("traceparent");
  if (!http::trace_id_of(parent).empty()) answered.parent_id = parent.substr(36, 16);
  answered.status = static_cast<int>(reply.status);
  answered.tries = passage.tries;
  answered.bytes = reply.body.size();
  answered.sampled = passage.sampled;
  parts_.journal.take(answered);
}

}  // namespace market::gateway
