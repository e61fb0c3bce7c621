#include "base/task_fair_pool.hpp"

#include <algorithm>

namespace market {

tl::unexpected<Error> FairPool::refused() {
  return fail(Code::overloaded, "too much of this kind is waiting; try again");
}

void FairPool::add(std::string client, Job job) {
  Job displaced;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_count_ >= waiting_max_) {
      const auto mine = waiting_.find(client);
      const std::size_t my_count = mine == waiting_.end() ? 0 : mine->second.size();
      const auto most = std::max_element(waiting_.begin(), waiting_.end(), [](const auto& a, const auto& b) {
        return a.second.size() < b.second.size();
      });
      if (most == waiting_.end() || most->second.size() <= my_count + 1) {
        job(false);
        return;
      }
      displaced = std::move(most->second.back());
      most->second.pop_back();
    } else {
      ++waiting_count_;
    }
    auto& queue = waiting_[client];
    if (queue.empty()) turns_.push_back(client);
    queue.push_back(std::move(job));
  }
  if (displaced)
    displaced(false);  // Its "run the next" is the new one's.
  else
    asio::post(pool_, [this] { run_next(); });
}

void FairPool::run_next() {
  Job job;
  {
    const std::lock_guard lock(mutex_);
    std::string client = std::move(turns_.front());
    turns_.pop_front();
    const auto queue = waiting_.find(client);
    job = std::move(queue->second.front());
    queue->second.pop_front();
    --waiting_count_;
    if (queue->second.empty())
      waiting_.erase(queue);
    else
      turns_.push_back(std::move(client));
  }
  job(true);
}

}  // namespace market
