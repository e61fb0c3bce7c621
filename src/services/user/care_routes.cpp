#include "services/user/care_routes.hpp"

#include "services/auth/routes.hpp"
#include "services/user/account_requests.hpp"
#include "services/user/user_view.hpp"

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
  if (!reset && reset.error().code == Code::invalid_code) tried->keep();
  if (!reset) co_return fail(reset.error());
  co_return http::no_content();
}

/// A token may outlive its account.
Error account_error(const Error& error) {
  return error.code == Code::not_found ? Error(Code::unauthenticated, "sign in first") : error;
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
  const auto erased =
      co_await use.care.erase(caller->user, std::move(password), client_of(use.addresses_known, request));
  if (!erased && erased.error().code == Code::invalid_credentials) tried->keep();
  if (!erased) co_return fail(account_error(erased.error()));
  co_return http::no_content();
}

std::string export_of(const Account& account, const std::vector<Session>& sessions,
                      const std::vector<CartItem>& cart, const std::vector<Wish>& wishes) {
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
  json.end_array().end_object();
  return body;
}

/// All that is kept of a user beside the orders, which GET /orders lists.
Task<Reply> show_all(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto account = co_await use.accounts.find(caller->user);
  if (!account) co_return fail(account_error(account.error()));
  const SessionId from_newest;
  const auto sessions =
      co_await use.accounts.sessions(caller->user, use.clock.now(), from_newest, sessions_per_account_max);
  if (!sessions) co_return fail(sessions.error());
  const auto cart = co_await use.carts.items(caller->user);
  if (!cart) co_return fail(cart.error());
  const auto wishes = co_await use.wish_lists.list(caller->user, std::nullopt, wishes_max);
  if (!wishes) co_return fail(wishes.error());
  co_return http::json(Status::ok, export_of(*account, *sessions, *cart, *wishes));
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
