#include "apps/roles/housekeeping.hpp"
#include "base/thread_name.hpp"

#include <spdlog/spdlog.h>

namespace market::apps {

Housekeeping::Housekeeping(const SystemClock& clock, std::vector<std::function<void(Instant)>> jobs)
    : clock_(clock), jobs_(std::move(jobs)), thread_([this] { run(); }) {}

Housekeeping::~Housekeeping() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Housekeeping::run() {
  name_thread("housekeeping");
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, tick, [this] { return stopping_; })) {
    lock.unlock();
    watch_clock();
    for (const auto& job : jobs_) job(clock_.now());
    lock.lock();
  }
}

void Housekeeping::watch_clock() {
  const Millis step = clock_.wall_step();
  if (step - known_step_ < Millis(1'000) && known_step_ - step < Millis(1'000)) return;
  spdlog::warn("the wall clock was stepped by {} ms; deadlines keep to the time since the start",
               (step - known_step_).count());
  known_step_ = step;
  clock_steps_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace market::apps
