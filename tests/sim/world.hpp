#pragma once
/// What all parts of one simulated sale share: the seed's randomness, virtual time, faults, the planted bug.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <string>

#include "base/task.hpp"
#include "tests/sim/scheduler.hpp"

namespace market::sim {

/// Mistakes that the simulation can make on purpose: each must be found (planted_bugs_test.cpp).
enum class Bug : std::uint8_t {
  none,
  acknowledge_before_sync,    ///< Embedded: answered when the group is handed to the log.
  check_then_decrement,       ///< A batch is decided on the stock before it.
  old_term_counted,           ///< A reader counts a group of a term that is over.
  group_counted_twice,        ///< A reader counts a duplicate.
  group_behind_hole,          ///< A reader counts a group whose first place is too high.
  other_bytes,                ///< A group in flight is made anew under the same (term, place).
  answered_before_read_back,  ///< Several writers: answered when the group is sent.
  deposed_refusal,            ///< A refusal without a barrier.
  row_before_overlay,
  copy_not_settled,  ///< A copy is refused without an event; then an earlier one is accepted.
  snapshot_without_head,
  event_applied_again,  ///< An event changes a row that has it already.
  stale_board,          ///< Redis takes an older place for a newer one.
  board_decides,        ///< A buyer is refused by what is shown.
  ahead_is_behind,      ///< While the log is silent, older numbers than the own ones are shown.
  ahead_is_kept,        ///< What was shown ahead of the log is shown when the log has come.
  fold_won_twice,
  rolled_back_in_part,    ///< A deadlock leaves rows of its transaction.
  commit_taken_for_done,  ///< A commit without an answer, which has not happened.
  expire_races_confirm,   ///< The timer decides on a row as it was, and acts on what it is.
  place_before_effect,
  timer_on_wall_clock,
  recovery_skips_last,
  limit_per_instance,
  late_group_overtakes,  ///< Two groups reach the records in the wrong order.
  refund_twice,
  undo_forgets_entry,
  forgotten_key_trusted,  ///< A key that the records must be asked about is taken for a new one.
  old_look_up_trusted,
  snapshot_without_notes,  ///< What groups overwrite during a copy is not saved.
};

/// Probabilities; fault_table (sale.cpp) has their bounds.
struct Faults {
  double request_lost = 0, request_late = 0, answer_lost = 0, sent_twice = 0;
  double append_lost = 0, append_late = 0, append_twice = 0, leader_change = 0, raw_producer = 0;
  double sync_in_doubt = 0, sync_slow = 0, disk_full = 0, reopen_fails = 0;
  double pause = 0, crash = 0, lag = 0, spurious_open = 0;
  double cut_off = 0;   ///< One instance, from the log.
  double slow_way = 0;  ///< What the log says reaches one instance late, in order.
  double records_away = 0, records_slow = 0, records_deadlock = 0, commit_in_doubt = 0;
  double redis_away = 0, redis_slow = 0, redis_answer_lost = 0, redis_loses = 0;
  double wall_step = 0, snapshot = 0;
  double provider_lost = 0, provider_late = 0;
  double keyed = 0.8;  ///< Of orders. Without a key there is one copy: its refusal is no event.
};

struct World {
  World(std::uint64_t which, Bug planted) : seed(which), bug(planted), random(which) {
    // Bugs of one configuration are planted in it alone.
    embedded = random.chance(0.3);
    if (bug == Bug::acknowledge_before_sync) embedded = true;
    if (bug == Bug::answered_before_read_back || bug == Bug::deposed_refusal ||
        bug == Bug::copy_not_settled || bug == Bug::other_bytes || bug == Bug::old_term_counted ||
        bug == Bug::group_counted_twice || bug == Bug::group_behind_hole || bug == Bug::fold_won_twice ||
        bug == Bug::stale_board || bug == Bug::board_decides || bug == Bug::ahead_is_behind ||
        bug == Bug::ahead_is_kept)
      embedded = false;
  }

  const std::uint64_t seed;
  const Bug bug;
  asio::io_context context;  ///< Of coroutines; virtual time alone resumes them.
  Random random;
  Scheduler scheduler{random};
  Faults faults;
  bool embedded = false;  ///< One instance alone with its log; else several with clocks of their own.
  bool calm = false;      ///< No more faults; all must converge.
  std::string violation;

  Instant now() const { return scheduler.now(); }
  Millis millis(std::int64_t low, std::int64_t high) { return Millis(random.between(low, high)); }
  bool strikes(double probability) { return probability > 0 && !calm && random.chance(probability); }
  void after(Millis delay, Scheduler::Action action) { scheduler.after(delay, std::move(action)); }
  void violated(std::string what) {
    if (violation.empty()) violation = std::move(what);
  }
};

/// Goes on when so much virtual time has passed.
inline auto time_passes(World& world, Millis delay) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&world, delay](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        world.after(delay, [&world, shared] {
          asio::post(world.context, [shared] { std::move (*shared)(); });
          world.context.restart();
          world.context.poll();
        });
      },
      asio::use_awaitable);
}

}  // namespace market::sim
