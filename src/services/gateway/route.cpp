#include "services/gateway/route.hpp"

namespace market::gateway {

bool is_own_service(std::string_view name) {
  return name == "market-user" || name == "market-product" || name == "market-order";
}

std::vector<Route> default_routes() {
  struct Default {
    const char *service, *id;
    std::vector<const char*> paths;
  };
  const Default defaults[] = {
      {"market-order",
       "orders",
       {"/api/v1/orders/**", "/api/v1/cart/**", "/api/v1/admin/orders/**", "/api/v1/admin/metrics",
        "/api/v1/admin/services", "/api/v1/admin/webhooks/**", "/api/v1/admin/webhook-deliveries/**",
        "/api/v1/seller/webhooks/**", "/api/v1/seller/webhook-deliveries/**", "/api/v1/payments/notices"}},
      {"market-product",
       "products",
       {"/api/v1/products/**", "/api/v1/wishlist/**", "/api/v1/categories", "/api/v1/admin/products/**",
        "/api/v1/seller/products"}},
      {"market-user",
       "users",
       {"/api/v1/users/**", "/api/v1/sessions/**", "/api/v1/admin/users/**", "/api/v1/admin/audit",
        "/api/v1/admin/mails/**"}},
  };
  std::vector<Route> routes;
  for (const auto& from : defaults) {
    Route route;
    route.id = from.id;
    route.service = from.service;
    for (const char* path : from.paths) route.paths.emplace_back(path);
    routes.push_back(std::move(route));
  }
  routes[1].coalesce = true;
  routes[1].body_bytes_max = 5 * 1024 * 1024 + 64 * 1024;  // Images; the service has the exact bound.
  return routes;
}

}  // namespace market::gateway
