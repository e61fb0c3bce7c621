#pragma once
/// Events as bytes (api/events.md): a version, then per event its kind, time, epoch and fields as varints; a
/// commit group ends with a checksum.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/sale/event.hpp"
#include "wire/events/bytes.hpp"

namespace market::wire {

/// Appends one group: version, count, events, checksum.
void encode_group(std::string& out, std::span<const Event> events);
/// Errors: internal (unknown version or kind, cut off, or a wrong checksum).
Result<std::vector<Event>> decode_group(std::string_view bytes);

// Parts that the snapshot shares.
void encode_terms(ByteWriter& out, const ProductTerms& terms);
ProductTerms decode_terms(ByteReader& in);
void encode_order(ByteWriter& out, const Order& order);
Order decode_order(ByteReader& in);

}  // namespace market::wire
