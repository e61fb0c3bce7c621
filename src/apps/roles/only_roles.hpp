#pragma once
/// A check of a request's caller, for routes that ask before their handler does.

#include <functional>
#include <vector>

#include "services/auth/authenticator.hpp"

namespace market::apps {

/// Errors: unauthenticated; forbidden, when the caller's role is none of `roles`.
inline std::function<Result<>(const http::Request&)> only_roles(const auth::Authenticator& authenticator,
                                                                std::vector<Role> roles) {
  return [&authenticator, roles = std::move(roles)](const http::Request& request) -> Result<> {
    const auto caller = authenticator.require(request, roles);
    if (!caller) return fail(caller.error());
    return {};
  };
}

}  // namespace market::apps
