// The end of the chain that is this process: a handler instead of an instance.

#include "http/message/problem.hpp"
#include "http/message/sse.hpp"
#include "services/gateway/counted.hpp"
#include "services/gateway/proxy.hpp"

namespace market::gateway {

http::Handler Proxy::before(http::Handler handler) {
  return [this, handler = std::move(handler)](const http::Request& request) {
    return at_home(handler, request);
  };
}

Task<http::Reply> Proxy::at_home(const http::Handler& handler, const http::Request& request) {
  Arrival arrival;
  arrive(request, arrival);
  const Route* const route = arrival.route;
  if (!route) co_return nothing_here(*arrival.config, request);
  if (!route->at_home) {  // The settings lead elsewhere, and its path may be one that has no safe form.
    auto reply = co_await handle(request);
    co_return reply;
  }
  Passage passage = passage_of(request, arrival);
  if (auto refused = refuse_or_answer(passage)) {
    complete(passage, *refused);
    co_return std::move(*refused);
  }
  const Counted under_way(in_flight_);
  const Counted of_route(route->state->in_flight);
  auto reply = co_await handler(request);
  if (!reply && reply.error().code == Code::internal) co_return reply;  // The server writes down what it was.
  if (!reply) reply = http::problem_reply(reply.error(), request.trace_id);
  if (reply->stream && reply->content_type == http::event_stream_type)
    reply = with_place(passage, std::move(*reply));
  complete(passage, *reply);
  co_return reply;
}

}  // namespace market::gateway
