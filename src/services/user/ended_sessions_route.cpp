#include "services/user/ended_sessions_route.hpp"

#include <charconv>

#include "services/auth/ended_sessions.hpp"

namespace market::user {
namespace {

/// Never further back than tokens live.
Result<Millis> lately_of(const http::Request& request) {
  const auto text = request.query_parameter("lately");
  if (!text) return tl::unexpected(text.error());
  if (!*text) return access_token_life_max;
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), ms);
  if (error != std::errc() || end != (*text)->data() + (*text)->size() || ms < 0)
    return fail(Code::validation, "lately is no number of milliseconds");
  return std::min(Millis(ms), access_token_life_max);
}

Task<http::Reply> tell(const EndedSessionsParts& parts, const http::Request& request) {
  const auto caller = parts.authenticator.identify(request);
  if (!caller) co_return fail(caller.error());
  if (!auth::is_key_holder(*caller)) co_return fail(Code::forbidden, "this is for gateways");
  const auto lately = lately_of(request);
  if (!lately) co_return fail(lately.error());
  const Instant since = parts.clock.now() - *lately;
  auto sessions = co_await parts.accounts.ended_since(since);
  if (!sessions) co_return fail(sessions.error());
  auto roles = co_await parts.accounts.roles_changed_since(since);
  if (!roles) co_return fail(roles.error());
  auth::EndedSessions ended;
  ended.token_life = access_token_life_max;
  ended.sessions = std::move(*sessions);
  ended.roles = std::move(*roles);
  co_return http::json(http::Status::ok, auth::text_of(ended, request.has_header(auth::reads_role_times)));
}

}  // namespace

void add_ended_sessions_route(http::Router& router, const EndedSessionsParts& parts) {
  const auto shared = std::make_shared<const EndedSessionsParts>(parts);
  http::RouteOptions options;
  options.query = {"lately"};
  router.add(
      http::Method::get, std::string(auth::ended_sessions_path),
      [shared](const http::Request& request) { return tell(*shared, request); }, std::move(options));
}

}  // namespace market::user
