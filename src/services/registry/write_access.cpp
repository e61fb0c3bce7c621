#include "services/registry/handlers.hpp"

#include "wire/auth/basic_authorization.hpp"

namespace market::registry {
namespace {

/// `localhost` or a loopback address, with any port.
bool is_loopback_name(std::string_view host) {
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos && !host.ends_with(']'))
    host = host.substr(0, colon);
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

bool is_from_a_browser(const http::Request& request) {
  return request.has_header("Origin") || request.has_header("Sec-Fetch-Site");
}

/// Browsers send Origin with what another site's page asks them to send. Eureka's clients are no browsers.
bool is_from_another_site(const http::Request& request) {
  const auto origin = request.header("Origin");
  if (origin.empty() && request.header("Sec-Fetch-Site").empty()) return false;
  if (const auto site = request.header("Sec-Fetch-Site");
      !site.empty() && site != "same-origin" && site != "none")
    return true;
  const auto scheme_end = origin.find("://");
  return !origin.empty() &&
         (scheme_end == std::string_view::npos || origin.substr(scheme_end + 3) != request.header("Host"));
}

}  // namespace

http::Reply empty_reply(http::Status status) {
  http::Reply reply;
  reply.status = status;
  return reply;
}

namespace {

bool knows_credential(const HandlerContext& context, const http::Request& request) {
  const auto sent = request.only_header("Authorization");
  return sent && wire::is_basic_authorization(*sent, context.authorization);
}

http::Reply ask_for_credential(const HandlerContext& context) {
  ++context.registry.counts().refused;
  http::Reply reply = empty_reply(http::Status::unauthorized);
  reply.headers.push_back(http::Header{"WWW-Authenticate", "Basic realm=\"registry\", charset=\"UTF-8\""});
  return reply;
}

}  // namespace

std::optional<http::Reply> refuse_reader(const HandlerContext& context, const http::Request& request) {
  if (context.authorization.empty() || context.public_reads || knows_credential(context, request))
    return std::nullopt;
  return ask_for_credential(context);
}

std::optional<http::Reply> refuse_writer(const HandlerContext& context, const http::Request& request) {
  bool allowed = !is_from_another_site(request);
  if (context.authorization.empty()) {
    // To a browser, a name of the attacker's own that leads here is the same site (DNS rebinding).
    if (is_from_a_browser(request) && !is_loopback_name(request.header("Host"))) allowed = false;
    allowed = allowed && request.is_from_this_machine();
  } else if (!knows_credential(context, request)) {
    return ask_for_credential(context);
  }
  if (allowed) return std::nullopt;
  ++context.registry.counts().refused;
  return empty_reply(http::Status::forbidden);
}

}  // namespace market::registry
