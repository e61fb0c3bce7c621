#include "apps/roles/serve_role.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "apps/settings/settings.hpp"

namespace market::apps {

ServeRole parse_role(const std::string& text) {
  constexpr std::array<std::string_view, 6> names{"all", "gateway", "registry", "user", "product", "order"};
  std::set<std::string_view> roles;
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
  const std::set<std::string_view> services{"user", "product", "order"};
  auto services_and_gateway = services;
  services_and_gateway.insert("gateway");
  if (roles == std::set<std::string_view>{"all"} || roles == services_and_gateway) return ServeRole::all;
  if (roles == std::set<std::string_view>{"gateway"}) return ServeRole::gateway;
  if (roles == std::set<std::string_view>{"registry"}) return ServeRole::registry;
  if (roles == services) return ServeRole::services;
  throw UsageError(
      fmt::format("--role '{}': one of all, gateway, registry, or user,product,order (these share one store, "
                  "in one process)",
                  text));
}

}  // namespace market::apps
