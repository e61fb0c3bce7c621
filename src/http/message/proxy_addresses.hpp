#pragma once
/// What proxies and their addresses are asked, besides client_address().

#include <string_view>
#include <vector>

#include "http/message/client_address.hpp"

namespace market::http {

/// False of what is no literal address.
bool is_in(std::string_view address, const std::vector<Network>& networks);

/// What the last proxy said, believed or not: an address or a name, or empty. Good enough to tell clients
/// apart whom nothing else tells apart; nothing else may rest on it. A view into the request.
std::string_view claimed_address(const Request& request);

}  // namespace market::http
