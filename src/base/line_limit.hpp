#pragma once
/// A trouble that is met again and again, several times a second, is said once and then now and then.
///
///   if (said_.allows(why, clock.now())) spdlog::error("the event log cannot be read yet: {}", why);

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace market {

/// One thread at a time.
class LineLimit {
 public:
  static constexpr Millis same_line_every{30'000};
  static constexpr std::size_t lines_known_max = 16;  ///< Several that take turns are told apart.

  /// False: this line was allowed less than `same_line_every` ago.
  bool allows(std::string_view line, Instant now) {
    std::erase_if(known_, [now](const Line& each) { return now - each.said >= same_line_every; });
    const auto same = [line](const Line& each) { return each.text == line; };
    if (std::any_of(known_.begin(), known_.end(), same)) return false;
    if (known_.size() == lines_known_max) known_.erase(known_.begin());
    known_.push_back({std::string(line), now});
    return true;
  }

 private:
  struct Line {
    std::string text;
    Instant said;
  };
  std::vector<Line> known_;  ///< The oldest first.
};

}  // namespace market
