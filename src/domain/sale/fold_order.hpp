#pragma once
/// The whole order as a fold of its events: for pages, records, and the checker. The sequencer has rows of
/// its own.

#include "domain/sale/event.hpp"

namespace market {

/// The order as its acceptance made it. Only for events with an OrderAccepted.
Order accepted_order(const CountedEvent& counted);

/// Changes `order` by an event about it; one at or below order.place changes nothing.
void fold_order(Order& order, const CountedEvent& counted);

/// What an event moves in the stock of one product, for folds that keep numbers without the sequencer.
struct StockMove {
  ProductId product;
  std::int64_t remaining = 0, capacity = 0;
};
using StockMoves = boost::container::small_vector<StockMove, 1>;
StockMoves stock_moves(const Fact& fact);

}  // namespace market
