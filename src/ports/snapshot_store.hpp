#pragma once
/// Where the sequencer's snapshot is kept: one value, replaced whole. Losing it costs a longer start, never
/// an order.

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace market {

/// A snapshot for as long as this lives: it may be the file's own pages, of which a copy would be large.
class SnapshotBytes {
 public:
  SnapshotBytes(std::shared_ptr<const void> keeper, std::string_view bytes)
      : keeper_(std::move(keeper)), bytes_(bytes) {}
  operator std::string_view() const { return bytes_; }

 private:
  std::shared_ptr<const void> keeper_;
  std::string_view bytes_;
};

class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;
  /// The newest whole snapshot; none when there is none or it is damaged. Errors: unavailable.
  virtual Result<std::optional<SnapshotBytes>> load() = 0;
  /// A new one, piece by piece; one thread, one at a time. The one before stays until commit() has answered;
  /// begin() drops what was not committed. Errors of each: unavailable, insufficient_storage.
  virtual Result<> begin() = 0;
  virtual Result<> append(std::string_view piece) = 0;
  virtual Result<> commit() = 0;
};

}  // namespace market
