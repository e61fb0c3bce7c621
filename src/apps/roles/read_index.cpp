#include "apps/roles/read_index.hpp"

#include "http/message/problem.hpp"

namespace market::apps {
namespace {

struct Behind {
  CatchUp catch_up;
  http::Handler handler;
};

bool denies(const Result<http::Reply>& reply) {
  const auto status = reply ? reply->status : http::problem_of(reply.error().code).status;
  return status == http::Status::not_found || status == http::Status::precondition_failed;
}

Task<http::Reply> ask_again(std::shared_ptr<const Behind> behind, const http::Request& request) {
  auto reply = co_await behind->handler(request);
  if (!denies(reply)) co_return reply;
  const auto caught_up = co_await behind->catch_up();
  if (!caught_up) co_return fail(caught_up.error());
  auto again = co_await behind->handler(request);
  co_return again;
}

Task<http::Reply> ask_fresh(std::shared_ptr<const Behind> behind, const http::Request& request) {
  const auto caught_up = co_await behind->catch_up();
  if (!caught_up) co_return fail(caught_up.error());
  auto reply = co_await behind->handler(request);
  co_return reply;
}

}  // namespace

std::function<http::Handler(http::Handler)> read_again(CatchUp catch_up) {
  return [catch_up = std::move(catch_up)](http::Handler handler) -> http::Handler {
    auto behind = std::make_shared<const Behind>(Behind{catch_up, std::move(handler)});
    return [behind](const http::Request& request) { return ask_again(behind, request); };
  };
}

std::function<http::Handler(http::Handler)> read_fresh(CatchUp catch_up) {
  return [catch_up = std::move(catch_up)](http::Handler handler) -> http::Handler {
    auto behind = std::make_shared<const Behind>(Behind{catch_up, std::move(handler)});
    return [behind](const http::Request& request) { return ask_fresh(behind, request); };
  };
}

}  // namespace market::apps
