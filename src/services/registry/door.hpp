#pragma once
/// Who may change the registry, and what all of its routes need.

#include "http/server/router.hpp"
#include "services/registry/peers.hpp"

namespace market::registry {

struct RegistryDoors {
  SharedRegistry& registry;
  Peers& peers;
  /// `Basic …`; empty: only loopback callers may register.
  std::string authorization;
};

/// Nullopt: it may. Else the refusal.
std::optional<http::Reply> refuse_writer(const RegistryDoors& doors, const http::Request& request);

http::Reply empty_reply(http::Status status);

/// Everything of Eureka's REST API, under /eureka and /eureka/v2, and the push stream GET /eureka/stream.
void add_eureka_routes(http::Router& router, const RegistryDoors& doors);
/// GET /registry with its files and the document (api/registry.yaml), /registry/state, /registry/history,
/// POST /registry/status.
void add_dashboard_routes(http::Router& router, const RegistryDoors& doors);

}  // namespace market::registry
