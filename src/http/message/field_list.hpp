#pragma once
/// Values that are lists, `a, b`: RFC 9110 5.6.1.

#include "base/text.hpp"

namespace market::http {

/// Whether one of the list, without the blanks around it, `matches`; it may be empty.
template <class Matches>
bool any_in_list(std::string_view list, Matches matches) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (matches(trimmed(list.substr(0, comma)))) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace market::http
