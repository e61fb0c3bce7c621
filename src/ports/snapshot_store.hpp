#pragma once
/// Where the gate's snapshot is kept: one value, replaced whole. Losing it costs a longer start, never an
/// order.

#include <optional>
#include <string>

#include "base/result.hpp"

namespace market {

class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;
  /// The newest whole snapshot; none when there is none or it is damaged. Errors: unavailable.
  virtual Result<std::optional<std::string>> load() = 0;
  /// Errors: unavailable, insufficient_storage; the one before stays then.
  virtual Result<> store(const std::string& bytes) = 0;
};

}  // namespace market
