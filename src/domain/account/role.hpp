#pragma once
/// Who somebody is to the shop.

#include <cstdint>
#include <optional>
#include <string_view>

namespace market {

enum class Role : std::uint8_t { customer, seller, admin };
std::string_view text_of(Role role);
std::optional<Role> parse_role(std::string_view text);

}  // namespace market
