#include "sale/projector.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/memory.hpp"
#include "base/steady_time.hpp"
#include "base/thread_name.hpp"

namespace market::sale {
namespace {

/// Groups come from the writer's thread and end on this one, so that the allocator keeps what a rush took.
/// After so many events it is asked to give it back.
constexpr std::size_t trim_after_events = 100'000;

}  // namespace

Projector::Projector(RecordFold& records, ReadOverlay& overlay, Place at, Settings settings)
    : records_(records), overlay_(overlay), settings_(settings), place_(at), thread_([this] { run(); }) {}

void Projector::push(CountedEvents events) {
  const bool products = std::any_of(events->begin(), events->end(), [](const CountedEvent& counted) {
    return static_cast<bool>(product_of(counted.event.fact));
  });
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    // The thread sleeps until the first group comes, then looks by itself after each `linger`.
    wake = waiting_.empty() || products;
    at_once_ = at_once_ || products;
    waiting_events_ += events->size();
    events_pushed_ += events->size();
    waiting_.push_back(std::move(events));
  }
  if (wake) wake_.notify_one();
}

void Projector::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Projector::wait_for_events() {
  using Steady = std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  const auto rush_end = Steady::now() + settings_.rush_wait_max;
  bool rush = true;
  while (rush && !stopping_ && !at_once_) {
    const std::uint64_t before = events_pushed_;
    wake_.wait_for(lock, settings_.linger, [this] { return stopping_ || at_once_; });
    rush = events_pushed_ - before >= settings_.rush_events && waiting_events_ < settings_.rush_events_max &&
           Steady::now() < rush_end;
  }
  at_once_ = false;
  return !waiting_.empty();
}

Projector::Groups Projector::take() {
  const std::scoped_lock lock(mutex_);
  Groups taken;
  std::size_t events = 0;
  while (!waiting_.empty() &&
         (taken.empty() || events + waiting_.front()->size() <= settings_.batch_events_max)) {
    events += waiting_.front()->size();
    taken.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_events_ -= events;
  return taken;
}

bool Projector::store(const Groups& groups) {
  const Place through = groups.back()->back().place;
  while (place() < through) {
    const auto folded = settings_.others_fold ? records_.place() : records_.fold(place(), groups);
    if (!folded) {
      if (said_.allows(folded.error().detail, Instant(Millis(steady_ms()))))
        spdlog::error("the records cannot be {}, trying again: {}",
                      settings_.others_fold ? "read" : "written", folded.error().detail);
      if (!pause(settings_.retry_after)) return false;  // The log has them.
      continue;
    }
    if (*folded + 1 < groups.front()->front().place) {
      settings_.start_anew(
          fmt::format("the records have gone back to place {}, from {} at least: a power loss, or another "
                      "server, has lost "
                      "what was written there; the log has it",
                      *folded, groups.front()->front().place - 1));
      return false;
    }
    place_.store(*folded, std::memory_order_release);  // When somebody else has folded, from there on.
    if (settings_.others_fold && *folded < through && !pause(settings_.linger)) return false;
  }
  for (const CountedEvents& events : groups) overlay_.forget(events);
  return true;
}

bool Projector::pause(Millis wait) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, wait, [this] { return stopping_; });
}

void Projector::run() {
  name_thread("projector");
  // Buyers first: on a busy machine the records wait (fold_lag_max bounds that), and rows cost less in bulk.
  // On Linux `0` is this thread alone. Without it everything still works, so a refusal is no error.
  constexpr int nicer = 10;
  ::setpriority(PRIO_PROCESS, 0, nicer);
  std::size_t since_trim = 0;
  while (wait_for_events()) {
    bool more = true;
    while (more) {
      const Groups groups = take();
      if (groups.empty()) break;
      if (!store(groups)) return;  // Nothing behind it may be written.
      for (const CountedEvents& events : groups) since_trim += events->size();
      const std::scoped_lock lock(mutex_);
      more = waiting_events_ >= settings_.batch_events_max || (stopping_ && !waiting_.empty());
    }
    if (since_trim < trim_after_events) continue;
    return_free_memory();
    since_trim = 0;
  }
}

}  // namespace market::sale
