// A client that waits with its body for a word (Expect: 100-continue) gets the final answer at once when the
// head alone decides it, also when it is the service that decides.

#include <chrono>

#include "base/steady_time.hpp"
#include "http/client/upstream.hpp"
#include "http/server/io_thread.hpp"
#include "services/gateway/counted.hpp"
#include "services/gateway/forwarded_message.hpp"
#include "services/gateway/normal_request.hpp"
#include "services/gateway/proxy.hpp"

namespace market::gateway {
namespace {

constexpr std::chrono::milliseconds ask_time_max{1'000};  ///< Then the client is told to go on: as curl does.

}  // namespace

/// Whoever was asked has taken its tokens of the limits, so it is the same path as with the body that counts.
Task<std::optional<http::Reply>> Proxy::ask_ahead(const http::Request& given) {
  std::optional<http::Reply> reply;
  const NormalRequest normal(given);
  if (!normal.request) co_return reply;
  const http::Request& request = *normal.request;
  Arrival arrival;
  arrive(request, arrival);
  const Route* const route = arrival.route;
  if (!route || route->at_home) co_return reply;
  Passage passage = passage_of(request, arrival);
  passage.asks = true;
  passage.sampled = is_sampled(request, *arrival.config, http::IoThread::current()->ids.next());
  reply = refuse_or_answer(passage);
  if (!reply) {
    const Counted under_way(in_flight_);
    const Counted of_route(route->state->in_flight);
    auto asked = co_await ask_service(passage);
    if (asked) reply = std::move(*asked);
  }
  if (!reply) co_return reply;  // It comes again, with its body.
  complete(passage, *reply);
  note(passage, *reply);
  co_return reply;
}

/// Its head goes alone, on a connection that ends with the first word: a client that takes its time with the
/// body holds none of the instance's. Only our own services are asked, as they begin nothing before they have
/// the body; others may (Node calls its handler for the head), and would then have been asked twice.
Task<std::optional<http::Reply>> Proxy::ask_service(Passage& passage) {
  std::optional<http::Reply> reply;
  const Route& route = passage.route;
  const auto target = forwarded_target(passage.request, route);
  if (!target || !is_own_service(route.service)) co_return reply;
  http::IoThread& thread = *http::IoThread::current();
  const auto instance = parts_.balancer.choose(route.service, {}, steady_ms(), thread.ids.next());
  if (!instance) co_return reply;
  passage.tries = 1;
  if (parts_.access_log.is_on()) passage.instance = instance->host + ":" + std::to_string(instance->port);
  const auto time = std::min<std::int64_t>(ask_time_max.count(), route.timeout.count());
  http::Call call;
  prepare(call, passage, *instance, *target, time);
  call.deadline_ms = thread.now_ms() + time;
  {
    const UnderWay under_way(*instance);
    auto& upstream =
        http::upstreams_of(thread).at(instance->host, instance->port, instance->allowed, instance->address);
    co_await upstream.exchange(call);
  }
  // What says nothing of the request itself is found out again with its body, and repeated then.
  if (call.outcome == http::Outcome::answered && call.response->status < 500)
    reply = reply_of(call, passage, instance);
  co_return reply;
}

}  // namespace market::gateway
