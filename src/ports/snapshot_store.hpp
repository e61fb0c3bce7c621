#pragma once
/// Where the sequencer's snapshot is kept: one value, replaced whole. Losing it costs a longer start, never
/// an order.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace market {

class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;
  /// The newest whole snapshot; none when there is none or it is damaged. Errors: unavailable.
  virtual Result<std::optional<std::string>> load() = 0;
  /// A new one, piece by piece; one thread, one at a time. The one before stays until commit() has answered;
  /// begin() drops what was not committed. Errors of each: unavailable, insufficient_storage.
  virtual Result<> begin() = 0;
  virtual Result<> append(std::string_view piece) = 0;
  virtual Result<> commit() = 0;
};

}  // namespace market
