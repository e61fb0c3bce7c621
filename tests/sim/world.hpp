#pragma once
/// What all parts of one simulated sale share: the seed's randomness, virtual time, faults, the planted bug.

#include "ports/sale_gate.hpp"
#include "tests/sim/journal.hpp"
#include "tests/sim/records.hpp"
#include "tests/sim/scheduler.hpp"

namespace market::sim {

/// Mistakes that the simulation can make on purpose: each must be found (planted_bugs_test.cpp).
enum class Bug : std::uint8_t {
  none,
  acknowledge_before_sync,
  refuse_before_sync,     ///< "Sold out" because of an order that is not durable and may vanish.
  decide_on_stale_state,  ///< Check, then decrement.
  dedup_after_effect,     ///< A key is bound only when its answer goes out.
  expire_races_confirm,   ///< The timer decides before a payment or cancel, and acts after it.
  retry_with_new_key,
  recovery_skips_last_record,
  fifo_broken_by_retry,
  compensation_not_idempotent,  ///< A repeated cancel gives the units back again.
  refund_not_idempotent,        ///< A repeated refund pays again.
  hold_timer_on_wall_clock,
  limit_per_instance,
  forgotten_key_not_looked_up,
  old_look_up_trusted,
  lost_fold,  ///< The records skip a batch.
};

/// Probabilities, drawn anew for each seed ("swarm": about half of them are 0).
struct Faults {
  double request_lost = 0, answer_lost = 0, sent_twice = 0;
  double sync_in_doubt = 0, sync_slow = 0, disk_full = 0, reopen_fails = 0;
  double crash = 0, records_away = 0, wall_step = 0, snapshot = 0;
};
Faults draw_faults(Random& random);

struct Request {
  explicit Request(Command what) : command(std::move(what)) {}
  Command command;
  int purchase = -1;  ///< Of PlaceOrder: what the buyer wants once, however often it is sent.
  int tries = 1;
  Instant sent_at;
  std::int64_t tickets_before = 0;  ///< The highest ticket answered before this was sent.
  std::function<void(const Result<Submitted>&)> done;

  // The gate's.
  std::uint64_t arrival = 0;
  enum class Missing : std::uint8_t { nothing, order, key } missing = Missing::nothing;
  int look_ups = 0;
  OrderPtr recorded;
  Position as_of = -1;
  Result<Submitted> answer = fail(Code::internal, "not answered");
};
using RequestPtr = std::shared_ptr<Request>;

struct World {
  World(std::uint64_t which, Bug planted) : seed(which), bug(planted), random(which) {}

  const std::uint64_t seed;
  const Bug bug;
  Random random;
  Scheduler scheduler{random};
  Faults faults;
  SimJournal journal{random};
  SimRecords records;
  SimSnapshots snapshots;
  Millis wall_offset{};  ///< What the wall clock is wrong by; nothing may depend on it.
  std::string violation;

  Instant now() const { return scheduler.now(); }
  void violated(std::string what) {
    if (violation.empty()) violation = std::move(what);
  }
};

}  // namespace market::sim
