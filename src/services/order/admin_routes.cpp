#include "services/order/admin_routes.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "http/message/paging.hpp"
#include "services/auth/routes.hpp"
#include "services/order/order_export.hpp"
#include "services/order/sale_report.hpp"
#include "wire/json/json.hpp"
#include "wire/json/order_view.hpp"

namespace market::order {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;

struct UseCases : AdminOrderParts {
  std::shared_ptr<SaleCounts> counts;
};

constexpr int export_orders_max = 2'000;

Result<> expect_admin(const UseCases& use, const Request& request) {
  const auto caller = use.authenticator.require(request, {Role::admin});
  if (!caller) return fail(caller.error());
  return {};
}

Error no_such_order() {
  return Error(Code::order_not_found, "there is no such order");
}

/// The order that an administrator asks about, whether there is one or not.
Result<OrderId> asked_order(const UseCases& use, const Request& request) {
  if (const auto allowed = expect_admin(use, request); !allowed) return fail(allowed.error());
  const auto id = OrderId::parse(request.parameters[0]);
  if (!id) return fail(no_such_order());
  return *id;
}

/// The buyer's page of it, and whose it is.
void append_admin_order(std::string& out, const UseCases& use, const Order& order) {
  out += "{\"userId\":\"" + order.user.text() + "\",";
  std::string page;
  wire::append_order(page, order,
                     [&use](ProductId id, std::int64_t version) { return use.board.name_of(id, version); });
  out.append(page, 1);
}

Reply order_reply(const UseCases& use, const Order& order) {
  std::string body;
  append_admin_order(body, use, order);
  return http::json(http::Status::ok, std::move(body));
}

/// The records may be a moment behind: an order of just now is waited for. In a rush that is not long enough:
/// while they lag, nobody says of a new one that there is none. Null: there is none. Errors: recovering.
Task<OrderPtr> recorded(const UseCases& use, OrderId id) {
  constexpr Millis behind_max{60'000}, pause{25};
  constexpr int looks_max = 40;
  const Instant now = use.clock.now();
  const bool is_new = id.value >= first_id_of(now - behind_max) && id.value <= first_id_of(now + behind_max);
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  for (int look = 1;; ++look) {
    auto order = co_await use.search.find(id);
    if (!order || *order || !is_new) co_return order;
    if (look == looks_max && use.records_lag())
      co_return fail(Code::recovering, "the records may not have it yet; ask again");
    if (look == looks_max) co_return order;
    timer.expires_after(pause);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

/// The order as it is now: the records say whose it is, the reader what has happened since.
Task<OrderPtr> order_now(const UseCases& use, OrderId id) {
  const auto known = co_await recorded(use, id);
  if (!known) co_return fail(known.error());
  if (!*known) co_return fail(no_such_order());
  auto order = co_await use.reader.find((*known)->user, id);
  co_return order;
}

Result<OrderQuery> read_query(const Request& request) {
  const auto page = http::page_of(request);
  if (!page) return fail(page.error());
  OrderQuery query;
  query.limit = page->limit;
  const auto state = request.query_parameter("state");
  if (!state) return fail(state.error());
  if (*state) {
    query.state = parse_order_state(**state);
    if (!query.state) return invalid_field("state", "format", "state is not a state of orders");
  }
  const auto user = http::id_parameter<UserId>(request, "userId");
  if (!user) return fail(user.error());
  query.user = *user;
  const auto product = http::id_parameter<ProductId>(request, "productId");
  if (!product) return fail(product.error());
  query.product = *product;
  const auto before = http::before_of<OrderId>(*page);
  if (!before) return fail(before.error());
  query.before = *before;
  return query;
}

/// A buyer's own list has an index; any other question looks through the orders.
Task<FoundPage> find_page(const UseCases& use, OrderQuery query) {
  if (!query.user || query.product) {
    auto page = co_await use.search.search(query);
    if (!page) co_return page;
    for (OrderPtr& order : page->orders) {  // The records may be a moment behind.
      auto now = co_await use.reader.find(order->user, order->id);
      if (now) order = std::move(*now);
    }
    if (query.state) std::erase_if(page->orders, [&](const OrderPtr& o) { return o->state != *query.state; });
    co_return page;
  }
  OrderFilter filter;
  filter.state = query.state;
  filter.before = query.before;
  filter.limit = query.limit;
  co_return co_await use.reader.list(query.user, filter);
}

Task<Reply> list_all(const UseCases& use, const Request& request) {
  const auto allowed = expect_admin(use, request);
  if (!allowed) co_return fail(allowed.error());
  const auto query = read_query(request);
  if (!query) co_return fail(query.error());
  const auto page = co_await find_page(use, *query);
  if (!page) co_return fail(page.error());
  const auto last = page->next ? page->next.text() : std::string();
  co_return http::list_reply(request, page->orders, last,
                             [&use](wire::JsonWriter& json, const OrderPtr& order) {
                               json.value([&](std::string& out) { append_admin_order(out, use, *order); });
                             });
}

Task<Reply> show(const UseCases& use, const Request& request) {
  const auto id = asked_order(use, request);
  if (!id) co_return fail(id.error());
  const auto order = co_await order_now(use, *id);
  if (!order) co_return fail(order.error());
  co_return order_reply(use, **order);
}

/// Has the gate decide and answers the order as it is then.
Task<Reply> change(const UseCases& use, OrderId id, Command command) {
  const auto known = co_await recorded(use, id);
  if (!known) co_return fail(known.error());
  if (!*known) co_return fail(no_such_order());
  const auto changed = co_await use.gate.submit(std::move(command));
  if (!changed) co_return fail(changed.error());
  const auto order = co_await use.reader.find((*known)->user, id);
  if (!order) co_return fail(order.error());
  co_return order_reply(use, **order);
}

Task<Reply> refused(Error error) {
  co_return fail(std::move(error));
}

Task<Reply> advance(const UseCases& use, const Request& request) {
  const auto id = asked_order(use, request);
  if (!id) return refused(id.error());
  const auto json = wire::parse_json(request.body);
  if (!json) return refused(json.error());
  wire::ObjectReader reader(*json);
  const std::string name = reader.text("state", 1, 32);
  const auto reason = reader.optional_visible_text("reason", 500);
  const auto state = parse_order_state(name);
  const bool is_step = state && *state >= OrderState::preparing && *state <= OrderState::returned;
  if (!name.empty() && !is_step)
    reader.refuse("state", "value", "must be preparing, shipped, delivered, return_requested or returned");
  if (const auto ok = reader.finish(); !ok) return refused(ok.error());
  return change(use, *id, MoveOrder{*id, UserId{}, *state, reason.value_or("")});
}

Task<Reply> cancel(const UseCases& use, const Request& request) {
  const auto id = asked_order(use, request);
  if (!id) return refused(id.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) return refused(ok.error());
  return change(use, *id, CancelOrder{*id, UserId{}, true});
}

/// What the buyer paid goes back; what was sent stays with the buyer.
Task<Reply> refund(const UseCases& use, const Request& request) {
  const auto id = asked_order(use, request);
  if (!id) return refused(id.error());
  const auto json = wire::parse_json(request.body);
  if (!json) return refused(json.error());
  wire::ObjectReader reader(*json);
  (void)reader.visible_text("reason", 500);  // Stands in the audit log, with the whole request.
  if (const auto ok = reader.finish(); !ok) return refused(ok.error());
  return change(use, *id, RefundOrder{*id});
}

/// What became of a product's orders.
Task<Reply> report(const UseCases& use, const Request& request) {
  const auto allowed = expect_admin(use, request);
  if (!allowed) co_return fail(allowed.error());
  const auto id = http::id_parameter<ProductId>(request, "productId");
  if (!id) co_return fail(id.error());
  if (!*id) co_return invalid_field("productId", "required", "productId says which product");
  const ShownProduct* product = use.board.find(*id);
  if (product == nullptr) co_return fail(Code::product_not_found, "there is no such product");
  const Currency currency = product->terms.price.currency;
  const auto live = product->live;
  const auto counted = co_await use.counts->of(*id);
  if (!counted) co_return fail(counted.error());
  const auto refused = co_await use.refusals.of(*id);
  if (!refused) co_return fail(refused.error());
  const SaleReport report{*id, currency, live->capacity.load(), live->remaining.load(), **counted, *refused};
  co_return http::json(http::Status::ok, sale_report_page(report));
}

Task<Reply> export_csv(const UseCases& use, const Request& request) {
  const auto allowed = expect_admin(use, request);
  if (!allowed) co_return fail(allowed.error());
  auto query = read_query(request);
  if (!query) co_return fail(query.error());
  const auto limit = request.query_parameter("limit");
  if (!limit) co_return fail(limit.error());
  if (!*limit) query->limit = export_orders_max;
  const auto page = co_await use.search.search(*query);
  if (!page) co_return fail(page.error());
  Reply reply;
  reply.content_type = "text/csv; charset=utf-8";
  reply.body = csv_head();
  for (const OrderPtr& order : page->orders) append_csv(reply.body, *order, use.board);
  reply.headers.push_back(http::Header{"Content-Disposition", "attachment; filename=\"orders.csv\""});
  if (page->next)
    reply.headers.push_back(http::Header{"X-Next-Cursor", http::cursor_of(request, page->next.text())});
  co_return reply;
}

}  // namespace

void add_admin_order_routes(http::Router& router, const AdminOrderParts& parts, const std::string& base) {
  const auto counts = std::make_shared<SaleCounts>(parts.search, parts.clock);
  const auto shared = std::make_shared<const UseCases>(UseCases{parts, counts});
  auth::Routes routes(router, base, shared, parts.authenticator);
  const std::vector<std::string_view> filters{"limit", "cursor", "state", "userId", "productId"};
  routes.add(Method::get, "/orders", Access::admins, list_all, filters);
  routes.add(Method::get, "/orders/report", Access::admins, report, {"productId"});
  routes.add(Method::get, "/orders/export", Access::admins, export_csv, filters);
  routes.add(Method::get, "/orders/{id}", Access::admins, show);
  routes.add(Method::post, "/orders/{id}/advance", Access::admins, advance);
  routes.add(Method::post, "/orders/{id}/cancel", Access::admins, cancel);
  routes.add(Method::post, "/orders/{id}/refund", Access::admins, refund);
}

}  // namespace market::order
