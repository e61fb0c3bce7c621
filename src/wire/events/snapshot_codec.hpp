#pragma once
/// The gate's state as bytes, and the position in the log it stands for. A short cut of the log: anything
/// wrong with it is an error, and the log is folded instead.

#include <string>
#include <string_view>

#include "domain/sale/event.hpp"
#include "domain/sale/sale_engine.hpp"

namespace market::wire {

struct DecodedSnapshot {
  SaleState state;
  Position position = 0;
};

std::string encode_snapshot(const SaleState& state, Position position);
/// Errors: internal (unknown version, cut off, or a wrong checksum).
Result<DecodedSnapshot> decode_snapshot(std::string_view bytes);

}  // namespace market::wire
