#pragma once
/// How the gate's state comes back: the snapshot, then the log's tail behind it. Also how a new snapshot is
/// made: by the same steps on the side, so the running gate never pauses for one.

#include <functional>

#include "ports/event_log.hpp"
#include "ports/order_records.hpp"
#include "ports/snapshot_store.hpp"
#include "sale/key_filter.hpp"
#include "sale/order_overlay.hpp"

namespace market::sale {

struct Recovered {
  SaleState state;           ///< Holds orders with open work and all that is newer than the records.
  Position position = 0;     ///< Of the last event in it.
  Position snapshot_at = 0;  ///< Of the snapshot it began with; 0: none.
  Instant last_event_at{};
  std::vector<ChangedOrder> newer_than_records;  ///< In log order.
};

struct RecoverFrom {
  EventLog& log;
  SnapshotStore& snapshots;
  OrderFold& records;
  Position records_at = 0;  ///< How far the records are.
  Position until = 0;       ///< Stop behind this position.
};

/// Adds the request keys it meets to `keys`. Errors: unavailable, internal (a damaged log; says where).
Result<Recovered> recover(const RecoverFrom& from, KeyFilter& keys);

/// The snapshot's bytes for a state as of `recovered.position`.
std::string encode_gate_snapshot(const Recovered& recovered, const KeyFilter& keys);

/// Makes a new snapshot up to the records' position. Blocking; on a thread of its own. Errors: as recover().
Result<> make_snapshot(EventLog& log, SnapshotStore& snapshots, OrderFold& records, Position records_at);

/// The order an event is about; none for events about products and the like.
OrderId order_of(const Event& event);

}  // namespace market::sale
