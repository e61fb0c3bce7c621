#pragma once
/// Times as columns hold them: milliseconds of UTC.

#include "base/time.hpp"

namespace market::sql {

inline long long millis_of(Instant at) {
  return at.time_since_epoch().count();
}
inline Instant instant_of(long long millis) {
  return Instant(Millis(millis));
}

}  // namespace market::sql
