#pragma once
/// The one form of a path by which rules are looked up, and every form that a server behind us could read it
/// in. Whoever decides by a path decides by the first, and doubts what the second could mean.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace market::http {

/// Letters, digits, `-`, `_`, `~`, and dots that make no segment of their own: already normal, and only its
/// letters' case and a last slash leave room for another reading.
bool is_plain_path(std::string_view path);

/// RFC 3986 6.2.2: unreserved octets decoded, other escapes in upper case, dot segments and doubled slashes
/// gone; `;` parameters stay. Nullopt: no form is safe (an escaped slash, backslash or control character, an
/// overlong or doubled escape of one, a dot segment with parameters, one that leads above the root).
std::optional<std::string> normal_path(std::string_view path);

/// Each segment up to its `;`: what Tomcat and Spring look rules up by.
std::string without_parameters(std::string_view path);

/// What nginx, Tomcat, Express and Starlette could take a normal path for, in lower case: decoded or not,
/// with parameters or not, cut at an escaped `?` or `#`, with or without a last slash or blanks around a
/// segment. The path itself, in lower case, is the first.
std::vector<std::string> readings_of(std::string_view normal);

}  // namespace market::http
