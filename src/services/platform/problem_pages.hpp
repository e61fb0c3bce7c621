#pragma once
/// The pages that the `type` of a problem document leads to (RFC 9457 3.1.1): GET /problems/{code}.

#include "http/server/router.hpp"

namespace market::platform {

void add_problem_pages(http::Router& router);

}  // namespace market::platform
