#include "services/user/routes.hpp"

#include "http/message/paging.hpp"
#include "http/message/problem.hpp"
#include "services/auth/routes.hpp"
#include "services/auth/session_cookies.hpp"
#include "services/user/account_requests.hpp"
#include "services/user/password_rules.hpp"
#include "services/user/user_view.hpp"
#include "wire/auth/password_text.hpp"

namespace market::user {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;
using http::Status;
using UseCases = UserParts;

constexpr GuessLimiter::Rate sign_up_rate{300, Millis(300)};
constexpr GuessLimiter::Rate verify_rate{20, Millis(5'000)};

Reply user_reply(Status status, const Account& account) {
  std::string body;
  wire::JsonWriter json(body);
  append_user(json, account);
  return http::json(status, std::move(body));
}

/// `Market-Session: cookie`: a web page's session. No page of another origin can send this field unasked.
Result<bool> wants_cookies(const Request& request) {
  if (!request.has_header("Market-Session")) return false;
  if (request.only_header("Market-Session") == "cookie") return true;
  return invalid_field("Market-Session", "value", "Market-Session must be cookie, or not be there");
}

/// With cookies no script sees a token.
Reply signed_in_reply(const SignedIn& signed_in, bool in_cookies, const Request& request) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(signed_in.expires_in).count();
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object();
  if (!in_cookies) {
    json.member("accessToken", signed_in.access_token).member("tokenType", "Bearer");
    json.member("refreshToken", signed_in.refresh_token);
  }
  json.member("expiresIn", seconds).key("user");
  append_user(json, signed_in.account);
  json.end_object();
  Reply reply = http::json(Status::created, std::move(body));
  if (in_cookies) {
    auth::set_cookie(reply, request, auth::access_cookie, signed_in.access_token, signed_in.expires_in);
    auth::set_cookie(reply, request, auth::refresh_cookie, signed_in.refresh_token, signed_in.session_left);
  }
  return reply;
}

/// The browser that asked is signed out.
Reply signed_out_reply(const Request& request) {
  Reply reply = http::no_content();
  if (auth::value_of(auth::access_cookie, request) || auth::value_of(auth::refresh_cookie, request))
    auth::clear_session_cookies(reply, request);
  return reply;
}

/// All wrong members at once: the use case, which judges the password, is not reached any more.
Error with_password_error(const Error& error, const NewAccount& wanted) {
  const auto strong = check_password(wire::prepared_password(wanted.password), wanted.email, "password");
  if (strong || !error.extras || wanted.password.empty()) return error;
  ErrorExtras extras = *error.extras;
  extras.fields.insert(extras.fields.end(), strong.error().extras->fields.begin(),
                       strong.error().extras->fields.end());
  return Error(error.code, error.detail, std::move(extras));
}

Result<NewAccount> read_new_account(const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  NewAccount wanted;
  wanted.email = read_email(reader);
  wanted.password = reader.text("password", 1, 512);
  wanted.name = reader.line("name", 100);
  wanted.phone = reader.optional_line("phone", 40);
  wanted.address = reader.optional_visible_text("address", 500);
  if (const auto ok = reader.finish(); !ok) return fail(with_password_error(ok.error(), wanted));
  return wanted;
}

Task<Reply> create_user(UseCases& use, const Request& request) {
  std::string client = client_of(use.addresses_known, request);
  auto limits = address_limit("sign-up", client, sign_up_rate);
  auto tried = co_await use.limiter.take_shared(std::move(limits), use.clock.now());
  if (!tried) co_return fail(tried.error());
  tried->keep();  // A wrong one, too: its password is judged.
  auto wanted = read_new_account(request);
  if (!wanted) co_return fail(wanted.error());
  // As for those that are asked for: an account that is ended and made anew mails a stranger no more of them.
  MayMailTo may_code = [&use, client](std::string email) {
    return may_mail_first(use.limiter, std::move(email), client, use.clock.now());
  };
  const auto account = co_await use.sign_up.run(std::move(*wanted), std::move(client), std::move(may_code));
  if (!account) co_return fail(account.error());
  Reply reply = user_reply(Status::created, *account);
  reply.headers.push_back(http::Header{"Location", "/api/v1/users/me"});
  co_return reply;
}

struct EmailAndCode {
  std::string email, code;
};
Result<EmailAndCode> read_code(const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  EmailAndCode read;
  read.email = read_email(reader);
  read.code = reader.text("code", 1, 32);
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return read;
}

Task<Reply> verify_email(UseCases& use, const Request& request) {
  auto read = read_code(request);
  if (!read) co_return fail(read.error());
  auto limits = address_limit("verify", client_of(use.addresses_known, request), verify_rate);
  auto tried = co_await use.limiter.take_shared(std::move(limits), use.clock.now());
  if (!tried) co_return fail(tried.error());
  const auto verified = co_await use.sign_up.verify(std::move(read->email), std::move(read->code));
  if (!verified && verified.error().code == Code::invalid_code) tried->keep();
  if (!verified) co_return fail(verified.error());
  co_return http::no_content();
}

Task<Reply> resend_code(UseCases& use, const Request& request) {
  auto email = read_email_alone(request);
  if (!email) co_return fail(email.error());
  Reply accepted;
  accepted.status = Status::accepted;
  const std::string client = client_of(use.addresses_known, request);
  const auto may = co_await may_mail(use.limiter, "mail", *email, client, use.clock.now());
  if (!may || !*may) co_return accepted;  // The same answer, and no mail.
  const auto sent = co_await use.sign_up.resend(std::move(*email));
  if (!sent) co_return fail(sent.error());
  co_return accepted;
}

Task<Reply> sign_in(UseCases& use, const Request& request) {
  const auto in_cookies = wants_cookies(request);
  if (!in_cookies) co_return fail(in_cookies.error());
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  SignIn::Command command;
  command.email = reader.text("email", 1, 254);
  command.password = reader.text("password", 1, 512);
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  command.client = client_of(use.addresses_known, request);
  command.device = device_of(request.header("User-Agent"));
  const auto signed_in = co_await use.sign_in.run(std::move(command));
  if (!signed_in) co_return fail(signed_in.error());
  co_return signed_in_reply(*signed_in, *in_cookies, request);
}

struct Refresh {
  std::string token;
  bool by_cookie = false, in_cookies = false;
};
/// What came as a cookie goes on as one: no script shall get at it.
Result<Refresh> read_refresh(const Request& request) {
  const auto wanted = wants_cookies(request);
  if (!wanted) return fail(wanted.error());
  Refresh read{{}, false, *wanted};
  const auto cookie = auth::value_of(auth::refresh_cookie, request);
  const bool may_lack_token = *wanted || cookie.has_value();
  if (!may_lack_token || !request.body.empty()) {
    const auto json = wire::parse_json(request.body);
    if (!json) return fail(json.error());
    wire::ObjectReader reader(*json);
    if (!may_lack_token || reader.has("refreshToken")) read.token = reader.text("refreshToken", 1, 200);
    if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  }
  if (!read.token.empty()) return read;
  if (!cookie) return fail(Code::unauthenticated, "there is no refresh token, in the body or as a cookie");
  if (const auto ours = auth::expect_same_origin(request); !ours) return fail(ours.error());
  read.token = *cookie;
  read.by_cookie = read.in_cookies = true;
  return read;
}

Task<Reply> refresh(UseCases& use, const Request& request) {
  auto read = read_refresh(request);
  if (!read) co_return fail(read.error());
  const auto renewed = co_await use.sessions.renew(std::move(read->token));
  if (!renewed) {
    Reply refused = http::problem_reply(renewed.error(), request.trace_id);
    if (read->by_cookie && renewed.error().code == Code::session_revoked)
      auth::clear_session_cookies(refused, request);
    co_return refused;
  }
  co_return signed_in_reply(*renewed, read->in_cookies, request);
}

Task<Reply> list_sessions(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto page = http::page_of(request);
  if (!page) co_return fail(page.error());
  const auto before = http::before_of<SessionId>(*page);
  if (!before) co_return fail(before.error());
  auto sessions = co_await use.sessions.list(caller->user, *before, page->limit + 1);
  if (!sessions) co_return fail(sessions.error());
  const auto append = [current = caller->session](wire::JsonWriter& json, const Session& session) {
    json.begin_object().member("id", session.id.text()).member("current", session.id == current);
    json.member("device", session.device).member("createdAt", session.created_at);
    json.member("usedAt", session.used_at).member("endsAt", session.ends_at).end_object();
  };
  co_return http::page_reply(request, std::move(*sessions), page->limit, append);
}

Task<Reply> sign_out(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  if (!caller->session) co_return signed_out_reply(request);  // A load token has no session.
  const auto ended = co_await use.sessions.end(caller->user, caller->session);
  if (!ended) co_return fail(ended.error());
  co_return signed_out_reply(request);
}

Task<Reply> sign_out_everywhere(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto ended = co_await use.sessions.end(caller->user, std::nullopt);
  if (!ended) co_return fail(ended.error());
  co_return signed_out_reply(request);
}

Task<Reply> show_me(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto account = co_await use.accounts.find(caller->user);
  if (!account) co_return fail(account_error(account.error()));
  co_return user_reply(Status::ok, *account);
}

Result<AccountPatch> read_patch(const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  AccountPatch patch;
  if (reader.has("name")) patch.name = reader.line("name", 100);
  if (reader.has("phone")) patch.phone = reader.optional_line("phone", 40);
  if (reader.has("address")) patch.address = reader.optional_visible_text("address", 500);
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return patch;
}

Task<Reply> change_me(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  auto patch = read_patch(request);
  if (!patch) co_return fail(patch.error());
  const auto account = co_await use.accounts.update(caller->user, std::move(*patch));
  if (!account) co_return fail(account_error(account.error()));
  co_return user_reply(Status::ok, *account);
}

Task<Reply> change_password(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  std::string current = reader.text("currentPassword", 1, 512), fresh = reader.text("newPassword", 1, 512);
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  const auto changed =
      co_await use.sign_in.change_password(caller->user, caller->session, std::move(current),
                                           std::move(fresh), client_of(use.addresses_known, request));
  if (!changed) co_return fail(account_error(changed.error()));
  co_return http::no_content();
}

Result<Role> read_role(const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  const std::string name = reader.text("role", 1, 20);
  const auto role = parse_role(name);
  if (!name.empty() && !role) reader.refuse("role", "value", "must be customer, seller or admin");
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return *role;
}

Task<Reply> change_user(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.require(request, {Role::admin});
  if (!caller) co_return fail(caller.error());
  const auto user = UserId::parse(request.parameters[0]);
  if (!user) co_return fail(Code::not_found, "there is no such account");
  const auto role = read_role(request);
  if (!role) co_return fail(role.error());
  const auto account = co_await use.change_role.run(caller->user, *user, *role);
  if (!account) co_return fail(account.error());
  co_return user_reply(Status::ok, *account);
}

}  // namespace

void add_user_routes(http::Router& router, const UserParts& parts, const std::string& base) {
  auth::Routes routes(router, base, std::make_shared<UseCases>(parts), parts.authenticator);
  routes.add(Method::post, "/users", Access::anyone, create_user);
  routes.add(Method::post, "/users/verification", Access::anyone, verify_email);
  routes.add(Method::post, "/users/verification/resend", Access::anyone, resend_code);
  routes.add(Method::get, "/users/me", Access::signed_in, show_me);
  routes.add(Method::patch, "/users/me", Access::signed_in, change_me);
  routes.add(Method::patch, "/users/{id}", Access::admins, change_user);
  routes.add(Method::put, "/users/me/password", Access::signed_in, change_password);
  routes.add(Method::post, "/sessions", Access::anyone, sign_in);
  routes.add(Method::post, "/sessions/refresh", Access::anyone, refresh);
  routes.add(Method::get, "/sessions", Access::signed_in, list_sessions, {"limit", "cursor"});
  routes.add(Method::del, "/sessions/current", Access::signed_in, sign_out);
  routes.add(Method::del, "/sessions", Access::signed_in, sign_out_everywhere);
}

}  // namespace market::user
