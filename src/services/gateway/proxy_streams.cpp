// What lasts as long as its reader likes: event streams and long answers have places of their own, and equal
// public event streams share one.

#include <fmt/format.h>

#include "base/steady_time.hpp"
#include "http/client/upstream.hpp"
#include "http/message/ascii.hpp"
#include "http/message/problem.hpp"
#include "services/gateway/proxy.hpp"

namespace market::gateway {
namespace {

constexpr std::string_view event_stream = "text/event-stream";
constexpr ReadersKind event_streams{"event streams", &ReadersPlaces::event_streams,
                                    http::instance_streams_max};
constexpr ReadersKind long_answers{"long answers", &ReadersPlaces::long_answers,
                                   http::instance_long_answers_max};
constexpr std::string_view product_service = "market-product";
constexpr std::size_t fan_joined_max = 16'384;  ///< Who wait for the first answer of one.
constexpr std::size_t fans_max = 4'096;         ///< Of one thread; beyond, each has its own stream.

}  // namespace

bool is_event_stream(const http::ResponseHead& head) {
  return http::same_letters(head.header("content-type").substr(0, event_stream.size()), event_stream);
}

bool carries_credentials(const http::Request& request) {
  return request.has_header("authorization") || request.has_header("cookie");
}

/// A product's live stock: the same for all who may see the product, and each event says all. So whoever
/// comes back with a Last-Event-ID needs no other stream, and of our own product service's nobody who is
/// signed in. Of what others' streams depend on, we only know what holds for all answers. A route that was
/// changed meanwhile is another one, whose streams may come from elsewhere or say other fields.
std::string fan_key_of(const http::Request& request, const Route& route) {
  constexpr std::string_view suffix = "/stock/stream";
  if (!route.coalesce || request.method != http::Method::get || !request.path.ends_with(suffix)) return {};
  if (request.has_header("range")) return {};
  std::string key(request.target);
  if (route.service != product_service && !add_what_answers_depend_on(request, true, key)) return {};
  return key.append("\n").append(route.id).append("\n").append(route.source);
}

http::Reply Proxy::no_place(platform::StreamBudget::Refusal why, std::string_view what,
                            const Passage& passage) {
  counts_.shed.fetch_add(1, std::memory_order_relaxed);
  // Its answer had begun, so it was done: no answer may say that it was not.
  if (!passage.safe)
    return unknown_outcome(http::Status::bad_gateway, "there is no room for the answer", passage.request);
  const bool yours = why == platform::StreamBudget::Refusal::yours;
  ErrorExtras extras;
  extras.retry_after_seconds = 5;
  return http::problem_reply(
      Error(yours ? Code::rate_limited : Code::overloaded,
            fmt::format("too many {}{} are open", yours ? "of your " : "", what), extras),
      passage.request.trace_id);
}

Proxy::Place Proxy::take_place(const Passage& passage, std::optional<http::Reply>& refused) {
  if (passage.place) return passage.place;
  auto limits = passage.config.streams;
  if (!passage.config.rate_limits) limits.address_max = limits.user_max = 0;
  platform::StreamBudget::Refusal why;
  auto place = streams_.take(http::address_bucket(passage.client), passage.user, limits, why);
  if (!place) refused = no_place(why, event_streams.name, passage);
  return place;
}

/// Whoever asked first holds the place of a stream that all share.
Proxy::Place Proxy::take_place_of(const BackendPtr& instance, const ReadersKind& kind, const Passage& passage,
                                  std::optional<http::Reply>& refused) {
  const auto places = instance->places;
  const platform::StreamLimits limits{kind.most, 0, 0, passage.config.rate_limits};
  platform::StreamBudget::Refusal why;
  const auto place = ((*places).*kind.places).take(http::address_bucket(passage.client), 0, limits, why);
  if (!place) {
    refused = no_place(why, kind.name, passage);
    return nullptr;
  }
  // The budget outlives its places, whatever becomes of the instance.
  const auto both = std::make_shared<std::pair<std::shared_ptr<ReadersPlaces>, Place>>(places, place);
  return {both, both->second.get()};
}

std::shared_ptr<EventFan> Proxy::fan_of(const Passage& passage) {
  auto& fans = local().fans;
  const auto found = fans.find(passage.fan_key);
  if (found == fans.end()) return nullptr;
  auto fan = found->second.fan.lock();
  // Newcomers leave an instance that is drained alone; who reads there already stays until it ends.
  if (!fan || fan->has_ended() || !parts_.balancer.leads_to(found->second.instance, steady_ms())) {
    fans.erase(found);
    return nullptr;
  }
  return fan;
}

/// A stream of this process: what it holds lives as long as its reader likes.
http::Reply Proxy::with_place(const Passage& passage, http::Reply reply) {
  std::optional<http::Reply> refused;
  auto place = take_place(passage, refused);
  if (!place) return std::move(*refused);
  reply.stream = [serve = std::move(reply.stream), place = std::move(place)](http::Stream& to) {
    return serve(to);
  };
  return reply;
}

http::Reply Proxy::subscribe(const Passage& passage, std::shared_ptr<EventFan> fan) {
  std::optional<http::Reply> refused;
  const auto place = take_place(passage, refused);
  if (!place) return std::move(*refused);
  http::Reply reply;
  reply.forwarded = fan->head();
  reply.stream = [fan = std::move(fan), place](http::Stream& to) { return EventFan::serve(fan, to); };
  return reply;
}

/// Whoever has no room for a stream asks for none: it would be opened for him and end with the refusal.
Task<http::Reply> Proxy::fanned(Passage& passage) {
  std::optional<http::Reply> refused;
  passage.place = take_place(passage, refused);
  if (!passage.place) co_return std::move(*refused);
  auto& coming = local().fans_to_be;
  for (;;) {
    if (auto fan = fan_of(passage)) {
      counts_.shared_streams.fetch_add(1, std::memory_order_relaxed);
      co_return subscribe(passage, std::move(fan));
    }
    const auto found = coming.find(passage.fan_key);
    const auto asked = found == coming.end() ? nullptr : found->second.lock();
    if (!asked || asked->landed || asked->joined_count() >= fan_joined_max) break;
    co_await asked->join();
    if (!asked->reply) continue;  // A stream; or nothing that holds for all: one of us asks next.
    http::Reply copy = *asked->reply;
    auto reply = co_await seen_by(passage, std::move(copy));
    co_return reply;
  }
  const auto first = std::make_shared<Coalescer::Flight>();
  coming[passage.fan_key] = first;
  passage.anonymous = true;  // In nobody's name.
  auto reply = co_await guarded(passage);
  coming.erase(passage.fan_key);
  const bool holds_for_all =
      reply && !reply->stream && !reply->tunnel &&
      (static_cast<int>(reply->status) >= 500 || reply->status == http::Status::not_found);
  std::optional<http::Reply> of_all;
  if (holds_for_all) {
    of_all = *reply;
    if (of_all->forwarded) of_all->forwarded->lines = without_cookies(of_all->forwarded->lines);
  }
  first->land(std::move(of_all));
  auto seen = co_await seen_by(passage, std::move(reply));
  co_return seen;
}

Task<http::Reply> Proxy::seen_by(Passage& passage, Result<http::Reply> of_all) {
  const bool hidden = of_all && of_all->status == http::Status::not_found;
  if (!hidden || !carries_credentials(passage.request)) co_return of_all;
  Passage own = passage;
  own.anonymous = false;
  own.fan_key.clear();
  auto answer = co_await guarded(own);
  co_return answer;
}

http::Reply Proxy::stream_of(http::Call& call, const Passage& passage, const BackendPtr& instance,
                             http::Reply reply) {
  std::optional<http::Reply> refused;
  const auto among_its_own = take_place_of(instance, event_streams, passage, refused);
  if (!among_its_own) return std::move(*refused);
  auto& fans = local().fans;
  // What a route makes another answer of is not shared: whoever joins a fan gets a 200.
  const bool shared =
      !passage.fan_key.empty() && call.response->status == 200 && reply.status == http::Status::ok;
  if (shared && fans.size() >= fans_max)
    std::erase_if(fans, [](const auto& entry) { return entry.second.fan.expired(); });
  if (shared && fans.size() < fans_max) {
    auto fan = std::make_shared<EventFan>(call.stream, *reply.forwarded, among_its_own);
    fans[passage.fan_key] = {fan, instance};
    return subscribe(passage, std::move(fan));
  }
  const auto place = take_place(passage, refused);
  if (!place) return std::move(*refused);
  const auto under_way = std::make_shared<UnderWay>(*instance);
  reply.stream = [stream = call.stream, instance, under_way, place, among_its_own](http::Stream& to) {
    return pass_on(stream, to);
  };
  return reply;
}

/// It holds its connection to the instance until it is read, be it slowly.
http::Reply Proxy::long_answer_of(http::Call& call, const Passage& passage, const BackendPtr& instance,
                                  http::Reply reply) {
  std::optional<http::Reply> refused;
  const auto place = take_place_of(instance, long_answers, passage, refused);
  if (!place) return std::move(*refused);
  if (call.response->body == http::BodyEnd::length)
    reply.forwarded->stream_length = call.response->content_length;
  const auto under_way = std::make_shared<UnderWay>(*instance);
  reply.stream = [stream = call.stream, instance, under_way, place](http::Stream& to) {
    return pass_on(stream, to);
  };
  return reply;
}

}  // namespace market::gateway
