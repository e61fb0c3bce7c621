#pragma once
/// A service's doors without a server: requests go through the router to the handlers.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <string>
#include <vector>

#include "http/server/router.hpp"
#include "services/auth/authenticator.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::tests {

struct SentHeader {
  std::string name, value;
};

inline std::string header_of(const http::Reply& reply, std::string_view name) {
  for (const auto& header : reply.headers)
    if (header.name == name) return header.value;
  return {};
}

class ServiceRoutes {
 public:
  SentHeader sign_in(UserId user, Role role) {
    wire::Identity identity;
    identity.user = user;
    identity.role = role;
    identity.expires_at = clock.now() + Millis(3'600'000);
    return {"Authorization", "Bearer " + tokens.sign(identity, clock.now())};
  }
  /// The handler's answer; not_found when no route matches.
  Result<http::Reply> ask(http::Method method, const std::string& path, const std::string& body = "",
                          std::vector<SentHeader> headers = {}, const std::string& query = "") {
    http::Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.body = body;
    for (const auto& header : headers) request.headers.push_back({header.name, header.value});
    const auto match = router.match(request);
    if (match.handler == nullptr) return fail(Code::not_found, "no route: " + path);
    io.restart();
    auto answer = asio::co_spawn(io, (*match.handler)(request), asio::use_future);
    io.run();
    return answer.get();
  }

  asio::io_context io{1};
  MovedClock clock;
  wire::AccessTokens tokens{{wire::SigningKey{"k", "0123456789abcdef0123456789abcdef-of-a-test"}}};
  auth::DeniedSessions denied;
  auth::Authenticator authenticator{tokens, denied, clock};
  http::Router router;
};

}  // namespace market::tests
