// The forwarding half of the proxy: one request to one instance after another, until an answer or the end.

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "base/steady_time.hpp"
#include "http/client/upstream.hpp"
#include "http/message/ascii.hpp"
#include "http/message/host_address.hpp"
#include "http/message/problem.hpp"
#include "http/message/websocket.hpp"
#include "http/server/tunnel.hpp"
#include "services/gateway/forwarded_message.hpp"
#include "services/gateway/proxy.hpp"

namespace market::gateway {
namespace {

using http::Call;
using http::Outcome;
using http::Status;

constexpr int free_tries_max = 8;  ///< Tries that certainly did nothing, at instances that are there.
constexpr std::size_t shared_body_bytes_max = 4 * 1024;  ///< A longer one would hold up those behind it.

/// In API.md's word: not `overloaded`, as nobody is there who could be.
http::Reply no_instance(const http::Request& request, int retry_after_seconds) {
  auto reply =
      http::status_problem(Status::unavailable, "no instance of the service answers", request.trace_id);
  reply.headers.push_back({"Retry-After", std::to_string(retry_after_seconds)});
  return reply;
}

/// By its id an answer is known, and the instance as one that repeats ids. Others' services repeat those that
/// they find valid: by a client's, all other answers would look wrong. Ours repeat every one.
bool tells_whose_answer(const http::Request& request, const Backend& instance) {
  if (is_own_service(instance.service)) return true;
  return std::none_of(request.headers.begin(), request.headers.end(), [&request](const auto& field) {
    return http::same_letters(field.name, "x-request-id") && field.value == request.request_id;
  });
}

/// What a stream may send in one go is nobody else's to wait for, nor what may take long.
http::Lane lane_of(const http::Request& request, bool safe, bool repeatable) {
  if (safe)
    return request.body.empty() && request.header("accept").find("event-stream") == std::string_view::npos
               ? http::Lane::safe
               : http::Lane::alone;
  const bool keyed = repeatable && request.method == http::Method::post;
  return keyed && request.body.size() <= shared_body_bytes_max && !is_paying(request) ? http::Lane::keyed
                                                                                      : http::Lane::alone;
}

}  // namespace

http::Reply unknown_outcome(Status status, std::string_view detail, const http::Request& request) {
  auto reply = http::status_problem(status, detail, request.trace_id);
  reply.headers.push_back({"Retry-After", "1"});
  return reply;
}

Task<> pass_on(std::shared_ptr<http::AnswerStream> from, http::Stream& to) {
  for (;;) {
    auto piece = co_await from->next();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return Result<>();
    const auto written = co_await to.write(std::move(*piece));
    if (!written) co_return fail(written.error());
  }
}

void Proxy::prepare(Call& call, const Passage& passage, const Backend& instance, std::string_view target,
                    std::int64_t left_ms) {
  char span[16];
  http::write_hex(passage.span, span);
  Hop hop;
  hop.client = passage.client;
  hop.peer = passage.request.remote_address;
  const bool behind_ours = passage.config.trusts(hop.peer);
  const auto told = [&](std::string_view field) {
    return behind_ours ? passage.request.only_header(field).value_or(std::string_view()) : std::string_view();
  };
  const bool secure = passage.request.secure || http::same_letters(told("x-forwarded-proto"), "https");
  hop.scheme = secure ? "https" : "http";
  hop.host = told("x-forwarded-host");
  if (hop.host.empty()) hop.host = passage.request.header("host");
  hop.anonymous = passage.anonymous;
  hop.span_id = {span, sizeof span};
  hop.sampled = passage.sampled;
  hop.request_hi = passage.copies_hi;
  hop.request_lo = passage.copies_lo;
  if (passage.repeatable && passage.request.method == http::Method::post) hop.copy = passage.tries;
  hop.left_ms = left_ms;
  hop.name = name_;
  std::string host = http::host_in_url(instance.host);
  host.append(":").append(std::to_string(instance.port));
  call.upgrade = http::is_websocket_upgrade(passage.request);
  // A second try stands alone: whatever befell the first one, it befalls no one else with it.
  if (!call.upgrade && passage.tries == 1 && !passage.asks)
    call.lane = lane_of(passage.request, passage.safe, passage.repeatable);
  hop.independent = call.lane == http::Lane::keyed;
  hop.asks = call.asks = passage.asks;
  call.head.reserve(1024);
  append_forwarded_request(call.head, passage.request, passage.route, target, host, hop, call.upgrade);
  if (!passage.asks) call.body = passage.request.body;
  if (tells_whose_answer(passage.request, instance)) call.request_id = passage.request.request_id;
  call.idle_time = passage.route.idle_time;
  call.fresh = passage.tries > 1 || passage.asks;
  call.answers_head = passage.request.method == http::Method::head;
}

http::Reply Proxy::reply_of(Call& call, const Passage& passage, const BackendPtr& instance) {
  http::Reply reply;
  set_forwarded_answer(reply, *call.response, passage.route, call.answers_head,
                       passage.route.cors || passage.config.cors, http::IoThread::current()->standard.date());
  if (call.outcome == Outcome::answered) {
    reply.body = call.response_body;
  } else if (call.outcome == Outcome::streamed) {
    if (is_event_stream(*call.response)) return stream_of(call, passage, instance, std::move(reply));
    return long_answer_of(call, passage, instance, std::move(reply));
  } else if (!http::same_letters(call.response->header("upgrade"), "websocket")) {
    call.stream.reset();
    return unknown_outcome(Status::bad_gateway, "the service switched to another protocol", passage.request);
  } else {
    std::string leftover;
    auto socket = call.stream->connection()->take_socket(leftover);
    reply.tunnel = std::make_shared<http::TunnelEnd>(std::move(socket), std::move(leftover));
  }
  return reply;
}

Task<http::Reply> Proxy::forward(Passage& passage, std::string service) {
  const auto& request = passage.request;
  const Route& route = passage.route;
  const auto target = forwarded_target(request, route);
  if (!target) co_return fail(target.error());
  http::IoThread& thread = *http::IoThread::current();
  Local& own = local();
  own.broken.count_request();
  own.refused.count_request();
  counts_.forwarded.fetch_add(1, std::memory_order_relaxed);

  const std::int64_t deadline = passage.began_ns / 1'000'000 + route.timeout.count();
  boost::container::small_vector<BackendPtr, 4> tried;
  std::optional<http::Reply> best;  // What the client gets when no other instance does better.
  bool answered = false;            // It is an instance's own: no words of ours are better.
  const auto say = [&](http::Reply ours) {
    if (!answered) best = std::move(ours);
  };
  const auto want = passage.safe ? Balancer::Want::any : Balancer::Want::decider;
  int free_tries = 0, retries = 0;  // An instance that nobody listens at costs neither: it is tried once.
  for (;;) {
    const auto now = steady_ms();
    auto instance = service.empty() ? parts_.balancer.fixed(route.host, route.port)
                                    : parts_.balancer.choose(service, {tried.data(), tried.size()}, now,
                                                             thread.ids.next(), want);
    if (service.empty() && !tried.empty()) instance = nullptr;
    if (!instance && best) co_return std::move(*best);
    if (!instance) {
      passage.unserved = true;
      co_return no_instance(request, 1 + static_cast<int>(passage.span % 3));
    }
    ++passage.tries;
    if (parts_.access_log.is_on()) passage.instance = instance->host + ":" + std::to_string(instance->port);
    Call call;
    prepare(call, passage, *instance, *target, deadline - now);
    tried.push_back(instance);
    // Giving up early helps only who can go elsewhere at once. A POST with a key waits: sent to a second
    // instance while the first still works on it, it would only add to the load that makes it slow.
    const auto other = passage.safe && !service.empty()
                           ? parts_.balancer.choose(service, {tried.data(), tried.size()}, now, passage.span)
                           : nullptr;
    const auto try_max = other && !other->is_ejected() ? route.try_timeout.count() : route.timeout.count();
    call.deadline_ms = thread.now_ms() + std::min(try_max, deadline - now);
    {
      const UnderWay under_way(*instance);
      auto& upstream =
          http::upstreams_of(thread).at(instance->host, instance->port, instance->allowed, instance->address);
      co_await upstream.exchange(call);
    }

    const auto& limits = parts_.balancer.limits();
    bool may_retry = passage.repeatable && retries < route.retries;
    bool costs_nothing = false;
    RetryBudget* budget = &own.refused;
    const bool untouched = call.outcome == Outcome::not_connected || call.outcome == Outcome::not_processed ||
                           call.outcome == Outcome::overloaded;
    passage.reached = passage.reached || !untouched;
    switch (call.outcome) {
      case Outcome::answered:
      case Outcome::streamed:
      case Outcome::upgraded: {
        const int status = call.response->status;
        if (status == 500 || status == 502 || status == 504)
          instance->failed(Fault::bad_answer, limits, steady_ms());
        else if (status == 503)
          instance->refused(steady_ms());
        else
          instance->succeeded();
        if (status == 201 && !call.response->header(http::decided_field).empty())
          instance->has_decided(steady_ms());
        auto reply = reply_of(call, passage, instance);
        const bool elsewhere = passage.safe && (status == 502 || status == 503 || status == 504);
        if (!elsewhere || retries >= route.retries) co_return reply;
        best = std::move(reply);
        answered = true;
        break;
      }
      case Outcome::not_connected:
        instance->failed(Fault::not_connected, limits, steady_ms());
        costs_nothing = true;
        break;
      case Outcome::not_processed:
        costs_nothing = true;
        break;
      case Outcome::overloaded:
        costs_nothing = true;
        say(http::problem_reply(Error(Code::overloaded, "too many requests wait for the service"),
                                request.trace_id));
        break;
      case Outcome::lost:
        // One that had been idle too long says nothing about the instance.
        if (!call.stale) instance->failed(Fault::broke_off, limits, steady_ms());
        budget = &own.broken;
        say(unknown_outcome(Status::bad_gateway, "the service broke off its answer", request));
        break;
      case Outcome::mismatched:
        instance->failed(Fault::bad_answer, limits, steady_ms());
        budget = &own.broken;
        say(unknown_outcome(Status::bad_gateway, "the service's answer is another request's", request));
        break;
      case Outcome::stalled:
        costs_nothing = true;
        say(unknown_outcome(Status::gateway_timeout, "the service took too long", request));
        break;
      case Outcome::timed_out:
        instance->failed(Fault::bad_answer, limits, steady_ms());
        say(unknown_outcome(Status::gateway_timeout, "the service took too long", request));
        break;
      case Outcome::continued:  // Only to ask_service().
      case Outcome::refused:
        co_return http::status_problem(static_cast<Status>(call.status),
                                       "the service cannot read the request", request.trace_id);
      case Outcome::malformed:
        instance->failed(Fault::bad_answer, limits, steady_ms());
        say(unknown_outcome(Status::bad_gateway, "the service's answer is malformed", request));
        may_retry = false;
        break;
    }
    if (steady_ms() >= deadline) may_retry = costs_nothing = false;
    const bool is_there = call.outcome != Outcome::not_connected;
    if (costs_nothing && is_there && ++free_tries > free_tries_max) costs_nothing = may_retry = false;
    if (!costs_nothing && (!may_retry || !budget->take())) {
      if (!best) best = unknown_outcome(Status::bad_gateway, "the service cannot be reached", request);
      co_return std::move(*best);
    }
    // Another connection may do, when there is no other instance. Once: then it is the request's own fault.
    const bool in_line = call.lane != http::Lane::alone;
    if (call.outcome == Outcome::not_processed || call.outcome == Outcome::stalled ||
        (call.outcome == Outcome::mismatched && in_line) ||
        (call.outcome == Outcome::lost && (in_line || call.stale)))
      tried.pop_back();
    if (!costs_nothing) ++retries;
    route.state->retried.fetch_add(1, std::memory_order_relaxed);
    counts_.retries.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace market::gateway
