#pragma once
/// What an instance that follows a shared log may say: it may show what it has, but not deny what it has not.
/// An answer 404 or 412 is given only when the log was followed to its end, as it was asked for; a list
/// always is.
///
///   router.wrap("GET /api/v1/orders/{id}", read_again(fresh));

#include <functional>

#include "http/server/router.hpp"

namespace market::apps {

/// Waits until this instance knows what the log knows now. Errors: unavailable.
using CatchUp = std::function<Task<>()>;

std::function<http::Handler(http::Handler)> read_again(CatchUp catch_up);
std::function<http::Handler(http::Handler)> read_fresh(CatchUp catch_up);

}  // namespace market::apps
