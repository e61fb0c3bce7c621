#include "services/auth/routes.hpp"

namespace market::auth {

std::function<Result<>(const http::Request&)> check_of(const Authenticator& authenticator, Access access) {
  if (access == Access::anyone) return nullptr;
  return [&authenticator, access](const http::Request& request) -> Result<> {
    const auto caller = access == Access::signed_in ? authenticator.identify(request)
                        : access == Access::sellers
                            ? authenticator.require(request, {Role::seller, Role::admin})
                            : authenticator.require(request, {Role::admin});
    if (!caller) return fail(caller.error());
    return {};
  };
}

}  // namespace market::auth
