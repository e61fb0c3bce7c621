#pragma once
/// What every handler of the registry needs, and who may read and change it.

#include "http/server/router.hpp"
#include "services/registry/peers.hpp"

namespace market::registry {

struct HandlerContext {
  SharedRegistry& registry;
  Peers& peers;
  /// `Basic …`; empty: only loopback callers may register, and everybody may read.
  std::string authorization;
  bool public_reads = false;  ///< Everybody may read although there is a credential.
};
using ContextPtr = std::shared_ptr<const HandlerContext>;

/// Nullopt: it may. Else the refusal.
std::optional<http::Reply> refuse_writer(const HandlerContext& context, const http::Request& request);
std::optional<http::Reply> refuse_reader(const HandlerContext& context, const http::Request& request);

http::Reply empty_reply(http::Status status);

/// Everything of Eureka's REST API, under /eureka and /eureka/v2, and the push stream GET /eureka/stream.
void add_eureka_routes(http::Router& router, const HandlerContext& context);
/// GET /registry with its files and the document (api/registry.yaml), /registry/state, /registry/history,
/// POST /registry/status.
void add_dashboard_routes(http::Router& router, const HandlerContext& context);

}  // namespace market::registry
