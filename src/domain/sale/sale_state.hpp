#pragma once
/// All that the sequencer must remember to decide: a fold of the log.

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>

#include "domain/sale/buyer_units.hpp"
#include "domain/sale/event.hpp"
#include "domain/sale/open_orders.hpp"
#include "domain/sale/segmented_map.hpp"

namespace market {

/// What a request key was bound to: an order's or a product's id.
struct KeyBinding {
  std::int64_t subject = 0;
  std::uint64_t fingerprint = 0;
  friend bool operator==(const KeyBinding&, const KeyBinding&) = default;
};

struct RefusedRequest {
  Code code = Code::sold_out;
  Instant until;
};

struct SaleState {
  static constexpr std::uint32_t no_product = 0xFFFF'FFFF;
  static constexpr std::size_t refused_max = 65'536;
  /// Of the log's end, so that an undone group restores them by one copy.
  struct Numbers {
    Place place = 0;                         ///< Of the last event.
    std::int64_t last_id = 0;                ///< The highest id given to an order, a product or an attempt.
    Instant last_at{};                       ///< When the last event was made.
    Instant grace_until{};                   ///< Unpaid orders do not expire before this.
    Instant refused_until = Instant::max();  ///< The earliest `until` in `refused`.
    std::int64_t oversell_prevented = 0;  ///< Acceptances beyond capacity that apply() refused; must stay 0.
    friend bool operator==(const Numbers&, const Numbers&) = default;
  };

  std::deque<SaleProduct> products;  ///< By slot, in the order of listing.
  boost::unordered_flat_map<ProductId, std::uint32_t> slots;
  BuyerUnits buyers;
  OpenOrders orders;
  /// Of events that the records may not have yet; older keys are looked up there.
  SegmentedMap<RequestKey, KeyBinding> keys;
  /// Copies of them are still under way, perhaps.
  boost::unordered_flat_map<RequestKey, RefusedRequest> refused;
  Numbers numbers;

  std::uint32_t slot_of(ProductId id) const {
    const auto found = slots.find(id);
    return found == slots.end() ? no_product : found->second;
  }
  SaleProduct* product(ProductId id) {
    const std::uint32_t slot = slot_of(id);
    return slot == no_product ? nullptr : &products[slot];
  }
  const SaleProduct* product(ProductId id) const { return const_cast<SaleState*>(this)->product(id); }
  std::int32_t units_of(UserId user, std::uint32_t slot) const { return buyers.of(Buyer{user, slot}); }
};

/// A hash of all that must not be forgotten (not: keys, orders without open work, and what was ever sold,
/// which snapshots of format 3 do not say of all), the same for equal states whatever the order of a hash
/// table (I19).
std::uint64_t state_hash(const SaleState& state);

}  // namespace market
