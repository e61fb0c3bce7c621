#include "base/task_repeater.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace market {
namespace {

constexpr Millis pause_after_failure{1'000};

}  // namespace

void TaskRepeater::start(const asio::any_io_executor& executor) {
  auto timer = std::make_shared<asio::steady_timer>(executor);
  timer_ = timer;
  tasks_.spawn(executor, run(std::move(timer)));
}

void TaskRepeater::stop() {
  if (stopping_.exchange(true)) return;
  if (const auto timer = timer_.lock()) asio::post(timer->get_executor(), [timer] { timer->cancel(); });
  tasks_.wait(Millis(5'000));
}

asio::awaitable<void> TaskRepeater::run(std::shared_ptr<asio::steady_timer> timer) {
  while (!stopping_.load()) {
    Millis pause = pause_after_failure;
    try {
      pause = co_await step_();
    } catch (const std::exception& failure) {  // It may go better the next time.
      spdlog::error("{} failed: {}", what_, failure.what());
    }
    if (pause == Millis(0) || stopping_.load()) continue;
    timer->expires_after(pause);
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace market
