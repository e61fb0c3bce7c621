#pragma once
/// The caller's Idempotency-Key and the body it came with, reduced to what the gate remembers of them.

#include <string_view>

#include "domain/sale/command.hpp"
#include "http/message/request.hpp"
#include "wire/json/order_body.hpp"

namespace market::order {

/// None when the request has no key. Errors: validation (two keys, or not 1..64 visible ASCII characters).
Result<RequestKey> request_key_of(const http::Request& request, UserId user);
/// The same for the same items in the same order, however they were written.
std::uint64_t fingerprint_of(const wire::WantedLines& lines);

}  // namespace market::order
