#pragma once
/// How far those have come that follow the log and keep nothing else.

#include <optional>
#include <string>

#include "ports/log_effect.hpp"

namespace market {

class FollowerPlaces {
 public:
  virtual ~FollowerPlaces() = default;
  /// None: it has not begun. Errors: unavailable, overloaded (as for all below).
  virtual Task<std::optional<FollowedTo>> find(std::string follower) = 0;
  virtual Task<> keep(std::string follower, FollowedTo at) = 0;
};

}  // namespace market
