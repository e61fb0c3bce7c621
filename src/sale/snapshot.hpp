#pragma once
/// The sequencer's state at one place, as bytes: written on the side while the sequencer goes on, read at a
/// start.
///
/// The copy is made in slices between groups. What a group has overwritten of parts that are not copied yet
/// is saved from the group's undo notes, so that the whole is the state of one place.

#include <functional>

#include "sale/sequencer.hpp"

namespace market::sale {

class SnapshotCopy {
 public:
  /// Of `sequencer` as it is now; it outlives this.
  explicit SnapshotCopy(const Sequencer& sequencer);

  /// A group was applied and counts: its undo notes, before they are dropped.
  void overwritten(const UndoLog& undo);
  /// Copies parts while `go_on()`; true when all is copied.
  bool step(const std::function<bool()>& go_on);
  /// What was copied since the last call.
  std::string take_bytes() { return std::exchange(bytes_, {}); }
  Place place() const { return place_; }

 private:
  void copy_products();
  void copy_orders(std::size_t part);
  void copy_buyers(std::size_t part);
  void copy_keys(std::size_t part);
  void put_order(const OpenOrder& order, const OpenLines& lines, AttemptId attempt);

  const Sequencer& sequencer_;
  const SaleState& state_;
  const Place place_;
  const std::uint32_t product_count_;
  std::string bytes_;
  std::uint32_t products_done_ = 0;
  std::size_t orders_done_ = 0, buyers_done_ = 0, keys_done_ = 0;
  bool ended_ = false;

  // As they were at `place_`. Rows in parts as the state's own, so that a part's copy looks at nothing else.
  boost::unordered_flat_map<std::uint32_t, std::pair<std::int64_t, ProductTerms>> old_terms_;
  boost::unordered_flat_map<std::uint32_t, ProductStock> old_stock_;
  template <class Key, class Value>
  using Parts = std::vector<boost::unordered_flat_map<Key, Value>>;
  Parts<OrderId, UndoLog::WholeOrder> old_orders_;
  Parts<Buyer, std::int32_t> old_units_;                   ///< 0: there was no row.
  Parts<RequestKey, std::optional<KeyBinding>> old_keys_;  ///< Empty: it was not bound.
};

struct DecodedSnapshot {
  Sequencer::Memory memory;
  std::string_view rest;  ///< What follows the copy: the key filter.
};
/// Errors: internal, when the bytes are no snapshot that this program knows.
Result<DecodedSnapshot> decode_snapshot(std::string_view bytes);

/// Whether a snapshot knows events that the log, which ends at `end`, has lost: it is of this very log, of no
/// generation before, and ahead of it. `named`: what a log without a record was called; none: it is taken for
/// the snapshot's. A snapshot is only made of what was synced, so that no crash leaves such a one.
bool knows_more(const LogRule::Point& snapshot, const LogRule::Point& end, LogId named);
/// The orders of a snapshot that have events behind `place`; the oldest first. Of those that it knew as
/// closed it says nothing.
std::vector<OpenOrder> orders_beyond(const SaleState& snapshot, Place place);

}  // namespace market::sale
