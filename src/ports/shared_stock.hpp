#pragma once
/// The live stock where every instance can read it, written by the one that writes the log. It never decides
/// anything: it may be empty, old or away at any time, and is written anew.

#include <optional>
#include <vector>

#include "base/task.hpp"
#include "domain/sale/event.hpp"

namespace market {

/// One product's numbers as they were at a place of the log.
struct StockLine {
  ProductId product;
  Place place = 0;
  std::int64_t remaining = 0, capacity = 0;
  std::optional<Instant> opens, closes;  ///< Of its sale.
  friend bool operator==(const StockLine&, const StockLine&) = default;
};

class SharedStock {
 public:
  static constexpr std::size_t lines_max = 500;  ///< Of one call.

  struct Written {
    bool was_empty = false;  ///< Nothing of this log was there: all must be written anew.
    std::size_t newer = 0;   ///< Lines that were left out, since a newer place is there.
    /// What is there is of a later generation of the log: somebody has adopted or restored it.
    bool outdated = false;
  };

  virtual ~SharedStock() = default;
  /// Each line unless (generation, place) of what is there is above it. `end`: how far the log is.
  /// Errors: unavailable, overloaded, internal.
  virtual Task<Written> write(LogId log, Place end, std::vector<StockLine> lines) = 0;
  /// What moved behind `after`, the oldest first, at most lines_max; none of another generation.
  /// Errors: unavailable, overloaded, internal.
  virtual Task<std::vector<StockLine>> moved_since(LogId log, Place after) = 0;
};

}  // namespace market
