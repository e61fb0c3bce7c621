#pragma once
/// Routes of a service, each with who may take it: asked before a long body is read and before a wrong query
/// is named, so that whoever may not ask learns that first.
///
///   auth::Routes routes(router, "/api/v1", std::make_shared<const Doors>(parts), parts.authenticator);
///   routes.add(Method::get, "/cart", Access::signed_in, show_cart);
///   routes.add(Method::get, "/orders", Access::signed_in, list_orders, {"limit", "cursor"});

#include "http/server/router.hpp"
#include "services/auth/authenticator.hpp"

namespace market::auth {

enum class Access : std::uint8_t { anyone, signed_in, sellers, admins };

/// Errors: unauthenticated; forbidden, when the caller's role is another. None for anyone.
std::function<Result<>(const http::Request&)> check_of(const Authenticator& authenticator, Access access);

/// Handlers are named functions of what they share. What a handler allows it judges again: between the two a
/// session may end.
template <class Shared>
class Routes {
 public:
  using Handler = Task<http::Reply> (*)(Shared&, const http::Request&);
  Routes(http::Router& router, std::string_view base, std::shared_ptr<Shared> shared,
         const Authenticator& authenticator)
      : router_(router), base_(base), shared_(std::move(shared)), authenticator_(authenticator) {}
  /// `query`: the parameters that the route knows.
  void add(http::Method method, const std::string& path, Access access, Handler handler,
           std::vector<std::string_view> query = {}, http::RouteOptions options = {}) {
    options.query = std::move(query);
    options.head_check = check_of(authenticator_, access);
    router_.add(
        method, base_ + path,
        [shared = shared_, handler](const http::Request& request) { return handler(*shared, request); },
        std::move(options));
  }

 private:
  http::Router& router_;
  const std::string base_;
  const std::shared_ptr<Shared> shared_;
  const Authenticator& authenticator_;
};

}  // namespace market::auth
