#include "http/message/host_address.hpp"

#include <arpa/inet.h>

#include "http/message/client_address.hpp"

namespace market::http {

std::string host_in_url(std::string_view host) {
  std::string text(host);
  return text.find(':') == std::string::npos || text.front() == '[' ? text : '[' + text + ']';
}

std::string bare_host(const std::string& host) {
  return host.size() > 2 && host.front() == '[' ? host.substr(1, host.size() - 2) : host;
}

bool is_same_address(const std::string& host, const std::string& other) {
  in_addr one{}, two{};
  if (::inet_aton(host.c_str(), &one) != 0 && ::inet_aton(other.c_str(), &two) != 0)
    return one.s_addr == two.s_addr;
  AddressBytes a, b;
  return parse_ip(bare_host(host), a) && parse_ip(bare_host(other), b) && a == b;
}

}  // namespace market::http
