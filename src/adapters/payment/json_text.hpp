#pragma once
/// A text of Stripe's JSON.

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace market::payment {

/// Empty: there is none.
inline std::string text_at(const boost::json::value& value, std::string_view pointer) {
  boost::system::error_code error;
  const auto* found = value.find_pointer(pointer, error);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace market::payment
