#include "domain/sale/apply.hpp"

#include <algorithm>

namespace market {
namespace {

/// The state and the notes about it, for all that changes it.
class Folding {
 public:
  Folding(SaleState& state, const Event& event, UndoLog* undo) : state_(state), event_(event), undo_(undo) {}

  bool operator()(const ProductListed& fact) {
    if (state_.slots.contains(fact.product)) return false;
    SaleProduct product;
    product.id = fact.product;
    product.terms = fact.terms;
    product.stock.capacity = product.stock.remaining = fact.stock;
    state_.slots.emplace(fact.product, static_cast<std::uint32_t>(state_.products.size()));
    state_.products.push_back(std::move(product));
    note(UndoLog::NewProduct{});
    raise_id(fact.product.value);
    bind(fact.product.value);
    return true;
  }

  bool operator()(const ProductChanged& fact) {
    const std::uint32_t slot = state_.slot_of(fact.product);
    if (slot == SaleState::no_product) return false;
    SaleProduct& product = state_.products[slot];
    if (undo_ != nullptr) note(UndoLog::OldProduct{slot, std::make_unique<SaleProduct>(product)});
    product.terms = fact.terms;
    product.version = fact.version;
    bind(fact.product.value);
    return true;
  }

  bool operator()(const StockAdjusted& fact) {
    const std::uint32_t slot = state_.slot_of(fact.product);
    if (slot == SaleState::no_product) return false;
    ProductStock& stock = change_stock(slot);
    stock.capacity += fact.delta;
    stock.remaining += fact.delta;
    bind(fact.product.value);
    return true;
  }

  bool operator()(const OrderAccepted& fact) {
    // Ids rise: only an older one can be known.
    if (fact.order.value <= state_.numbers.last_id && state_.orders.find(fact.order) != nullptr) return false;
    if (!enough(fact.lines)) return false;
    OpenLines lines;
    for (const OrderLine& line : fact.lines) {
      const std::uint32_t slot = state_.slot_of(line.product);
      take(slot, fact.user, line.quantity, line.ticket);
      lines.push_back(OpenLine{slot, line.quantity});
    }
    OpenOrder order;
    order.id = fact.order;
    order.user = fact.user;
    order.pay_by = fact.pay_by;
    order.place = state_.numbers.place;
    state_.orders.put(order, lines, AttemptId{});
    note(UndoLog::NewOrder{fact.order});
    raise_id(fact.order.value);
    bind(fact.order.value);
    return true;
  }

  bool operator()(const OrderVoided& fact) {
    give_back(fact.user, fact.units, Limit::freed);
    change_order(fact.order, fact.user, [&](OpenOrder& order, OpenLines& lines, AttemptId& attempt) {
      order.state = OrderState::expired;
      if (fact.attempt) attempt = fact.attempt;
      lines = open_lines_of(fact.units);
    });
    return true;
  }

  bool operator()(const PaymentStarted& fact) {
    raise_id(fact.attempt.value);
    change_payment(fact.order, fact.user, fact.attempt, PaymentState::pending);
    return true;
  }

  bool operator()(const OrderPaid& fact) {
    if (fact.retaken) {
      if (!enough(fact.units)) return false;
      for (std::size_t i = 0; i < fact.units.size(); ++i)
        take(state_.slot_of(fact.units[i].product), fact.user, fact.units[i].quantity,
             i < fact.tickets.size() ? fact.tickets[i] : 0);
    }
    change_order(fact.order, fact.user, [&](OpenOrder& order, OpenLines& lines, AttemptId& attempt) {
      order.state = OrderState::paid;
      order.payment = PaymentState::paid;
      attempt = fact.attempt;
      if (fact.retaken) lines = open_lines_of(fact.units);
    });
    return true;
  }

  bool operator()(const PaymentDeclined& fact) {
    change_payment(fact.order, fact.user, fact.attempt, fact.after());
    return true;
  }
  bool operator()(const RefundOwed& fact) {
    owe_refund(fact.order, fact.user, fact.attempt, fact.state);
    return true;
  }
  bool operator()(const Refunded& fact) {
    change_payment(fact.order, fact.user, fact.attempt, PaymentState::refunded);
    return true;
  }

  bool operator()(const OrderCancelled& fact) {
    give_back(fact.user, fact.units, Limit::freed);
    end_order(fact.order, fact.user, fact.refund, OrderState::cancelled);
    return true;
  }

  bool operator()(const OrderMoved& fact) {
    if (fact.state == OrderState::returned) {
      give_back(fact.user, fact.units, Limit::kept);
      end_order(fact.order, fact.user, fact.refund, OrderState::returned);
      return true;
    }
    change_order(fact.order, fact.user, [&](OpenOrder& order, OpenLines& lines, AttemptId& attempt) {
      order.state = fact.state;
      if (fact.state == OrderState::delivered) order.pay_by = event_.at;
      order.payment = PaymentState::paid;
      lines = open_lines_of(fact.units);
      attempt = fact.attempt;
    });
    return true;
  }

  bool operator()(const GraceGranted& fact) {
    state_.numbers.grace_until = std::max(state_.numbers.grace_until, fact.until);
    return true;
  }

  bool operator()(const Refused& fact) {
    forget_settled();
    const auto [entry, fresh] =
        state_.refused.try_emplace(fact.request, RefusedRequest{fact.code, fact.until});
    if (!fresh) return false;
    state_.numbers.refused_until = std::min(state_.numbers.refused_until, fact.until);
    note(UndoLog::NewRefused{fact.request});
    return true;
  }

  bool operator()(const Barrier&) { return true; }

 private:
  enum class Limit : bool { kept, freed };

  void note(UndoLog::Entry entry) {
    if (undo_ != nullptr) undo_->add(std::move(entry));
  }
  void raise_id(std::int64_t id) { state_.numbers.last_id = std::max(state_.numbers.last_id, id); }

  void bind(std::int64_t subject) {
    if (!event_.key) return;
    KeyBinding* known = state_.keys.find(event_.key);
    if (undo_ != nullptr) {
      std::optional<KeyBinding> before;
      if (known != nullptr) before = *known;
      note(UndoLog::OldKey{event_.key, before});
    }
    state_.keys[event_.key] = KeyBinding{subject, event_.fingerprint};
  }

  /// Counts what may never happen: an acceptance beyond the stock.
  template <class Lines>
  bool enough(const Lines& lines) {
    for (const auto& line : lines) {
      const SaleProduct* product = state_.product(line.product);
      if (product != nullptr && line.quantity >= 1 && product->stock.remaining >= line.quantity) continue;
      ++state_.numbers.oversell_prevented;
      return false;
    }
    return true;
  }

  ProductStock& change_stock(std::uint32_t slot) {
    ProductStock& stock = state_.products[slot].stock;
    note(UndoLog::OldStock{slot, stock});
    return stock;
  }

  void count_buyer(std::uint32_t slot, UserId user, std::int32_t by) {
    const Buyer buyer{user, slot};
    note(UndoLog::OldUnits{buyer, state_.buyers.add(buyer, by)});
  }

  void take(std::uint32_t slot, UserId user, std::int32_t quantity, std::int64_t ticket) {
    ProductStock& stock = change_stock(slot);
    stock.remaining -= quantity;
    stock.sold = true;
    if (ticket != 0) stock.next_ticket = ticket + 1;
    count_buyer(slot, user, quantity);
  }

  void give_back(UserId user, const Units& units, Limit limit) {
    for (const MovedUnits& moved : units) {
      const std::uint32_t slot = state_.slot_of(moved.product);
      if (slot == SaleState::no_product) continue;
      change_stock(slot).remaining += moved.quantity;
      if (limit == Limit::freed) count_buyer(slot, user, -moved.quantity);
    }
  }

  OpenLines open_lines_of(const Units& units) const {
    OpenLines lines;
    for (const MovedUnits& moved : units)
      lines.push_back(OpenLine{state_.slot_of(moved.product), moved.quantity});
    return lines;
  }

  /// Changes the row of the order; one that was forgotten comes back, with what the event says of it.
  template <class Change>
  void change_order(OrderId id, UserId user, Change change) {
    OpenOrder order;
    OpenLines lines;
    AttemptId attempt;
    if (const OpenOrder* known = state_.orders.find(id)) {
      order = *known;
      lines = state_.orders.lines_of(order);
      attempt = state_.orders.attempt_of(id);
      if (undo_ != nullptr)
        note(std::make_unique<UndoLog::WholeOrder>(UndoLog::WholeOrder{order, lines, attempt}));
    } else {
      order.id = id;
      order.user = user;
      note(UndoLog::NewOrder{id});
    }
    change(order, lines, attempt);
    order.place = state_.numbers.place;
    state_.orders.put(order, lines, attempt);
    bind(id.value);
  }

  void change_payment(OrderId id, UserId user, AttemptId attempt, PaymentState payment) {
    change_order(id, user, [&](OpenOrder& order, OpenLines&, AttemptId& newest) {
      order.payment = payment;
      newest = attempt;
    });
  }

  /// What is left to do is the refund alone: a row that was forgotten and one that was not look alike after
  /// it.
  void owe_refund(OrderId id, UserId user, AttemptId refund, OrderState state) {
    change_order(id, user, [&](OpenOrder& order, OpenLines& lines, AttemptId& attempt) {
      order.state = state;
      order.payment = PaymentState::refunding;
      order.pay_by = Instant{};
      lines.clear();
      attempt = refund;
    });
  }

  void end_order(OrderId id, UserId user, AttemptId refund, OrderState state) {
    if (refund) return owe_refund(id, user, refund, state);
    change_order(id, user, [&](OpenOrder& order, OpenLines& lines, AttemptId&) {
      order.state = state;
      order.pay_by = Instant{};
      lines.clear();
    });
  }

  /// By the log's time, so that every reader forgets the same.
  void forget_settled() {
    if (state_.numbers.refused_until > event_.at) return;
    Instant earliest = Instant::max();
    for (auto at = state_.refused.begin(); at != state_.refused.end();) {
      if (at->second.until > event_.at) {
        earliest = std::min(earliest, at->second.until);
        ++at;
        continue;
      }
      note(UndoLog::OldRefused{at->first, at->second});
      state_.refused.erase(at++);
    }
    state_.numbers.refused_until = earliest;
  }

  SaleState& state_;
  const Event& event_;
  UndoLog* undo_;
};

class Undoing {
 public:
  explicit Undoing(SaleState& state) : state_(state) {}
  void operator()(const UndoLog::NewProduct&) {
    state_.slots.erase(state_.products.back().id);
    state_.products.pop_back();
  }
  void operator()(const UndoLog::OldProduct& old) { state_.products[old.slot] = *old.product; }
  void operator()(const UndoLog::OldStock& old) { state_.products[old.slot].stock = old.stock; }
  void operator()(const UndoLog::OldUnits& old) { state_.buyers.set(old.buyer, old.units); }
  void operator()(const UndoLog::NewOrder& made) { state_.orders.erase(made.id); }
  void operator()(const UndoLog::OldOrder& old) { state_.orders.put(old->order, old->lines, old->attempt); }
  void operator()(const UndoLog::OldKey& old) {
    if (old.binding)
      state_.keys[old.key] = *old.binding;
    else
      state_.keys.erase(old.key);
  }
  void operator()(const UndoLog::NewRefused& made) { state_.refused.erase(made.request); }
  void operator()(const UndoLog::OldRefused& old) { state_.refused.emplace(old.request, old.refused); }

 private:
  SaleState& state_;
};

}  // namespace

bool apply(SaleState& state, const Event& event, UndoLog* undo) {
  ++state.numbers.place;
  state.numbers.last_at = event.at;
  return std::visit(Folding(state, event, undo), event.fact);
}

void undo(SaleState& state, UndoLog& log) {
  Undoing undoing(state);
  for (auto entry = log.entries_.rbegin(); entry != log.entries_.rend(); ++entry) std::visit(undoing, *entry);
  log.entries_.clear();
  state.numbers = log.numbers_;
}

}  // namespace market
