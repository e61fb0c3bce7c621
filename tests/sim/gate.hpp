#pragma once
/// The embedded sale gate, one thread, virtual time: the protocol of sale/sale_gate.cpp step by
/// step (queue, decide a batch, write, sync, show, answer; forget what the records have, look it up again)
/// around the real decide(), apply(), recover(), key filter and overlay. Crashes and planted bugs happen
/// here.

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <queue>

#include "sale/gate_recovery.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/world.hpp"

namespace market::sim {

class SimGate {
 public:
  SimGate(World& world, Checker& checker) : world_(world), checker_(checker) {}

  void start();
  void crash();
  bool up() const { return up_; }
  /// Nobody answers while it is down. `request->done` is called when it has answered.
  void submit(RequestPtr request);
  /// As a page shows it: the overlay, else the records.
  OrderPtr read(UserId user, OrderId id) const;
  const SaleState& state() const { return state_; }
  bool idle() const { return up_ && !committing_ && !log_failed_ && queue_.empty() && looking_up_ == 0; }
  bool records_caught_up() const { return unfolded_.empty(); }
  /// Where the snapshot stands; nothing: none was made.
  std::optional<Position> make_snapshot();

  static constexpr Millis attempt_bound{2'000}, restart_grace{3'000};

 private:
  struct Deadline {
    Instant at;
    OrderId order;
    bool operator<(const Deadline& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };
  struct Remembered {
    sale::ChangedOrder change;
    Instant at;
  };
  struct Unfolded {
    std::vector<sale::ChangedOrder> changes;
    Position through = 0;
  };
  /// What one of two instances would know of a buyer (Bug::limit_per_instance).
  using Buyers = boost::unordered_flat_map<UserId, std::int32_t>;

  void wake(Millis in);
  void process();
  void take_batch();
  void look_up(RequestPtr request);
  Request::Missing admit_what_it_needs(const Request& request);
  void decide_request(Request& request);
  Decision decide_one(const Request& request);
  Decision decide_with_bug(const Request& request);
  void settle(Request& request, Decision decision);
  OrderPtr apply_event(Event event);
  void expire_due();
  void act_on_late_expiries();
  void commit();
  void commit_ended(Result<> outcome);
  void show_committed();
  void show_changes(std::vector<sale::ChangedOrder> changes, Position through);
  void answer_batch();
  void answer(const RequestPtr& request);
  void refuse_batch(Code code);
  void fail_log(bool disk_full);
  void forget_recorded();
  void fold_later();
  void fold();
  bool recover_state(Position end);
  void recover_after_failure();
  void grant_grace();
  template <class Action>
  void after(Millis delay, Action action);

  World& world_;
  Checker& checker_;
  bool up_ = false;
  std::uint64_t life_ = 0;  ///< Actions of an earlier life do nothing.

  // All below is lost in a crash.
  SaleState state_, stale_;
  std::unique_ptr<sale::KeyFilter> keys_;
  std::unique_ptr<sale::OrderOverlay> overlay_;
  std::deque<RequestPtr> queue_;
  std::vector<RequestPtr> batch_;
  std::vector<Event> events_, late_expiries_;
  std::vector<OrderPtr> changed_;
  std::priority_queue<Deadline> deadlines_;
  std::deque<Remembered> remembered_;
  std::deque<Unfolded> unfolded_;
  boost::unordered_flat_map<ProductId, Buyers> instance_buyers_[2];
  Position forgotten_through_ = 0, shown_through_ = 0, records_at_ = 0;
  bool committing_ = false, log_failed_ = false, disk_full_ = false, folding_ = false;
  int looking_up_ = 0;
  Instant next_try_{}, next_wake_ = Instant::max(), last_event_at_{};
  std::uint64_t arrivals_ = 0;
};

}  // namespace market::sim
