#pragma once
/// A log of records: bytes, appended and never changed. Which of them count is not its business
/// (sale/log_rule.hpp).
///
/// append() blocks and belongs to one thread; the others may be called from any thread at any time.

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.hpp"

namespace market {

/// Where a record lies: 1, 2, 3 … in the order of the log. Only a place to look at; places are in the
/// records.
using Offset = std::int64_t;

class Log {
 public:
  virtual ~Log() = default;

  /// Answers the record's offset when it is durable. Errors: unavailable (outcome unknown: read() tells
  /// whether it is there), insufficient_storage (nothing was written), conflict (another writer has appended;
  /// nothing was written; not on a log that several write, ports/shared_log.hpp).
  virtual Result<Offset> append(std::string_view record) = 0;

  /// Calls `each(offset, record)` for the records at `from` and behind it, in order, up to the end as it was
  /// at the call or until `each` answers false. After a failed append() it first finds out what is really
  /// there, durably, so that what it has shown once stays. The bytes live until `each` returns. Errors:
  /// unavailable (again later), internal (a damaged record; says where).
  virtual Result<> read(Offset from, const std::function<bool(Offset, std::string_view)>& each) = 0;

  /// The offset of the next record. After a failed append() as read(). Errors: unavailable.
  virtual Result<Offset> end() = 0;
};

}  // namespace market
