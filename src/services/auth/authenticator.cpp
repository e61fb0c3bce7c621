#include "services/auth/authenticator.hpp"

#include <algorithm>

#include "http/message/ascii.hpp"
#include "services/auth/session_cookies.hpp"

namespace market::auth {
namespace {

tl::unexpected<Error> refused() {
  return fail(Code::unauthenticated, "sign in first");
}

Result<std::string_view> cookie_token(const http::Request& request) {
  const auto token = value_of(access_cookie, request);
  if (!token) return refused();
  return *token;
}

/// The token of `Authorization: Bearer <token>`, with one or more spaces (RFC 6750, section 2.1).
Result<std::string_view> bearer_token(std::string_view value) {
  constexpr std::string_view scheme = "Bearer ";
  if (value.size() <= scheme.size() || !http::same_letters(value.substr(0, scheme.size()), scheme))
    return refused();
  std::string_view token = value.substr(scheme.size());
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  if (token.empty() || token.find(' ') != std::string_view::npos) return refused();
  return token;
}

/// Of several Authorization fields none counts, and no cookie instead.
bool is_by_cookie(const http::Request& request) {
  return !request.has_header("Authorization");
}

}  // namespace

Result<wire::Identity> Authenticator::whose(const http::Request& request) const {
  const auto sent = request.only_header("Authorization");
  const bool by_cookie = is_by_cookie(request);
  const auto token = by_cookie ? cookie_token(request) : bearer_token(sent.value_or(std::string_view()));
  if (!token) return fail(token.error());
  auto identity = tokens_.verify(*token, wall_.now());
  if (identity && is_denied(*identity)) return refused();
  // A page says whose request it sends: the cookie may by now be of somebody who signed in beside it.
  if (identity && by_cookie && request.has_header("Market-User") &&
      request.only_header("Market-User") != identity->user.text())
    return refused();
  return identity;
}

Result<wire::Identity> Authenticator::identify(const http::Request& request) const {
  auto identity = whose(request);
  // Who sends it comes first: a page of another origin learns nothing by a cookie that counts nowhere.
  if (identity && is_by_cookie(request) && !is_safe(request))
    if (const auto ours = expect_same_origin(request); !ours) return fail(ours.error());
  return identity;
}

bool Authenticator::still_holds(const wire::Identity& identity) const {
  return identity.expires_at > wall_.now() && !is_denied(identity) && tokens_.accepts_key_of(identity);
}

Result<wire::Identity> Authenticator::require(const http::Request& request,
                                              std::span<const Role> roles) const {
  auto identity = identify(request);
  if (identity && std::find(roles.begin(), roles.end(), identity->role) == roles.end())
    return fail(Code::forbidden, "your role may not do this");
  return identity;
}

}  // namespace market::auth
