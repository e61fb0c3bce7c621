#pragma once
/// All that the sequencer must remember to decide: a fold of the log.

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>

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

/// A buyer of one product; 12 bytes, so that an entry of the table of buyers has 16.
struct Buyer {
  Buyer(UserId user, std::uint32_t in_slot)
      : user_high(static_cast<std::uint32_t>(user.value >> 32)),
        user_low(static_cast<std::uint32_t>(user.value)),
        slot(in_slot) {}
  Buyer() = default;
  UserId user() const { return UserId{static_cast<std::int64_t>(std::uint64_t{user_high} << 32 | user_low)}; }
  std::uint32_t user_high = 0, user_low = 0, slot = 0;
  friend bool operator==(const Buyer&, const Buyer&) = default;
};
inline std::size_t hash_value(const Buyer& buyer) {
  const std::uint64_t mixed = static_cast<std::uint64_t>(hash_value(buyer.user())) ^ buyer.slot;
  return static_cast<std::size_t>(mixed * 0x9E3779B97F4A7C15ull);
}

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
  /// Live units per buyer and product; a buyer with 0 has no entry. Counted for every product, so that a
  /// limit that is set later is right from its first moment.
  SegmentedMap<Buyer, std::int32_t> buyers;
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
  std::int32_t units_of(UserId user, std::uint32_t slot) const {
    const std::int32_t* units = buyers.find(Buyer(user, slot));
    return units == nullptr ? 0 : *units;
  }
};

/// A hash of all that must not be forgotten (not: keys, and orders without open work), the same for equal
/// states whatever the order of a hash table (I19).
std::uint64_t state_hash(const SaleState& state);

}  // namespace market
