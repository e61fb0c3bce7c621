#pragma once
/// apply(state, event): what an event changes. Pure: the same log folds to the same state on every machine,
/// for ever. What it overwrites can be kept, so that a group that never counted is taken back: undo(apply(s,
/// e)) == s.

#include <optional>
#include <variant>
#include <vector>

#include "domain/sale/sale_state.hpp"

namespace market {

/// What the events of one group have overwritten, in order.
class UndoLog {
 public:
  void begin(const SaleState& state) {
    numbers_ = state.numbers;
    entries_.clear();
  }

  // For apply().
  struct NewProduct {};
  struct OldProduct {
    std::uint32_t slot;
    std::unique_ptr<SaleProduct> product;
  };
  struct OldStock {
    std::uint32_t slot;
    ProductStock stock;
  };
  struct OldUnits {
    Buyer buyer;
    std::int32_t units;
  };
  struct NewOrder {
    OrderId id;
  };
  struct WholeOrder {
    OpenOrder order;
    OpenLines lines;
    AttemptId attempt;
  };
  using OldOrder = std::unique_ptr<WholeOrder>;
  struct OldKey {
    RequestKey key;
    std::optional<KeyBinding> binding;
  };
  struct NewRefused {
    RequestKey request;
  };
  struct OldRefused {
    RequestKey request;
    RefusedRequest refused;
  };
  using Entry = std::variant<NewProduct, OldProduct, OldStock, OldUnits, NewOrder, OldOrder, OldKey,
                             NewRefused, OldRefused>;
  void add(Entry entry) { entries_.push_back(std::move(entry)); }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  friend void undo(SaleState& state, UndoLog& log);
  SaleState::Numbers numbers_;
  std::vector<Entry> entries_;
};

/// Folds one event into the state; it takes the next place. `undo`: notes what it overwrites; null: nothing.
/// False: the event changes nothing, as it may not (units beyond the stock, which is counted; a known order
/// or product; an unknown product).
bool apply(SaleState& state, const Event& event, UndoLog* undo = nullptr);

/// Takes back all that was applied since log.begin(state). Nothing else may have changed the state since.
void undo(SaleState& state, UndoLog& log);

}  // namespace market
