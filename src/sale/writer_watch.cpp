#include "sale/writer_watch.hpp"

#include <algorithm>

namespace market::sale {

void WriterWatch::heard(Instant now) {
  last_heard_ = now;
  jitter_ = draw();
}

void WriterWatch::opened(Instant now) {
  heard(now);
  left_ = false;
  terms_.push_back(now);
  while (terms_.front() < now - settings_.calm_after) terms_.pop_front();
}

void WriterWatch::tick(Instant now) {
  // A start and a pause of our own are no silence of the writer: it is listened to anew.
  if (last_tick_ == Instant{} || now - last_tick_ > settings_.tick_late_max) heard(now);
  last_tick_ = now;
}

bool WriterWatch::should_open(Instant now) const {
  return left_ || now - last_heard_ > silence_before_open(now) + jitter_;
}

Millis WriterWatch::silence_before_open(Instant now) const {
  // The first change of writer is quick; those that follow it at once are not.
  const auto lately = std::count_if(terms_.begin(), terms_.end(),
                                    [&](Instant at) { return at >= now - settings_.calm_after; });
  Millis silence = settings_.silence_max;
  for (auto i = lately; i > 1 && silence < settings_.silence_doubled_max; --i) silence *= 2;
  return std::min(silence, settings_.silence_doubled_max);
}

Millis WriterWatch::draw() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return Millis(
      static_cast<std::int64_t>(random_ % static_cast<std::uint64_t>(settings_.jitter_max.count() + 1)));
}

}  // namespace market::sale
