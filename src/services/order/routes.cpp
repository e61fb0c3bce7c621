#include "services/order/routes.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "http/message/paging.hpp"
#include "http/message/sse.hpp"
#include "services/order/place_order.hpp"
#include "services/order/request_key.hpp"
#include "wire/json/json.hpp"
#include "wire/json/order_view.hpp"

namespace market::order {
namespace {

using http::Method;
using http::Reply;
using http::Request;

/// The parts and what is built from them; shared by all handlers.
struct Doors {
  explicit Doors(const OrderParts& given, std::string base)
      : parts(given),
        place(given.gate, given.live, given.ids, given.clock),
        location(std::move(base) + "/orders/") {}
  OrderParts parts;
  PlaceOrderUseCase place;
  std::string location;

  std::string page_of(const Order& order) const {
    std::string body;
    wire::append_order(body, order, [this](ProductId id) { return parts.names.name_of(id); });
    return body;
  }
  Reply reply(http::Status status, const Order& order) const { return http::json(status, page_of(order)); }
};

Result<OrderId> order_id_of(const Request& request) {
  const auto id = OrderId::parse(request.parameters[0]);
  if (!id) return fail(Code::order_not_found, "there is no such order");
  return *id;
}

Result<PlaceOrder> read_order(const Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) return fail(caller.error());
  if (doors.parts.settings.email_verification_required && !caller->email_verified)
    return fail(Code::email_unverified, "the e-mail address must be verified before buying");
  const auto key = request_key_of(request, caller->user);
  if (!key) return fail(key.error());
  doors.parts.live.prefetch(*key);
  auto lines = wire::read_order_body(request.body);
  if (!lines) return fail(lines.error());
  PlaceOrder asked;
  asked.user = caller->user;
  asked.key = *key;
  asked.body_fingerprint = fingerprint_of(*lines);
  asked.payment_window = doors.parts.settings.payment_window;
  asked.lines = std::move(*lines);
  return asked;
}

tl::unexpected<Error> counted(Doors& doors, Error error) {
  doors.parts.refusals.add(error.code);
  return fail(std::move(error));
}

Task<Reply> refuse_order(Doors& doors, Error error) {
  co_return counted(doors, std::move(error));
}

Task<Reply> submit_order(Doors& doors, PlaceOrder asked) {
  auto placed = co_await doors.place.run(std::move(asked));
  if (!placed) co_return counted(doors, std::move(placed.error()));
  Reply reply = doors.reply(http::Status::created, *placed->order);
  reply.headers.push_back(http::Header{"Location", doors.location + placed->order->id.text()});
  if (placed->replayed) reply.headers.push_back(http::Header{"Idempotency-Replayed", "true"});
  co_return reply;
}

/// No coroutine itself: most requests of a rush are refused here, and a refusal needs no large frame.
Task<Reply> place_order(Doors& doors, const Request& request) {
  auto asked = read_order(doors, request);
  if (!asked) return refuse_order(doors, std::move(asked.error()));
  if (auto allowed = doors.place.refuse_early(*asked); !allowed)
    return refuse_order(doors, std::move(allowed.error()));
  return submit_order(doors, std::move(*asked));
}

Result<OrderFilter> read_filter(const Request& request) {
  const auto known = request.expect_query({"limit", "cursor", "state"});
  if (!known) return fail(known.error());
  const auto page = http::page_of(request);
  if (!page) return fail(page.error());
  const auto state = request.query_parameter("state");
  if (!state) return fail(state.error());
  OrderFilter filter;
  filter.limit = page->limit + 1;  // One more tells whether there is a next page.
  if (*state) {
    filter.state = parse_order_state(**state);
    if (!filter.state) return invalid_field("state", "format", "state is not a state of orders");
  }
  if (!page->cursor.empty()) {
    const auto before = OrderId::parse(page->cursor);
    if (!before) return invalid_field("cursor", "format", "cursor is not one of ours");
    filter.before = *before;
  }
  return filter;
}

Task<Reply> list_orders(Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto filter = read_filter(request);
  if (!filter) co_return fail(filter.error());
  auto orders = co_await doors.parts.reader.list(caller->user, *filter);
  if (!orders) co_return fail(orders.error());
  const auto limit = static_cast<std::size_t>(filter->limit - 1);
  const bool more = orders->size() > limit;
  if (more) orders->resize(limit);
  std::string body = "{\"items\":[";
  for (std::size_t i = 0; i < orders->size(); ++i) {
    if (i > 0) body += ',';
    body += doors.page_of(*(*orders)[i]);
  }
  body += "],\"nextCursor\":";
  body += more ? '"' + orders->back()->id.text() + "\"}" : std::string("null}");
  co_return http::json(http::Status::ok, std::move(body));
}

Task<Reply> get_order(Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto id = order_id_of(request);
  if (!id) co_return fail(id.error());
  const auto order = co_await doors.parts.reader.find(caller->user, *id);
  if (!order) co_return fail(order.error());
  co_return doors.reply(http::Status::ok, **order);
}

/// Re-reads while somebody listens: a change is seen within `events_pace`, through memory for open orders.
constexpr Millis events_pace{250};
constexpr Millis keep_alive_pace{15'000};

Task<> stream_order(Doors& doors, wire::Identity caller, OrderId id, http::Stream& stream) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  std::string last;
  Millis silent{0};
  while (doors.parts.authenticator.still_holds(caller)) {
    const auto order = co_await doors.parts.reader.find(caller.user, id);
    std::string piece;
    if (order) {
      std::string page = doors.page_of(**order);
      if (page != last) piece = http::sse_event("order", page);
      last = std::move(page);
    } else if (order.error().code == Code::order_not_found) {
      co_return Result<>();
    }
    if (piece.empty() && silent >= keep_alive_pace) piece = http::sse_keep_alive();
    if (!piece.empty()) {
      silent = Millis(0);
      const auto written = co_await stream.write(std::move(piece));
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

Task<Reply> get_order_events(Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto id = order_id_of(request);
  if (!id) co_return fail(id.error());
  const auto order = co_await doors.parts.reader.find(caller->user, *id);
  if (!order) co_return fail(order.error());
  Reply reply;
  reply.content_type = http::event_stream_type;
  reply.headers.push_back(http::Header{"Cache-Control", "no-store"});
  const OrderId which = *id;
  reply.stream = [&doors, who = *caller, which](http::Stream& stream) {
    return stream_order(doors, who, which, stream);
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

Task<Reply> pay_order(Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto id = order_id_of(request);
  if (!id) co_return fail(id.error());
  auto token = read_token(request);
  if (!token) co_return fail(token.error());
  const auto paid = co_await doors.parts.pay.run(caller->user, *id, std::move(*token));
  if (!paid) co_return fail(paid.error());
  co_return doors.reply(paid->known ? http::Status::ok : http::Status::accepted, *paid->order);
}

Task<Reply> cancel_order(Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto id = order_id_of(request);
  if (!id) co_return fail(id.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  Command command = CancelOrder{*id, caller->user};
  const auto cancelled = co_await doors.parts.gate.submit(std::move(command));
  if (!cancelled) co_return fail(cancelled.error());
  const OrderPtr order = cancelled->order;
  if (order->payment == PaymentState::refunding)
    doors.parts.resolver.watch(OpenPayment{order->id, order->user, order->attempt, true});
  co_return doors.reply(http::Status::ok, *order);
}

Task<Reply> return_order(Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto id = order_id_of(request);
  if (!id) co_return fail(id.error());
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  auto reason = reader.visible_text("reason", 500);
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  Command command = MoveOrder{*id, caller->user, OrderState::return_requested, std::move(reason)};
  const auto moved = co_await doors.parts.gate.submit(std::move(command));
  if (!moved) co_return fail(moved.error());
  co_return doors.reply(http::Status::ok, *moved->order);
}

}  // namespace

void add_order_routes(http::Router& router, const OrderParts& parts, const std::string& base) {
  auto doors = std::make_shared<Doors>(parts, base);
  router.add(Method::post, base + "/orders", [doors](const Request& r) { return place_order(*doors, r); });
  router.add(Method::get, base + "/orders", [doors](const Request& r) { return list_orders(*doors, r); });
  router.add(Method::get, base + "/orders/{id}", [doors](const Request& r) { return get_order(*doors, r); });
  router.add(Method::get, base + "/orders/{id}/events",
             [doors](const Request& r) { return get_order_events(*doors, r); });
  router.add(Method::post, base + "/orders/{id}/payment",
             [doors](const Request& r) { return pay_order(*doors, r); });
  router.add(Method::post, base + "/orders/{id}/cancel",
             [doors](const Request& r) { return cancel_order(*doors, r); });
  router.add(Method::post, base + "/orders/{id}/return",
             [doors](const Request& r) { return return_order(*doors, r); });
}

}  // namespace market::order
