#include "domain/sale/timeline.hpp"

#include <array>

namespace market {
namespace {

/// Each a multiple of the one before, and what people read at an axis.
constexpr std::array<std::int64_t, 8> widths_s{1, 5, 15, 60, 300, 900, 3'600, 86'400};

Millis next_width(Millis width) {
  for (const std::int64_t seconds : widths_s)
    if (Millis(seconds * 1'000) > width) return Millis(seconds * 1'000);
  return width * 2;
}

}  // namespace

Timeline::Step& Timeline::Step::operator+=(const Step& other) {
  orders += other.orders;
  units += other.units;
  paid += other.paid;
  given_back += other.given_back;
  return *this;
}

Instant Timeline::begin_of(Instant at) const {
  const auto rest = at.time_since_epoch() % width_;
  return at - (rest.count() < 0 ? rest + width_ : rest);
}

void Timeline::add(Instant at, const Step& what) {
  steps_[begin_of(at)] += what;
  while (steps_.rbegin()->first - steps_.begin()->first >= width_ * steps_max) widen();
}

void Timeline::widen() {
  width_ = next_width(width_);
  std::map<Instant, Step> wider;
  for (const auto& [at, step] : steps_) wider[begin_of(at)] += step;
  steps_ = std::move(wider);
}

}  // namespace market
