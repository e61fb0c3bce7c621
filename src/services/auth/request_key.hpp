#pragma once
/// The caller's Idempotency-Key and the request it came with, reduced to what the log remembers of them.
///
///   Command command = CancelOrder{id, caller->user};
///   const auto bound = auth::bind_request_key(command, request, caller->user, request.body);
///   if (!bound) co_return fail(bound.error());

#include <string_view>

#include "domain/sale/command.hpp"
#include "http/message/request.hpp"

namespace market::auth {

/// The key is the user's own, whatever it was used for. None when the request has no key. Errors: validation
/// (two keys, or not 1..64 visible ASCII characters).
Result<RequestKey> request_key_of(const http::Request& request, UserId user);

/// Of method, path and `meaning`: the body, or what it says in one form. A key that comes with another one is
/// a mismatch.
std::uint64_t fingerprint_of(const http::Request& request, std::string_view meaning);

/// Which copy of the user's request this is, as a trusted gateway says it; number 0: it says nothing.
RequestCopy request_copy_of(const http::Request& request, UserId user);

/// Sets all three in a command. Errors as request_key_of().
Result<> bind_request_key(Command& command, const http::Request& request, UserId user,
                          std::string_view meaning);

}  // namespace market::auth
