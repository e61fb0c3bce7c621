#include "services/user/care_routes.hpp"

#include "services/auth/routes.hpp"
#include "services/user/account_requests.hpp"
#include "services/user/user_view.hpp"
#include "wire/json/order_view.hpp"

namespace market::user {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;
using http::Status;
using UseCases = CareParts;

/// Wrong codes and passwords of one address.
constexpr GuessLimiter::Rate reset_rate{20, Millis(5'000)};
constexpr GuessLimiter::Rate erase_rate{5, Millis(30'000)};

Task<Reply> forgot_password(UseCases& use, const Request& request) {
  auto email = read_email_alone(request);
  if (!email) co_return fail(email.error());
  Reply accepted;
  accepted.status = Status::accepted;
  const std::string client = client_of(use.addresses_known, request);
  const auto may = co_await may_mail(use.limiter, "reset-mail", *email, client, use.clock.now());
  if (!may || !*may) co_return accepted;  // The same answer, and no mail.
  const auto sent = co_await use.care.forgot_password(std::move(*email));
  if (!sent) co_return fail(sent.error());
  co_return accepted;
}

Task<Reply> reset_password(UseCases& use, const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  std::string email = read_email(reader);
  std::string code = reader.text("code", 1, 32), password = reader.text("newPassword", 1, 512);
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  std::string client = client_of(use.addresses_known, request);
  auto limits = address_limit("reset", client, reset_rate);
  auto tried = co_await use.limiter.take_shared(std::move(limits), use.clock.now());
  if (!tried) co_return fail(tried.error());
  const auto reset = co_await use.care.reset_password(std::move(email), std::move(code), std::move(password),
                                                      std::move(client));
  // A password that is not taken was judged: that is work, too.
  if (!reset && (reset.error().code == Code::invalid_code || reset.error().code == Code::validation))
    tried->keep();
  if (!reset) co_return fail(reset.error());
  co_return http::no_content();
}

Task<Reply> erase(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  std::string password = reader.text("password", 1, 512);
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  std::vector<GuessLimiter::Limit> limits{{"erase:" + caller->user.text(), erase_rate}};
  auto tried = co_await use.limiter.take_shared(std::move(limits), use.clock.now());
  if (!tried) co_return fail(tried.error());
  const auto erased = co_await use.care.erase(caller->user, std::move(password),
                                              client_of(use.addresses_known, request), use.has_products);
  if (!erased && erased.error().code == Code::invalid_credentials) tried->keep();
  if (!erased) co_return fail(account_error(erased.error()));
  co_return http::no_content();
}

/// The newest of an export; GET /orders lists the others.
constexpr std::size_t export_orders_max = 5'000;
constexpr int export_page = 100;

Task<std::vector<OrderPtr>> newest_orders(OrderReader& reader, UserId user) {
  std::vector<OrderPtr> orders;
  OrderFilter filter;
  filter.limit = export_page;
  while (orders.size() <= export_orders_max) {
    const auto page = co_await reader.list(user, filter);
    if (!page) co_return fail(page.error());
    orders.insert(orders.end(), page->orders.begin(), page->orders.end());
    if (!page->next) break;
    filter.before = page->next;
  }
  co_return orders;
}

void append_orders(wire::JsonWriter& json, const std::vector<OrderPtr>& orders, bool may_lag) {
  json.member("ordersComplete", !may_lag && orders.size() <= export_orders_max).key("orders").begin_array();
  for (std::size_t i = 0; i < std::min(orders.size(), export_orders_max); ++i) {
    const Order& order = *orders[i];
    json.begin_object().member("id", order.id.text()).member("state", text_of(order.state));
    json.member("payment", text_of(order.payment)).member("total", wire::json_of(order.total));
    json.key("items").begin_array();
    for (const OrderLine& line : order.lines)
      json.begin_object()
          .member("productId", line.product.text())
          .member("quantity", line.quantity)
          .member("unitPrice", wire::json_of(line.unit_price))
          .end_object();
    json.end_array().key("history").begin_array();
    for (const auto& step : order.history)
      json.begin_object().member("state", text_of(step.state)).member("at", step.at).end_object();
    json.end_array().end_object();
  }
  json.end_array();
}

std::string export_of(const Account& account, const std::vector<Session>& sessions,
                      const std::vector<CartItem>& cart, const std::vector<Wish>& wishes,
                      const std::optional<std::vector<OrderPtr>>& orders, bool orders_may_lag) {
  std::string body;
  wire::JsonWriter json(body);
  append_user(json.begin_object().key("user"), account);
  json.key("sessions").begin_array();
  for (const Session& session : sessions) {
    json.begin_object().member("createdAt", session.created_at).member("usedAt", session.used_at);
    json.member("device", session.device).end_object();
  }
  json.end_array().key("cart").begin_array();
  for (const CartItem& item : cart)
    json.begin_object()
        .member("productId", item.product.text())
        .member("quantity", item.quantity)
        .end_object();
  json.end_array().key("wishlist").begin_array();
  for (const Wish& wish : wishes)
    json.begin_object()
        .member("productId", wish.product.text())
        .member("addedAt", wish.added_at)
        .end_object();
  json.end_array();
  if (orders) append_orders(json, *orders, orders_may_lag);
  json.end_object();
  return body;
}

/// All that is kept of a user.
Task<Reply> show_all(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto account = co_await use.accounts.find(caller->user);
  if (!account) co_return fail(account_error(account.error()));
  const SessionId from_newest;
  const auto sessions =
      co_await use.accounts.sessions(caller->user, use.wall.now(), from_newest, sessions_per_account_max);
  if (!sessions) co_return fail(sessions.error());
  const auto cart = co_await use.carts.items(caller->user);
  if (!cart) co_return fail(cart.error());
  const auto wishes = co_await use.wish_lists.list(caller->user, std::nullopt, wishes_max);
  if (!wishes) co_return fail(wishes.error());
  std::optional<std::vector<OrderPtr>> orders;
  if (use.orders) {
    auto newest = co_await newest_orders(*use.orders, caller->user);
    if (!newest) co_return fail(newest.error());
    orders = std::move(*newest);
  }
  co_return http::json(Status::ok,
                       export_of(*account, *sessions, *cart, *wishes, orders, use.orders_may_lag));
}

}  // namespace

void add_care_routes(http::Router& router, const CareParts& parts, const std::string& base) {
  auth::Routes routes(router, base, std::make_shared<UseCases>(parts), parts.authenticator);
  routes.add(Method::post, "/users/password/forgotten", Access::anyone, forgot_password);
  routes.add(Method::put, "/users/password", Access::anyone, reset_password);
  routes.add(Method::del, "/users/me", Access::signed_in, erase);
  routes.add(Method::get, "/users/me/export", Access::signed_in, show_all);
}

}  // namespace market::user
