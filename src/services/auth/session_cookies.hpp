#pragma once
/// The session of a web page: two cookies that no script can read. Without `Authorization`, the access cookie
/// says who asks; what changes something must then come from a page of this very origin (no CSRF).

#include <optional>
#include <string>

#include "base/time.hpp"
#include "http/message/message.hpp"

namespace market::auth {

struct SessionCookie {
  std::string_view name, path;
};
inline constexpr SessionCookie access_cookie{"market_access", "/api"};
inline constexpr SessionCookie refresh_cookie{"market_refresh", "/api/v1/sessions"};

/// The value of the one cookie of this name. None when there are two: another site of the same domain may
/// have set one of them.
std::optional<std::string_view> value_of(const SessionCookie& cookie, const http::Request& request);

/// GET, HEAD and OPTIONS: a browser sends our cookies with none of them from another site (SameSite=Strict),
/// and lets no page of another origin read the answer (CORS never allows credentials). A WebSocket's GET is
/// not safe: another origin of this very site sends it with our cookies, and CORS is not asked about what it
/// reads.
bool is_safe(const http::Request& request);
/// Whether a page of this origin has sent it: browsers say so in Sec-Fetch-Site, or, over plain HTTP, in
/// Origin. No page can write either.
bool is_same_origin(const http::Request& request);
/// Errors: forbidden.
Result<> expect_same_origin(const http::Request& request);

/// `value` must be made of token characters; it ends with the browser's `life`.
void set_cookie(http::Reply& reply, const http::Request& request, const SessionCookie& cookie,
                std::string_view value, Millis life);
void clear_session_cookies(http::Reply& reply, const http::Request& request);

}  // namespace market::auth
