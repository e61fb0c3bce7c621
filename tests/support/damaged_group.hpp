#pragma once
/// A whole record whose events nobody can read, as a newer program or a bug would write it.

#include "base/checksum.hpp"
#include "wire/events/bytes.hpp"
#include "wire/events/record_codec.hpp"

namespace market::tests {

/// It counts as the group of `term` at `first`.
inline std::string damaged_group(wire::Term term, Place first) {
  wire::GroupWriter group;
  group.begin(term, first);
  group.add(Event{Instant(Millis(1)), {}, 0, {}, StockAdjusted{ProductId{1}, 1, "a reason"}});
  std::string bytes(group.finish());
  bytes.resize(bytes.size() - sizeof(std::uint64_t) - 3);  // The end of the reason is missing.
  const std::uint64_t sum = checksum(bytes);
  wire::ByteWriter(bytes).fixed64(sum);
  return bytes;
}

}  // namespace market::tests
