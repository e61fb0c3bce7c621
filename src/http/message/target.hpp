#pragma once
/// Request targets and hosts: RFC 9112 3.2, RFC 3986.

#include <string>
#include <string_view>

namespace market::http {

struct Target {
  std::string_view path, query;
  std::string_view authority;  ///< Of an absolute-form: it is the host then, whatever the field says.
};

/// Origin-form or absolute-form. `*` is the caller's: it belongs to OPTIONS alone.
bool parse_target(std::string_view text, Target& target);

/// `host[:port]`: a name, an IPv4 address or an IPv6 address in brackets; never empty.
bool is_valid_host(std::string_view text);

/// Appends the decoded text. False, with `out` in any state, on a bad escape. `plus_is_space` for queries.
bool percent_decode(std::string_view text, bool plus_is_space, std::string& out);

}  // namespace market::http
