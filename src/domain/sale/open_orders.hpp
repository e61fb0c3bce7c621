#pragma once
/// Orders that the sequencer must know to decide: those with open work, and closed ones until the records
/// have them. One compact row each, in blocks that never move; a whole order is read from the records when
/// somebody asks for it.

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <memory>
#include <vector>

#include "domain/sale/order.hpp"
#include "domain/sale/row_blocks.hpp"
#include "domain/sale/segmented_map.hpp"

namespace market {

/// A product of an order, by its slot in SaleState::products.
struct OpenLine {
  std::uint32_t slot = 0;
  std::int32_t quantity = 0;
  friend bool operator==(const OpenLine&, const OpenLine&) = default;
};
using OpenLines = boost::container::small_vector<OpenLine, 1>;

struct OpenOrder {
  OrderId id;
  UserId user;
  Instant pay_by;   ///< Of a delivered order: when it was delivered, from which its return is counted.
  Place place = 0;  ///< Of its last event.
  OpenLine first;
  std::uint32_t further = 0;  ///< Where the further lines are, if there are any.
  std::uint16_t further_lines = 0;
  OrderState state = OrderState::accepted;
  PaymentState payment = PaymentState::none;
  bool open_work() const { return has_open_work(state, payment); }
};
static_assert(sizeof(OpenOrder) <= 48);

class OpenOrders {
 public:
  OpenOrders();
  OpenOrders(OpenOrders&&) noexcept = default;
  OpenOrders& operator=(OpenOrders&&) noexcept = default;

  /// Valid until another order is added or removed.
  OpenOrder* find(OrderId id);
  const OpenOrder* find(OrderId id) const { return const_cast<OpenOrders*>(this)->find(id); }
  OpenLines lines_of(const OpenOrder& order) const;
  /// The newest attempt to pay; kept while a payment or a refund is open.
  AttemptId attempt_of(OrderId id) const;

  /// A known id is replaced.
  void put(const OpenOrder& order, const OpenLines& lines, AttemptId attempt);
  /// Room for `count` orders of the part that `id` is in.
  void reserve_part_of(OrderId id, std::size_t count) { part_of(id).reserve(count); }
  void set_attempt(OrderId id, AttemptId attempt);
  void erase(OrderId id);

  std::size_t size() const { return size_; }
  template <class Each>
  void for_each(Each each) const {
    for (std::size_t part = 0; part < part_count; ++part) for_each_of(part, each);
  }
  /// Those that have an attempt, of millions that have none.
  template <class Each>
  void for_each_attempted(Each each) const {
    attempts_.for_each([&](OrderId id, AttemptId attempt) { each(*find(id), attempt); });
  }
  /// For copying in slices.
  static constexpr std::size_t parts() { return part_count; }
  static std::size_t part_number(OrderId id) {
    return (static_cast<std::uint64_t>(id.value) * 0xD6E8FEB86659FD93ull) >> 52;
  }
  template <class Each>
  void for_each_of(std::size_t part, Each each) const {
    for (const std::uint32_t row : index_[part]) each((*rows_)[row]);
  }

 private:
  using Rows = RowBlocks<OpenOrder>;
  static std::size_t hash_of(OrderId id) { return hash_value(id); }
  struct RowHash {
    using is_transparent = void;
    const Rows* rows;
    std::size_t operator()(std::uint32_t row) const { return hash_of((*rows)[row].id); }
    std::size_t operator()(OrderId id) const { return hash_of(id); }
  };
  struct SameOrder {
    using is_transparent = void;
    const Rows* rows;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
    bool operator()(OrderId id, std::uint32_t row) const { return (*rows)[row].id == id; }
    bool operator()(std::uint32_t row, OrderId id) const { return (*rows)[row].id == id; }
  };
  using Part = boost::unordered_flat_set<std::uint32_t, RowHash, SameOrder>;
  static constexpr std::size_t part_count = 4096;
  Part& part_of(OrderId id) { return index_[part_number(id)]; }
  void free_lines(const OpenOrder& order);

  std::unique_ptr<Rows> rows_;  ///< Behind a pointer that the index keeps.
  RunBlocks<OpenLine> further_;
  std::vector<Part> index_;
  SegmentedMap<OrderId, AttemptId> attempts_;
  std::size_t size_ = 0;
};

}  // namespace market
