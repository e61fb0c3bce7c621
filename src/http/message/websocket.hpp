#pragma once
/// What is a WebSocket's opening handshake, and nothing else: whoever judges a request by it and whoever
/// sends one on must mean the same.

#include "http/message/ascii.hpp"
#include "http/message/field_list.hpp"
#include "http/message/request.hpp"

namespace market::http {

/// RFC 6455 4.1. Any other request with an `Upgrade` is one like all others: the field goes no further.
inline bool is_websocket_upgrade(const Request& request) {
  const auto is_upgrade = [](std::string_view option) { return same_letters(option, "upgrade"); };
  return request.method == Method::get && request.body.empty() &&
         any_in_list(request.header("connection"), is_upgrade) &&
         same_letters(request.only_header("upgrade").value_or(std::string_view()), "websocket") &&
         request.only_header("sec-websocket-key") && request.header("sec-websocket-version") == "13";
}

}  // namespace market::http
