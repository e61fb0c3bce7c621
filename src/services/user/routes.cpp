#include "services/user/routes.hpp"

#include <fmt/format.h>

#include "services/user/user_view.hpp"
#include "wire/json/json.hpp"

namespace market::user {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using http::Status;
using Doors = UserParts;

constexpr GuessLimiter::Rate sign_up_rate{300, Millis(300)};
constexpr GuessLimiter::Rate verify_rate{20, Millis(5'000)};
constexpr GuessLimiter::Rate resend_rate{3, Millis(60'000)};

Reply user_reply(Status status, const Account& account) {
  std::string body;
  append_user(body, account);
  return http::json(status, std::move(body));
}

Reply signed_in_reply(const SignedIn& signed_in) {
  std::string body = "{\"accessToken\":";
  wire::append_json_string(body, signed_in.access_token);
  body += fmt::format(",\"tokenType\":\"Bearer\",\"expiresIn\":{},\"refreshToken\":",
                      std::chrono::duration_cast<std::chrono::seconds>(signed_in.expires_in).count());
  wire::append_json_string(body, signed_in.refresh_token);
  body += ",\"user\":";
  append_user(body, signed_in.account);
  body += '}';
  return http::json(Status::created, std::move(body));
}

std::string read_email(wire::ObjectReader& reader) {
  std::string email = reader.text("email", 3, 254);
  if (!email.empty() && !is_email(email)) reader.refuse("email", "format", "must be an e-mail address");
  return email;
}

Result<NewAccount> read_new_account(const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  NewAccount wanted;
  wanted.email = read_email(reader);
  wanted.password = reader.text("password", 1, 512);
  wanted.name = reader.visible_text("name", 100);
  wanted.phone = reader.optional_visible_text("phone", 40);
  wanted.address = reader.optional_visible_text("address", 500);
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return wanted;
}

Task<Reply> create_user(Doors& doors, const Request& request) {
  auto wanted = read_new_account(request);
  if (!wanted) co_return fail(wanted.error());
  const std::string bucket = "sign-up:" + limit_address(request.remote_address);
  const Instant now = doors.clock.now();
  if (const auto allowed = doors.limiter.allow(bucket, sign_up_rate, now); !allowed)
    co_return fail(allowed.error());
  doors.limiter.charge(bucket, sign_up_rate, now);
  const auto account = co_await doors.sign_up.run(std::move(*wanted));
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

Task<Reply> verify_email(Doors& doors, const Request& request) {
  auto read = read_code(request);
  if (!read) co_return fail(read.error());
  const std::string bucket = "verify:" + limit_address(request.remote_address);
  const Instant now = doors.clock.now();
  if (const auto allowed = doors.limiter.allow(bucket, verify_rate, now); !allowed)
    co_return fail(allowed.error());
  const auto verified = co_await doors.sign_up.verify(std::move(read->email), std::move(read->code));
  if (!verified && verified.error().code == Code::invalid_code)
    doors.limiter.charge(bucket, verify_rate, now);
  if (!verified) co_return fail(verified.error());
  co_return http::no_content();
}

Task<Reply> resend_code(Doors& doors, const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  std::string email = read_email(reader);
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  Reply accepted;
  accepted.status = Status::accepted;
  const std::string bucket = "resend:" + email;
  const Instant now = doors.clock.now();
  if (!doors.limiter.allow(bucket, resend_rate, now)) co_return accepted;  // The same answer, and no mail.
  doors.limiter.charge(bucket, resend_rate, now);
  const auto sent = co_await doors.sign_up.resend(std::move(email));
  if (!sent) co_return fail(sent.error());
  co_return accepted;
}

Task<Reply> sign_in(Doors& doors, const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  SignIn::Command command;
  command.email = reader.text("email", 1, 254);
  command.password = reader.text("password", 1, 512);
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  command.remote_address = request.remote_address;
  command.device = device_of(request.header("User-Agent"));
  const auto signed_in = co_await doors.sign_in.run(std::move(command));
  if (!signed_in) co_return fail(signed_in.error());
  co_return signed_in_reply(*signed_in);
}

Task<Reply> refresh(Doors& doors, const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  std::string token = reader.text("refreshToken", 1, 200);
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  const auto renewed = co_await doors.sessions.renew(std::move(token));
  if (!renewed) co_return fail(renewed.error());
  co_return signed_in_reply(*renewed);
}

Task<Reply> list_sessions(Doors& doors, const Request& request) {
  const auto caller = doors.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto sessions = co_await doors.sessions.list(caller->user);
  if (!sessions) co_return fail(sessions.error());
  std::string body = "{\"items\":[";
  for (const Session& session : *sessions) {
    if (body.back() == '}') body += ',';
    body += fmt::format("{{\"id\":\"{}\",\"current\":{},\"device\":", session.id.text(),
                        session.id == caller->session);
    wire::append_json_string(body, session.device);
    body += fmt::format(",\"createdAt\":\"{}\",\"usedAt\":\"{}\",\"endsAt\":\"{}\"}}",
                        format_rfc3339(session.created_at), format_rfc3339(session.used_at),
                        format_rfc3339(session.ends_at));
  }
  body += "],\"nextCursor\":null}";
  co_return http::json(Status::ok, std::move(body));
}

Task<Reply> sign_out(Doors& doors, const Request& request) {
  const auto caller = doors.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  if (!caller->session) co_return http::no_content();  // A load token has no session.
  const auto ended = co_await doors.sessions.end(caller->user, caller->session, std::nullopt);
  if (!ended) co_return fail(ended.error());
  co_return http::no_content();
}

Task<Reply> sign_out_everywhere(Doors& doors, const Request& request) {
  const auto caller = doors.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto ended = co_await doors.sessions.end(caller->user, std::nullopt, std::nullopt);
  if (!ended) co_return fail(ended.error());
  co_return http::no_content();
}

/// A token may outlive its account.
Error account_error(const Error& error) {
  return error.code == Code::not_found ? Error(Code::unauthenticated, "sign in first") : error;
}

Task<Reply> show_me(Doors& doors, const Request& request) {
  const auto caller = doors.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto account = co_await doors.accounts.find(caller->user);
  if (!account) co_return fail(account_error(account.error()));
  co_return user_reply(Status::ok, *account);
}

Result<AccountPatch> read_patch(const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  AccountPatch patch;
  if (reader.has("name")) patch.name = reader.visible_text("name", 100);
  if (reader.has("phone")) patch.phone = reader.optional_visible_text("phone", 40);
  if (reader.has("address")) patch.address = reader.optional_visible_text("address", 500);
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return patch;
}

Task<Reply> change_me(Doors& doors, const Request& request) {
  const auto caller = doors.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  auto patch = read_patch(request);
  if (!patch) co_return fail(patch.error());
  const auto account = co_await doors.accounts.update(caller->user, std::move(*patch));
  if (!account) co_return fail(account_error(account.error()));
  co_return user_reply(Status::ok, *account);
}

Task<Reply> change_password(Doors& doors, const Request& request) {
  const auto caller = doors.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  const auto json = wire::parse_json(request.body);
  if (!json) co_return fail(json.error());
  wire::ObjectReader reader(*json);
  std::string current = reader.text("currentPassword", 1, 512), fresh = reader.text("newPassword", 1, 512);
  if (const auto ok = reader.finish(); !ok) co_return fail(ok.error());
  const auto changed = co_await doors.sign_in.change_password(caller->user, caller->session,
                                                              std::move(current), std::move(fresh));
  if (!changed) co_return fail(account_error(changed.error()));
  co_return http::no_content();
}

}  // namespace

void add_user_routes(http::Router& router, const UserParts& parts, const std::string& base) {
  auto doors = std::make_shared<Doors>(parts);
  const auto add = [&](Method method, std::string path, Task<Reply> (*door)(Doors&, const Request&)) {
    router.add(method, base + path, [doors, door](const Request& request) { return door(*doors, request); });
  };
  add(Method::post, "/users", create_user);
  add(Method::post, "/users/verification", verify_email);
  add(Method::post, "/users/verification/resend", resend_code);
  add(Method::get, "/users/me", show_me);
  add(Method::patch, "/users/me", change_me);
  add(Method::put, "/users/me/password", change_password);
  add(Method::post, "/sessions", sign_in);
  add(Method::post, "/sessions/refresh", refresh);
  add(Method::get, "/sessions", list_sessions);
  add(Method::del, "/sessions/current", sign_out);
  add(Method::del, "/sessions", sign_out_everywhere);
}

}  // namespace market::user
