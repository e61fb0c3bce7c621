#pragma once
/// In how many ways servers read one request: whether a route's predicates hold in all of them, in some, or
/// in none. A field that stands once, in plain spelling, has one reading. One that stands twice, in another
/// case, with white space, quotes, or escapes of what is no text, has several: this server takes the first,
/// that one the last, a third joins them, and a fourth trims. Whoever decides by such a field must not be led
/// past a rule by it.

#include "services/gateway/route.hpp"

namespace market::gateway {

enum class Holds : std::uint8_t { in_none, in_some, in_all };

Holds header_holds(const http::Request& request, const FieldPredicate& wanted);
Holds query_holds(const http::Request& request, const FieldPredicate& wanted);
Holds cookie_holds(const http::Request& request, const FieldPredicate& wanted);
Holds host_holds(const http::Request& request, const std::vector<std::string>& hosts);
/// All of a route's predicates but the path's.
Holds predicates_hold(const Route& route, const http::Request& request, std::string_view client, Instant now);

/// As `admin.example` is meant by `admin.example:80`, `ADMIN.example.` and the like.
bool host_fits(std::string_view asked, const std::vector<std::string>& hosts);

}  // namespace market::gateway
