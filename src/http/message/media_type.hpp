#pragma once
/// Media types (RFC 9110 8.3.1): a type and parameters, of which a value may be quoted.

#include <string_view>

namespace market::http {

/// The media type without its parameters.
std::string_view essence_of(std::string_view type);

/// application/json; of its parameters only a charset says anything, and that must be UTF-8.
bool is_json_type(std::string_view type);

}  // namespace market::http
