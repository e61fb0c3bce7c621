#pragma once
/// Live units per buyer and product, of every product, so that a limit that is set later is right from its
/// first moment; a buyer with 0 has no entry.
///
/// Most buyers have one product, which stands in the buyer's row; a further one takes 8 bytes under the row's
/// number. What fits in neither (thousands of units, millions of products) has a table of whole keys.

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <memory>
#include <vector>

#include "base/id.hpp"
#include "domain/sale/packed_units.hpp"
#include "domain/sale/row_blocks.hpp"

namespace market {

/// A buyer of the product in a slot of SaleState::products.
struct Buyer {
  UserId user;
  std::uint32_t slot = 0;
  friend bool operator==(const Buyer&, const Buyer&) = default;
};
inline std::size_t hash_value(const Buyer& buyer) {
  const std::uint64_t mixed = static_cast<std::uint64_t>(hash_value(buyer.user)) ^ buyer.slot;
  return static_cast<std::size_t>(mixed * 0x9E3779B97F4A7C15ull);
}

class BuyerUnits {
 public:
  BuyerUnits();
  BuyerUnits(BuyerUnits&&) noexcept = default;
  BuyerUnits& operator=(BuyerUnits&&) noexcept = default;

  std::int32_t of(const Buyer& buyer) const;
  /// 0 or less: no entry.
  void set(const Buyer& buyer, std::int32_t units);
  /// Returns how many there were before.
  std::int32_t add(const Buyer& buyer, std::int32_t units);
  /// Entries.
  std::size_t size() const { return size_; }

  template <class Each>
  void for_each(Each each) const {
    for (std::size_t part = 0; part < part_count; ++part) for_each_of(part, each);
  }
  /// For copying in slices.
  static constexpr std::size_t parts() { return part_count; }
  static std::size_t part_number(UserId user) {
    return (static_cast<std::uint64_t>(user.value) * 0xD6E8FEB86659FD93ull) >> 54;
  }
  template <class Each>
  void for_each_of(std::size_t number, Each each) const {
    const Part& part = parts_[number];
    for (const Known& user : part.users) {
      const Row& row = (*rows_)[user.row];
      if (row.units != 0)
        each(Buyer{row.user, static_cast<std::uint32_t>(row.slot)}, static_cast<std::int32_t>(row.units));
    }
    part.further.for_each([&](std::uint64_t key, std::uint32_t units) {
      const auto slot = static_cast<std::uint32_t>(key & (slots_end - 1));
      each(Buyer{(*rows_)[static_cast<std::uint32_t>(key >> slot_bits)].user, slot},
           static_cast<std::int32_t>(units));
    });
    for (const auto& [buyer, units] : part.large) each(buyer, units);
  }

 private:
  static constexpr int slot_bits = 22, row_bits = PackedUnits::key_bits - slot_bits;
  static constexpr std::uint64_t slots_end = 1u << slot_bits, rows_end = 1u << row_bits;
  static constexpr int units_mask = (1 << PackedUnits::unit_bits) - 1;
  struct Row {
    UserId user;
    std::uint64_t slot : slot_bits = 0;
    std::uint64_t units : PackedUnits::unit_bits = 0;                    ///< 0: none in this row.
    std::uint64_t others : 64 - slot_bits - PackedUnits::unit_bits = 0;  ///< Entries elsewhere.
  };
  static_assert(sizeof(Row) == 16);
  using Rows = RowBlocks<Row>;
  /// A buyer by the row; the hash beside it, so that a part that grows does not look at all of its rows.
  struct Known {
    std::uint32_t row, hash;
  };
  static std::uint32_t hash_of(UserId user) { return static_cast<std::uint32_t>(hash_value(user) >> 32); }
  struct KnownHash {
    using is_transparent = void;
    std::size_t operator()(const Known& known) const { return known.hash; }
    std::size_t operator()(UserId user) const { return hash_of(user); }
  };
  struct SameUser {
    using is_transparent = void;
    const Rows* rows;
    bool operator()(const Known& a, const Known& b) const { return a.row == b.row; }
    bool operator()(UserId user, const Known& known) const { return (*rows)[known.row].user == user; }
    bool operator()(const Known& known, UserId user) const { return (*rows)[known.row].user == user; }
  };
  /// All of some users.
  struct Part {
    explicit Part(const Rows* rows) : users(0, KnownHash{}, SameUser{rows}) {}
    boost::unordered_flat_set<Known, KnownHash, SameUser> users;
    PackedUnits further;
    boost::unordered_flat_map<Buyer, std::int32_t> large;
  };
  static constexpr std::size_t part_count = 1024;
  static std::uint64_t key_of(std::uint32_t row, std::uint32_t slot) {
    return std::uint64_t{row} << slot_bits | slot;
  }
  using Users = decltype(Part::users);
  std::int32_t units_of(const Part& part, Users::const_iterator user, const Buyer& buyer) const;
  void replace(Part& part, Users::const_iterator user, const Buyer& buyer, std::int32_t before,
               std::int32_t units);
  void erase(Part& part, std::uint32_t number, const Buyer& buyer);

  std::unique_ptr<Rows> rows_;  ///< Behind a pointer that the parts keep.
  std::vector<Part> parts_;
  std::size_t size_ = 0;
};

}  // namespace market
