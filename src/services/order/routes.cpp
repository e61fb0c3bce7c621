#include "services/order/routes.hpp"

#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstring>

#include "base/checksum.hpp"
#include "http/message/paging.hpp"
#include "http/message/sse.hpp"
#include "services/auth/request_key.hpp"
#include "services/auth/routes.hpp"
#include "services/order/place_order.hpp"
#include "services/platform/stream_budget.hpp"
#include "wire/json/json.hpp"
#include "wire/json/order_body.hpp"
#include "wire/json/order_view.hpp"

namespace market::order {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;

/// The parts and what is built from them; shared by all handlers.
struct UseCases {
  explicit UseCases(const OrderParts& given, std::string base)
      : parts(given),
        place(given.gate, given.board, given.reader, given.clock, given.settings.sells_alone),
        location(std::move(base) + "/orders/") {}
  OrderParts parts;
  PlacingOrders place;
  std::string location;
  platform::StreamBudget streams;

  std::string page_of(const Order& order) const {
    std::string body;
    wire::append_order(
        body, order, [this](ProductId id, std::int64_t version) { return parts.board.name_of(id, version); });
    return body;
  }
  Reply reply(http::Status status, const Order& order, bool replayed = false) const {
    Reply reply = http::json(status, page_of(order));
    if (replayed) reply.headers.push_back(http::Header{"Idempotency-Replayed", "true"});
    return reply;
  }
};

Result<OrderId> order_id_of(const Request& request) {
  const auto id = OrderId::parse(request.parameters[0]);
  if (!id) return fail(Code::order_not_found, "there is no such order");
  return *id;
}

/// What is wanted of what, as bytes: the same however the body was written.
struct Meaning {
  explicit Meaning(const wire::WantedLines& lines) {
    for (const WantedLine& line : lines) {
      std::memcpy(bytes + size, &line.product.value, sizeof line.product.value);
      size += sizeof line.product.value;
      std::memcpy(bytes + size, &line.quantity, sizeof line.quantity);
      size += sizeof line.quantity;
    }
  }
  std::string_view text() const { return {bytes, size}; }
  char bytes[order_lines_max * (sizeof(std::int64_t) + sizeof(std::int32_t))];
  std::size_t size = 0;
};

Result<Command> read_order(const UseCases& use, const Request& request, UserId user) {
  const auto key = auth::request_key_of(request, user);
  if (!key) return fail(key.error());
  use.parts.board.prefetch(*key);
  auto lines = wire::read_order_body(request.body);
  if (!lines) return fail(lines.error());
  const std::uint64_t fingerprint = *key ? auth::fingerprint_of(request, Meaning(*lines).text()) : 0;
  Command command = PlaceOrder{user, use.parts.settings.payment_window, std::move(*lines)};
  command.key = *key;
  command.fingerprint = fingerprint;
  if (*key) command.copy = auth::request_copy_of(request, user);
  return command;
}

/// `product`: the first of the order; one of several counts there alone.
tl::unexpected<Error> counted(UseCases& use, Error error, ProductId product = {}) {
  use.parts.refusals.add(error.code);
  const ShownProduct* shown = product ? use.parts.board.find(product) : nullptr;
  if (shown != nullptr && shown->terms.sale) use.parts.refused.add(product, error.code);
  return fail(std::move(error));
}

Task<Reply> refuse_order(UseCases& use, Error error, ProductId product = {}) {
  co_return counted(use, std::move(error), product);
}

Task<Reply> answer_order(UseCases& use, Task<Placed> placing, ProductId product) {
  const auto placed = co_await std::move(placing);
  if (!placed) co_return counted(use, placed.error(), product);
  Reply reply = use.reply(http::Status::created, *placed->order, placed->replayed);
  reply.headers.push_back(http::Header{"Location", use.location + placed->order->id.text()});
  if (!use.parts.settings.sells_alone && use.parts.gate.decides_here())
    reply.headers.push_back(http::Header{std::string(http::decided_field), "1"});
  co_return reply;
}

/// No coroutine itself: most requests of a rush are refused here, and a refusal needs no large frame.
Task<Reply> place_for(UseCases& use, const Request& request, UserId user) {
  auto command = read_order(use, request, user);
  if (!command) return refuse_order(use, std::move(command.error()));
  const ProductId product = std::get<PlaceOrder>(command->body).lines.front().product;
  auto placing = use.place.run(std::move(*command));
  if (!placing) return refuse_order(use, std::move(placing.error()), product);
  return answer_order(use, std::move(*placing), product);
}

/// Whoever has just proved the address still has a token of before, and need not renew it: the account knows.
Task<Reply> place_if_verified(UseCases& use, const Request& request, UserId user) {
  const auto account = co_await use.parts.accounts.find(user);
  if (!account && account.error().code != Code::not_found) co_return counted(use, account.error());
  if (!account || !account->email_verified)
    co_return counted(use,
                      Error(Code::email_unverified, "the e-mail address must be verified before buying"));
  auto placing = place_for(use, request, user);
  auto reply = co_await std::move(placing);
  co_return reply;
}

Task<Reply> place_order(UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) return refuse_order(use, caller.error());
  if (use.parts.settings.email_verification_required && !caller->email_verified)
    return place_if_verified(use, request, caller->user);
  return place_for(use, request, caller->user);
}

Result<OrderFilter> read_filter(const Request& request) {
  const auto page = http::page_of(request);
  if (!page) return fail(page.error());
  const auto state = request.query_parameter("state");
  if (!state) return fail(state.error());
  OrderFilter filter;
  filter.limit = page->limit;
  if (*state) {
    filter.state = parse_order_state(**state);
    if (!filter.state) return invalid_field("state", "format", "state is not a state of orders");
  }
  const auto before = http::before_of<OrderId>(*page);
  if (!before) return fail(before.error());
  filter.before = *before;
  return filter;
}

Task<Reply> list_orders(UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto filter = read_filter(request);
  if (!filter) co_return fail(filter.error());
  const auto page = co_await use.parts.reader.list(caller->user, *filter);
  if (!page) co_return fail(page.error());
  const auto last = page->next ? page->next.text() : std::string();
  co_return http::list_reply(
      request, page->orders, last,
      [&use](wire::JsonWriter& json, const OrderPtr& order) { json.raw(use.page_of(*order)); });
}

Task<Reply> get_order(UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto id = order_id_of(request);
  if (!id) co_return fail(id.error());
  const auto order = co_await use.parts.reader.find(caller->user, *id);
  if (!order) co_return fail(order.error());
  co_return use.reply(http::Status::ok, **order);
}

/// How soon a change is seen. The order is read when the log has said something of it, and else not.
constexpr Millis events_pace{250};
constexpr Millis keep_alive_pace{15'000};

/// Of what an event says: it means the same on every instance and after a restart.
std::string event_id_of(const std::string& page) {
  return fmt::format("{:016x}", checksum(page));
}

/// `known`: the Last-Event-ID of a client that comes back; it hears nothing while the order is still so.
Task<> stream_order(UseCases& use, wire::Identity caller, OrderId id, std::string known,
                    http::Stream& stream) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  const OrderWatch::Watcher watcher(use.parts.watch);
  std::optional<std::uint32_t> seen;
  std::string piece = http::sse_retry();
  Millis silent{0};
  while (use.parts.authenticator.still_holds(caller)) {
    const std::uint32_t changes = use.parts.watch.changes_of(id);
    if (seen != changes) {
      const auto order = co_await use.parts.reader.find(caller.user, id);
      if (order) {
        const std::string page = use.page_of(**order);
        std::string now = event_id_of(page);
        if (now != known) piece += http::sse_event("order", page, now);
        known = std::move(now);
        seen = changes;
      } else if (order.error().code == Code::order_not_found) {
        co_return Result<>();
      }
    }
    if (piece.empty() && silent >= keep_alive_pace) piece = http::sse_keep_alive();
    if (!piece.empty()) {
      silent = Millis(0);
      std::string out;
      out.swap(piece);
      const auto written = co_await stream.write(std::move(out));
      if (!written) co_return Result<>();
    }
    timer.expires_after(events_pace);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (ignored) co_return Result<>();
    silent += events_pace;
  }
  co_return Result<>();
}

Task<Reply> get_order_events(UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto id = order_id_of(request);
  if (!id) co_return fail(id.error());
  const auto order = co_await use.parts.reader.find(caller->user, *id);
  if (!order) co_return fail(order.error());
  platform::StreamLimits limits;
  limits.address_max = 0;
  limits.user_max = use.parts.settings.streams_per_user_max;
  platform::StreamBudget::Refusal why;
  auto place = use.streams.take(0, static_cast<std::uint64_t>(caller->user.value), limits, why);
  if (!place) {
    ErrorExtras extras;
    extras.retry_after_seconds = 5;
    const bool yours = why == platform::StreamBudget::Refusal::yours;
    co_return fail(Error(yours ? Code::rate_limited : Code::overloaded, "too many event streams are open",
                         std::move(extras)));
  }
  Reply reply;
  reply.content_type = http::event_stream_type;
  reply.headers.push_back(http::Header{"Cache-Control", "no-store"});
  const OrderId which = *id;
  reply.stream = [&use, who = *caller, which, known = std::string(request.header("Last-Event-ID")),
                  place = std::move(place)](http::Stream& stream) {
    return stream_order(use, who, which, known, stream);
  };
  co_return reply;
}

Result<std::string> read_token(const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  const auto method = reader.text("method", 1, 32);
  auto token = reader.text("token", 1, 200);
  if (!method.empty() && method != "card") reader.refuse("method", "format", "method must be card");
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return token;
}

Task<Reply> pay_order(UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto id = order_id_of(request);
  if (!id) co_return fail(id.error());
  auto token = read_token(request);
  if (!token) co_return fail(token.error());
  Command command = StartPayment{*id, caller->user};
  const auto bound = auth::bind_request_key(command, request, caller->user, request.body);
  if (!bound) co_return fail(bound.error());
  const auto paid = co_await use.parts.pay.run(std::move(command), std::move(*token));
  if (!paid) co_return fail(paid.error());
  co_return use.reply(paid->known ? http::Status::ok : http::Status::accepted, *paid->order, paid->replayed);
}

/// Has the gate decide and answers the order as it is then.
Task<Reply> change_order(UseCases& use, UserId user, OrderId id, Command command) {
  const auto changed = co_await use.parts.gate.submit(std::move(command));
  if (!changed) co_return fail(changed.error());
  const auto order = co_await use.parts.reader.find(user, id);
  if (!order) co_return fail(order.error());
  co_return use.reply(http::Status::ok, **order, changed->replayed);
}

Task<Reply> refused(Error error) {
  co_return fail(std::move(error));
}

Task<Reply> cancel_order(UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) return refused(caller.error());
  const auto id = order_id_of(request);
  if (!id) return refused(id.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) return refused(ok.error());
  Command command = CancelOrder{*id, caller->user};
  // No body and an empty object mean the same.
  if (const auto bound = auth::bind_request_key(command, request, caller->user, {}); !bound)
    return refused(bound.error());
  return change_order(use, caller->user, *id, std::move(command));
}

Task<Reply> return_order(UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller) return refused(caller.error());
  const auto id = order_id_of(request);
  if (!id) return refused(id.error());
  const auto json = wire::parse_json(request.body);
  if (!json) return refused(json.error());
  wire::ObjectReader reader(*json);
  auto reason = reader.visible_text("reason", 500);
  if (const auto ok = reader.finish(); !ok) return refused(ok.error());
  Command command = MoveOrder{*id, caller->user, OrderState::return_requested, std::move(reason)};
  if (const auto bound = auth::bind_request_key(command, request, caller->user, request.body); !bound)
    return refused(bound.error());
  return change_order(use, caller->user, *id, std::move(command));
}

}  // namespace

void add_order_routes(http::Router& router, const OrderParts& parts, const std::string& base) {
  auth::Routes routes(router, base, std::make_shared<UseCases>(parts, base), parts.authenticator);
  routes.add(Method::post, "/orders", Access::signed_in, place_order);
  routes.add(Method::get, "/orders", Access::signed_in, list_orders, {"limit", "cursor", "state"});
  routes.add(Method::get, "/orders/{id}", Access::signed_in, get_order);
  routes.add(Method::get, "/orders/{id}/events", Access::signed_in, get_order_events);
  routes.add(Method::post, "/orders/{id}/payment", Access::signed_in, pay_order);
  routes.add(Method::post, "/orders/{id}/cancel", Access::signed_in, cancel_order);
  routes.add(Method::post, "/orders/{id}/return", Access::signed_in, return_order);
}

}  // namespace market::order
