#pragma once
/// What every role answers about itself.
///
///   PlatformInfo info;
///   info.not_ready = [&] { return store.is_open() ? std::nullopt : std::optional<std::string>("no store");
///   }; add_platform_routes(router, info);

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "http/server/router.hpp"

namespace market::platform {

/// Called on I/O threads, several at once: they must not block. `info` and `metrics` are loopback only.
struct PlatformInfo {
  std::function<std::optional<std::string>()> not_ready;  ///< Why; nullopt when ready.
  /// What is not as it should be although it is ready; it is told with the readiness.
  std::function<std::vector<std::string>()> warnings;
  std::function<std::vector<std::string>()> missing;  ///< Services it could use and does not find.
  std::function<std::string()> metrics;               ///< Prometheus text.
  std::function<std::string()> info;                  ///< One JSON object.
  std::function<std::string()> services;              ///< service_view() of what the registry says.
  bool management_elsewhere = false;                  ///< /metrics and /info have an address of their own.
  std::string home;  ///< Where `/` leads to; empty: the shop is there, and the console at /admin.
};

/// GET /health/live, /health/ready, /metrics, /info.
void add_service_routes(http::Router& router, const PlatformInfo& info);
/// These, and what add_docs_routes() of api_docs.hpp adds.
void add_platform_routes(http::Router& router, const PlatformInfo& info);

void add_health_routes(http::Router& router, const PlatformInfo& info);
/// /metrics and /info, for whom `options` lets in.
void add_management_routes(http::Router& router, const PlatformInfo& info, http::RouteOptions options = {});

/// GET /api/v1/admin/metrics: what /metrics says, for operators wherever they are; the console draws it.
/// GET /api/v1/admin/services: what the registry says. `check` refuses everybody else.
void add_operator_routes(http::Router& router, const PlatformInfo& info,
                         const std::function<Result<>(const http::Request&)>& check);

}  // namespace market::platform
