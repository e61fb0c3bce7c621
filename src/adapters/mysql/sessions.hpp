#pragma once
/// A few sessions with one database, lent to one thread at a time.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "adapters/mysql/session.hpp"

namespace market::mysql {

class Sessions {
 public:
  Sessions(const Server& server, unsigned count) {
    for (unsigned i = 0; i < std::max(count, 1u); ++i) free_.push_back(std::make_unique<Session>(server));
  }

  /// Runs `work(session)`, which answers a Result and may be done twice: when the connection was cut off, or
  /// another instance was in its way, it is done again, once. `doing`: words for an error.
  template <class Work>
  auto run(std::string_view doing, Work work) -> decltype(work(std::declval<Session&>())) {
    auto session = take();
    auto answer = run_on(*session, doing, work);
    give_back(std::move(session));
    return answer;
  }

 private:
  template <class Work>
  auto run_on(Session& session, std::string_view doing, Work& work) -> decltype(work(session)) {
    for (bool again = false;; again = true) {
      try {
        session.begin_use();
        return work(session);
      } catch (const Failure& failure) {
        if (again || !(failure.is_lost() || failure.may_repeat())) return fail(error_of(failure, doing));
      } catch (const std::exception& error) {
        return fail(error_of(error, doing));
      }
    }
  }
  /// Waits until one is free: the pool that calls this has a bounded queue of its own.
  std::unique_ptr<Session> take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !free_.empty(); });
    auto one = std::move(free_.back());
    free_.pop_back();
    return one;
  }
  void give_back(std::unique_ptr<Session> one) {
    {
      const std::lock_guard lock(mutex_);
      free_.push_back(std::move(one));
    }
    returned_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Session>> free_;
};

}  // namespace market::mysql
