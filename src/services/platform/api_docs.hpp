#pragma once
/// The API document and its viewer, both embedded in the binary (cmake/api_docs.cmake).

#include "http/server/router.hpp"

namespace market::platform {

/// GET /openapi.json, and /docs with its assets.
void add_docs_routes(http::Router& router);
/// A handler's answer that sends the browser to `address`.
Task<http::Reply> lead_to(std::string address);

}  // namespace market::platform
