#include "apps/roles/serve_role.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "apps/settings/settings.hpp"

namespace market::apps {

namespace {

using Names = std::set<std::string_view>;

Names names_in(const std::string& text) {
  constexpr std::array<std::string_view, 6> names{"all", "gateway", "registry", "user", "product", "order"};
  Names roles;
  for (std::string_view rest = text;;) {
    const auto name = rest.substr(0, rest.find(','));
    if (name.empty()) throw UsageError(fmt::format("--role '{}': a role has no name", text));
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw UsageError(
          fmt::format("--role '{}': there is no role '{}', but {}", text, name, fmt::join(names, ", ")));
    if (!roles.insert(name).second) throw UsageError(fmt::format("--role '{}': {} stands twice", text, name));
    if (name.size() == rest.size()) break;
    rest.remove_prefix(name.size() + 1);
  }
  return roles;
}

}  // namespace

std::vector<std::string> Services::names() const {
  std::vector<std::string> names;
  if (user) names.emplace_back("market-user");
  if (product) names.emplace_back("market-product");
  if (order) names.emplace_back("market-order");
  return names;
}

ServeRole parse_role(const std::string& text) {
  const Names roles = names_in(text);
  if (roles == Names{"all"} || roles == Names{"gateway", "user", "product", "order"}) return ServeRole::all;
  if (roles == Names{"gateway"}) return ServeRole::gateway;
  if (roles == Names{"registry"}) return ServeRole::registry;
  if (!roles.contains("all") && !roles.contains("gateway") && !roles.contains("registry"))
    return ServeRole::services;
  throw UsageError(
      fmt::format("--role '{}': one of all, gateway, registry, or any of user, product and order", text));
}

Services services_of(const std::string& text) {
  const Names roles = names_in(text);
  const bool all = roles.contains("all");
  return {all || roles.contains("user"), all || roles.contains("product"), all || roles.contains("order")};
}

}  // namespace market::apps
