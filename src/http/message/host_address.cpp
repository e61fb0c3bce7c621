#include "http/message/host_address.hpp"

#include <arpa/inet.h>

#include "http/message/client_address.hpp"

namespace market::http {

bool is_same_address(const std::string& host, const std::string& other) {
  in_addr one{}, two{};
  if (::inet_aton(host.c_str(), &one) != 0 && ::inet_aton(other.c_str(), &two) != 0)
    return one.s_addr == two.s_addr;
  const auto bare = [](const std::string& text) {
    return text.size() > 2 && text.front() == '[' ? text.substr(1, text.size() - 2) : text;
  };
  AddressBytes a, b;
  return parse_ip(bare(host), a) && parse_ip(bare(other), b) && a == b;
}

}  // namespace market::http
