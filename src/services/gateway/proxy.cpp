#include "services/gateway/proxy.hpp"

#include <algorithm>
#include <set>

#include "base/steady_time.hpp"
#include "http/message/ascii.hpp"
#include "http/message/normal_path.hpp"
#include "http/message/problem.hpp"
#include "http/message/status_line.hpp"
#include "http/server/io_thread.hpp"
#include "services/gateway/cors.hpp"
#include "services/gateway/counted.hpp"
#include "services/gateway/forwarded_message.hpp"
#include "services/gateway/normal_request.hpp"

namespace market::gateway {
namespace {

http::Reply fixed_reply(const FixedAnswer& answer, const http::Request& request) {
  http::Reply reply;
  reply.status = static_cast<http::Status>(answer.status);
  {
    http::HeadText lines(reply.forwarded.emplace().lines, 256);
    http::append_status_line(lines, reply.status);
    lines.append(http::IoThread::current()->standard.date());
    lines.append("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
  }
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

Proxy::Proxy(ProxyParts parts, std::shared_ptr<const GatewayConfig> config, std::string name)
    : parts_(parts),
      config_(std::move(config)),
      authenticator_(parts.authenticator),
      name_(std::move(name)) {}

std::vector<std::string> Proxy::missing_services() const {
  std::set<std::string> missing;
  for (const auto& route : current()->routes)
    if (!route.service.empty() && !route.at_home && !parts_.balancer.has_instance(route.service))
      missing.insert(route.service);
  return {missing.begin(), missing.end()};
}

void Proxy::add_cors(const http::Request& request, http::Reply& reply) const {
  if (reply.has_origins) return;  // The route it came by is known there.
  const auto& config = current();
  if (!config->cors && !config->has_own_origins()) return;
  const Route* const route = config->has_own_origins() ? route_of(*config, request) : nullptr;
  const auto& cors = route && route->cors ? route->cors : config->cors;
  if (cors) add_cors_fields(reply, *cors, request);
}

bool Proxy::leads_away(const http::Request& request) const {
  const auto& config = current();
  if (!config->leads_away()) return false;
  const Route* const route = route_of(*config, request);
  return route && !route->at_home;
}

const Route* Proxy::route_of(const GatewayConfig& config, const http::Request& request) const {
  if (!request.path.starts_with('/')) return nullptr;  // It may be one that could not be read.
  const NormalRequest normal(request);
  if (!normal.request || is_internal_path(normal.request->path)) return nullptr;
  const auto client = http::client_address(request, config.trusted_proxies);
  return config.match(*normal.request, client, parts_.clock.now(), request.random);
}

Proxy::Local& Proxy::local() {
  thread_local Local local;
  return local;
}

void Proxy::apply(std::shared_ptr<const GatewayConfig> config) {
  config_.store(std::move(config));
  version_.fetch_add(1, std::memory_order_release);
}

const std::shared_ptr<const GatewayConfig>& Proxy::current() const {
  struct Seen {
    const Proxy* of = nullptr;
    std::uint64_t version = 0;
    std::shared_ptr<const GatewayConfig> config;
  };
  thread_local Seen seen;
  const auto version = version_.load(std::memory_order_acquire);
  if (seen.of != this || seen.version != version) {
    // Each thread has an owner of its own: with one for all, each request would write to the same cache line.
    const auto own = std::make_shared<const std::shared_ptr<const GatewayConfig>>(config_.load());
    seen.config = std::shared_ptr<const GatewayConfig>(own, own->get());
    seen.of = this;
    seen.version = version;
  }
  return seen.config;
}

http::RouteOptions Proxy::options() {
  http::RouteOptions options;
  options.json_body = false;
  options.any_body = true;
  options.any_query = true;
  options.body_limit = [this](const http::Request& request) {
    const auto config = current();
    if (!config->has_body_limits()) return config->body_bytes_max;
    const Route* const route = route_of(*config, request);
    return route && route->body_bytes_max > 0 ? route->body_bytes_max : config->body_bytes_max;
  };
  // Whoever is refused by his head alone sends no long body.
  options.head_check = [this](const http::Request& request) -> Result<> {
    const auto config = current();
    const Route* const route = route_of(*config, request);
    if (!route || route->at_home) return fail(Code::not_found, "there is nothing at this path");
    const NormalRequest normal(request);
    const auto user = user_of(*normal.request, *route);
    if (!user) return fail(user.error());
    return {};
  };
  options.ask_ahead = [this](const http::Request& request) { return ask_ahead(request); };
  return options;
}

http::Reply nothing_here(const GatewayConfig& config, const http::Request& request) {
  if (config.cors && is_preflight(request)) return preflight_answer(*config.cors, request);
  return refusal(Code::not_found, "there is nothing at this path", request);  // See add_cors().
}

/// Whoever we trust has decided for its trace; all others' flags would let strangers fill the collector.
bool is_sampled(const http::Request& request, const GatewayConfig& config, std::uint64_t random) {
  const auto parent = request.header("traceparent");
  if (!http::trace_id_of(parent).empty() && config.trusts(request.remote_address))
    return (http::hex_value(parent[54]) & 1) != 0;
  return config.sampled_share > 0 && static_cast<double>(random >> 11) * 0x1p-53 < config.sampled_share;
}

Task<http::Reply> Proxy::handle(const http::Request& request) {
  return is_normal(request) ? handle_normal(request) : handle_other(request);
}

Task<http::Reply> Proxy::handle_other(const http::Request& request) {
  const NormalRequest normal(request);
  if (!normal.request) co_return nothing_here(*current(), request);
  auto reply = co_await handle_normal(*normal.request);
  co_return reply;
}

void Proxy::arrive(const http::Request& request, Arrival& arrival) {
  arrival.config = current();
  arrival.client = http::client_address(request, arrival.config->trusted_proxies);
  if (arrival.client.empty())
    arrival.client = arrival.name = http::name_of_connection(http::IoThread::current()->serving);
  if (is_internal_path(request.path)) return;
  arrival.route = arrival.config->match(request, arrival.client, parts_.clock.now(), request.random);
}

Proxy::Passage Proxy::passage_of(const http::Request& request, const Arrival& arrival) const {
  http::IoThread& thread = *http::IoThread::current();
  Passage passage{request, *arrival.config, *arrival.route, arrival.client};
  passage.named = !arrival.name.empty();
  passage.began_ns = steady_ns();
  passage.span = thread.ids.next() | 1;
  passage.safe = request.method == http::Method::get || request.method == http::Method::head;
  return passage;
}

Task<http::Reply> Proxy::handle_normal(const http::Request& request) {
  Arrival arrival;
  arrive(request, arrival);
  const Route* const route = arrival.route;
  // What is ours has a handler, or is not there.
  if (!route || route->at_home) co_return nothing_here(*arrival.config, request);
  Passage passage = passage_of(request, arrival);
  passage.repeatable =
      passage.safe || request.method == http::Method::options || is_repeatable_post(request, *route);
  if (passage.repeatable && !passage.safe) {
    passage.copies_hi = http::IoThread::current()->ids.next();
    passage.copies_lo = http::IoThread::current()->ids.next();
  }
  passage.sampled = is_sampled(request, *arrival.config, http::IoThread::current()->ids.next());
  auto reply = co_await pass(passage);
  if (!reply) reply = http::problem_reply(reply.error(), request.trace_id);
  complete(passage, *reply);
  note(passage, *reply);
  co_return std::move(*reply);
}

std::optional<http::Reply> Proxy::refuse_or_answer(Passage& passage) {
  const auto& request = passage.request;
  const Route& route = passage.route;
  const auto& cors = route.cors ? route.cors : passage.config.cors;
  if (cors && is_preflight(request)) return preflight_answer(*cors, request);
  if (is_loop(request, name_))
    return http::status_problem(static_cast<http::Status>(508), "this request has come through here before",
                                request.trace_id);
  if (auto refused = check_token(passage)) return refused;
  if (auto refused = check_limits(passage)) return refused;
  if (route.answer) return fixed_reply(*route.answer, request);
  if (has_room(passage)) return std::nullopt;
  counts_.shed.fetch_add(1, std::memory_order_relaxed);
  route.state->shed.fetch_add(1, std::memory_order_relaxed);
  // Spread over some seconds, or all would come back at once.
  return refusal(Code::overloaded, "too many requests are under way", request,
                 1 + static_cast<int>(passage.span % 3));
}

void Proxy::complete(const Passage& passage, http::Reply& reply) const {
  const auto& cors = passage.route.cors ? passage.route.cors : passage.config.cors;
  if (cors && !is_preflight(passage.request)) add_cors_fields(reply, *cors, passage.request);
  reply.has_origins = true;
  if (passage.limit) add_limit_fields(reply, *passage.limit, passage.verdict);
}

Task<http::Reply> Proxy::pass(Passage& passage) {
  const auto& request = passage.request;
  const Route& route = passage.route;
  if (auto answer = refuse_or_answer(passage)) co_return std::move(*answer);
  const Counted under_way(in_flight_);
  const Counted of_route(route.state->in_flight);
  passage.fan_key = fan_key_of(request, route);
  if (!passage.fan_key.empty()) {
    auto reply = co_await fanned(passage);
    co_return reply;
  }
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
  const bool whole = reply && !reply->stream && !reply->tunnel &&
                     !(reply->forwarded && sets_cookie(reply->forwarded->lines));
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
  if (gate == RouteState::Breaker::open) {
    route.state->refused_by_breaker.fetch_add(1, std::memory_order_relaxed);
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
  if (passage.unserved) {  // Nobody was there to fail.
    route.state->give_back(gate);
    counts_.failures.fetch_add(1, std::memory_order_relaxed);
    auto answer = co_await fallback(passage, std::move(*reply));
    co_return answer;
  }
  const int status = static_cast<int>(reply->status);
  const bool failed = status == 500 || status == 502 || status == 504;
  route.state->report(route.breaker, gate, failed, steady_ns() / 1'000'000);
  if (!failed) co_return reply;
  counts_.failures.fetch_add(1, std::memory_order_relaxed);
  auto answer = co_await fallback(passage, std::move(*reply));
  co_return answer;
}

Task<http::Reply> Proxy::fallback(Passage& passage, http::Reply reply) {
  if (passage.route.fallback) co_return fixed_reply(*passage.route.fallback, passage.request);
  // What the first service may have done already is not for another to do, unless it may be repeated.
  if (!passage.route.fallback_service.empty() && (passage.repeatable || !passage.reached)) {
    auto other = co_await forward(passage, passage.route.fallback_service);
    co_return other;
  }
  co_return reply;
}

void Proxy::note(const Passage& passage, http::Reply& reply) {
  reply.noted = true;
  if (!parts_.access_log.wants(passage.sampled)) return;
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
  parts_.access_log.take(answered);
}

}  // namespace market::gateway
