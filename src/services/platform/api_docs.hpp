#pragma once
/// The API document and its viewer, both embedded in the binary (cmake/api_docs.cmake).

#include "http/server/router.hpp"

namespace market::platform {

/// GET /openapi.json, /docs with its assets, and / which leads there.
void add_docs_routes(http::Router& router, std::string home = "/docs");

}  // namespace market::platform
