#include "services/auth/session_cookies.hpp"

#include <fmt/format.h>

#include "http/message/ascii.hpp"
#include "http/message/websocket.hpp"

namespace market::auth {
namespace {

using http::same_letters;

/// Whether the browser sees https. A proxy that ends TLS says so; whoever else does restricts himself.
bool is_secure(const http::Request& request) {
  return request.secure || same_letters(request.only_header("X-Forwarded-Proto").value_or(""), "https");
}

/// `Origin: https://shop.example` and `Host: shop.example`. Without TLS here there may be some before us.
bool is_origin(std::string_view origin, std::string_view host, bool secure) {
  constexpr std::string_view plain = "http://", safe = "https://";
  if (origin.starts_with(safe))
    origin.remove_prefix(safe.size());
  else if (origin.starts_with(plain) && !secure)
    origin.remove_prefix(plain.size());
  else
    return false;
  return !host.empty() && same_letters(origin, host);
}

void add_cookie(http::Reply& reply, const http::Request& request, const SessionCookie& cookie,
                std::string_view value, std::int64_t seconds) {
  reply.headers.push_back(
      {"Set-Cookie", fmt::format("{}={}; Path={}; Max-Age={}; HttpOnly; SameSite=Strict{}", cookie.name,
                                 value, cookie.path, seconds, is_secure(request) ? "; Secure" : "")});
}

}  // namespace

std::optional<std::string_view> value_of(const SessionCookie& cookie, const http::Request& request) {
  std::optional<std::string_view> found;
  for (const auto& field : request.headers) {
    if (!same_letters(field.name, "cookie")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto end = rest.find(';');
      auto pair = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      while (pair.ends_with(' ')) pair.remove_suffix(1);
      if (!pair.starts_with(cookie.name) || pair.substr(cookie.name.size(), 1) != "=") continue;
      if (found) return std::nullopt;
      found = pair.substr(cookie.name.size() + 1);
    }
  }
  return found && !found->empty() ? found : std::nullopt;
}

bool is_safe(const http::Request& request) {
  if (request.method == http::Method::head || request.method == http::Method::options) return true;
  return request.method == http::Method::get && !http::is_websocket_upgrade(request);
}

bool is_same_origin(const http::Request& request) {
  if (request.has_header("Sec-Fetch-Site"))
    return request.only_header("Sec-Fetch-Site").value_or("") == "same-origin";
  const auto origin = request.only_header("Origin");
  if (!origin) return false;
  const bool secure = is_secure(request);
  // A gateway calls us by our address and tells what the client has asked for. No page can write that field.
  return is_origin(*origin, request.header("Host"), secure) ||
         is_origin(*origin, request.only_header("X-Forwarded-Host").value_or(""), secure);
}

Result<> expect_same_origin(const http::Request& request) {
  if (is_same_origin(request)) return {};
  return fail(Code::forbidden,
              "a session cookie counts for pages of this origin alone; send Authorization instead");
}

void set_cookie(http::Reply& reply, const http::Request& request, const SessionCookie& cookie,
                std::string_view value, Millis life) {
  add_cookie(reply, request, cookie, value, std::chrono::duration_cast<std::chrono::seconds>(life).count());
}

void clear_session_cookies(http::Reply& reply, const http::Request& request) {
  for (const auto& cookie : {access_cookie, refresh_cookie}) add_cookie(reply, request, cookie, "", 0);
}

}  // namespace market::auth
