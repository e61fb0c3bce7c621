#pragma once
/// The invariants of a sale (I1…), checked with plain maps that share nothing with the engine: after every
/// durable event, at every answer, after every start, and at the end.

#include <map>
#include <set>

#include "tests/sim/world.hpp"

namespace market::sim {

struct ModelOrder {
  UserId user;
  OrderLines lines;
  OrderState state = OrderState::accepted;
  PaymentState payment = PaymentState::none;
  AttemptId attempt;
  std::int64_t total = 0;
  Instant pay_by;
};

class Checker {
 public:
  explicit Checker(World& world) : world_(world) {}

  void sent(const RequestPtr& request);
  void answered(const Request& request);
  void committed(Position at, const Event& event);
  /// Takes in what the log has and nobody reported: the outcome of a commit that was in doubt.
  void catch_up(EventLog& log);
  /// The gate's stock is the log's, to the unit.
  void compare_stock(const SaleState& state);
  /// After a start: stock, buyers, open orders, and everything that was acknowledged.
  void compare_recovered(const SaleState& state);
  /// What a page shows of an order that was acknowledged (I16).
  void shown(UserId user, OrderId id, const OrderPtr& order);
  void finished(const SaleState& state);

  const std::map<OrderId, ModelOrder>& orders() const { return orders_; }
  const std::map<RequestKey, OrderId>& keys() const { return keys_; }
  std::int64_t highest_ticket_answered() const { return highest_ticket_answered_; }
  Position position() const { return position_; }
  std::int64_t live_money() const;

 private:
  /// A number over time, to answer "was it ever so while this request was under way?"
  struct Timeline {
    std::vector<std::pair<Instant, std::int64_t>> values;
    void set(Instant at, std::int64_t value) { values.emplace_back(at, value); }
    template <class Test>
    bool ever(Instant since, Test test) const {
      for (auto entry = values.rbegin(); entry != values.rend(); ++entry) {
        if (test(entry->second)) return true;
        if (entry->first < since) return false;
      }
      return false;
    }
  };
  struct ModelProduct {
    ProductTerms terms;
    std::int64_t capacity = 0, live = 0, last_ticket = 0;
    bool kind_changed = false;
    std::map<UserId, std::int64_t> counted;
    Timeline remaining;
    std::map<UserId, Timeline> counts;
    Instant changed_at;
    std::int64_t left() const { return capacity - live; }
  };

  void fact(const Event&, const ProductListed&);
  void fact(const Event&, const ProductChanged&);
  void fact(const Event&, const StockAdjusted&);
  void fact(const Event&, const OrderAccepted&);
  void fact(const Event&, const OrderVoided&);
  void fact(const Event&, const PaymentStarted&);
  void fact(const Event&, const OrderPaid&);
  void fact(const Event&, const PaymentDeclined&);
  void fact(const Event&, const RefundOwed&);
  void fact(const Event&, const Refunded&);
  void fact(const Event&, const OrderCancelled&);
  void fact(const Event&, const OrderMoved&);
  void fact(const Event&, const GraceGranted& granted) { grace_until_ = granted.until; }
  void fact(const Event&, const EpochOpened&) {}

  void demand(bool holds, const char* invariant, const std::string& what);
  ModelOrder* known(OrderId id, const char* event);
  void take(UserId user, const OrderLine& line);
  void give_back(ModelOrder& order, const Units& units, bool frees_limit);
  void check_request(const Order& order);
  void check_refusal(const Request& request, const PlaceOrder& place, const Error& error);
  bool refusal_is_true(const Request& request, const WantedLine& line, UserId user, Code code) const;

  World& world_;
  Position position_ = 0;
  Instant grace_until_{};
  std::map<ProductId, ModelProduct> products_;
  std::map<OrderId, ModelOrder> orders_;
  std::map<RequestKey, OrderId> keys_;
  std::map<RequestKey, Instant> key_bound_at_;
  std::map<OrderId, RequestPtr> requests_;
  std::map<int, OrderId> purchases_;  ///< What each purchase became.
  std::map<OrderId, OrderState> acknowledged_;
  std::set<ProductId> touched_;
  std::uint64_t last_arrival_ = 0;
  std::int64_t highest_ticket_answered_ = 0;
  bool in_doubt_ = false;  ///< Taking in events whose commit was in doubt.
};

}  // namespace market::sim
