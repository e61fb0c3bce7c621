#include "apps/roles/denial_watch.hpp"

#include <spdlog/spdlog.h>

#include "apps/roles/run_task.hpp"
#include "base/thread_name.hpp"

namespace market::apps {
namespace {

constexpr Millis look_again{250};
/// The other instance's clock may differ, and its change may have taken a while to be committed.
constexpr Millis lately{30'000};

}  // namespace

void DenialWatch::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void DenialWatch::run() {
  name_thread("denials");
  bool failing = false;
  const SystemClock clock;
  Instant last_seen = clock.now();
  Millis known_step{0};
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, look_again, [this] { return stopping_; })) {
    lock.unlock();
    // What happened while nobody could ask counts too.
    const Instant now = clock.now();
    // And what others wrote while the clock here was ahead of theirs: rows have the wall clock's times.
    const Millis step = clock.wall_step();
    const bool was_set = step - known_step > Millis(1'000) || known_step - step > Millis(1'000);
    const auto known =
        run_task(was_set ? sessions_.deny_ended() : sessions_.deny_ended(lately + (now - last_seen)));
    if (known) {
      last_seen = now;
      known_step = step;
      read_at_.store(std::chrono::steady_clock::now().time_since_epoch());
    }
    if (const bool fails = !known; fails != std::exchange(failing, fails)) {
      if (fails)
        spdlog::error("sessions that end elsewhere are not known here: {}", known.error().detail);
      else
        spdlog::info("sessions that end elsewhere are known again");
    }
    lock.lock();
  }
}

}  // namespace market::apps
