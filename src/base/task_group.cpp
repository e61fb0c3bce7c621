#include "base/task_group.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>

namespace market {

class TaskGroup::Token {
 public:
  explicit Token(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {
    const std::lock_guard lock(shared_->mutex);
    ++shared_->running;
  }
  Token(Token&&) = default;
  Token& operator=(Token&&) = delete;
  ~Token() {
    if (!shared_) return;  // Moved from.
    const std::lock_guard lock(shared_->mutex);
    if (--shared_->running == 0) shared_->ended.notify_all();
  }
  void operator()(const std::exception_ptr& failure) const {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& reason) {
      spdlog::error("{} failed: {}", shared_->what, reason.what());
    } catch (...) {
      spdlog::error("{} failed", shared_->what);
    }
  }

 private:
  std::shared_ptr<Shared> shared_;
};

void TaskGroup::spawn(const asio::any_io_executor& executor, asio::awaitable<void> work) {
  asio::co_spawn(executor, std::move(work), Token(shared_));
}

std::size_t TaskGroup::running() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->running;
}

bool TaskGroup::wait(Millis longest) {
  std::unique_lock lock(shared_->mutex);
  return shared_->ended.wait_for(lock, longest, [this] { return shared_->running == 0; });
}

}  // namespace market
