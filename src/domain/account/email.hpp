#pragma once
/// E-mail addresses compare without case: what look-ups, limits and codes use is the key, never the spelling.

#include <string>
#include <string_view>

namespace market {

/// The address in lower case (ASCII: accounts have no other letters); the same for any spelling of one.
inline std::string email_key(std::string_view email) {
  std::string key(email);
  for (char& c : key)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return key;
}

}  // namespace market
