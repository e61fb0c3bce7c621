#pragma once
/// A short list of field names, asked for each field of each request.
///
///   constexpr NameSet hop_by_hop{std::array<std::string_view, 2>{"connection", "te"}};
///   if (hop_by_hop.has(field.name)) continue;

#include <array>
#include <string_view>

#include "http/message/ascii.hpp"

namespace market::gateway {

/// Names in lower case, looked up without case, by their lengths first: most fields are none of them.
template <std::size_t N>
class NameSet {
 public:
  constexpr NameSet(const std::array<std::string_view, N>& names) : names_(names) {
    for (const auto name : names) lengths_ |= 1u << name.size();
  }
  bool has(std::string_view name) const {
    if (name.size() > 31 || (lengths_ >> name.size() & 1) == 0) return false;
    for (const auto known : names_)
      if (known.size() == name.size() && http::lower(name[0]) == known[0] && http::same_letters(known, name))
        return true;
    return false;
  }

 private:
  std::array<std::string_view, N> names_;
  unsigned lengths_ = 0;
};

}  // namespace market::gateway
