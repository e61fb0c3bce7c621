#include "services/registry/door.hpp"

#include "wire/basic_authorization.hpp"

namespace market::registry {
namespace {

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

std::optional<http::Reply> refuse_writer(const RegistryDoors& doors, const http::Request& request) {
  bool allowed = !is_from_another_site(request);
  if (doors.authorization.empty()) {
    allowed = allowed && request.remote_is_loopback;
  } else if (request.count_headers("Authorization") != 1 ||
             !wire::is_same_secret(request.header("Authorization"), doors.authorization)) {
    ++doors.registry.counts().refused;
    http::Reply reply = empty_reply(http::Status::unauthorized);
    reply.headers.push_back(http::Header{"WWW-Authenticate", "Basic realm=\"registry\", charset=\"UTF-8\""});
    return reply;
  }
  if (allowed) return std::nullopt;
  ++doors.registry.counts().refused;
  return empty_reply(http::Status::forbidden);
}

}  // namespace market::registry
