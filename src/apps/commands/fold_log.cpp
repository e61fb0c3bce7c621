#include "apps/commands/fold_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>

#include "base/must.hpp"
#include "base/random.hpp"
#include "sale/begin_term.hpp"
#include "sale/log_reader.hpp"
#include "sale/snapshot.hpp"

namespace market::apps {
namespace {

constexpr auto foreign_records =
    "the records (records.db, records.mysql) belong to another log than this one; restore a backup";

/// Records of an earlier generation are those of a log whose adoption was broken off before they were folded
/// anew, of a later one those of a restored store. An empty log is nobody's: what the records know was in it.
void expect_same_log(LogId of, LogId found) {
  if (of && found && !of.is_same_log(found)) throw std::runtime_error(foreign_records);
}

/// Of a lost order nobody will know that it was paid, or is to be: somebody must give it back.
std::string money_of(RecordFold& records, OrderId id) {
  const OrderPtr order = must(records.load(id));
  if (!order || order->payment == PaymentState::none || order->payment == PaymentState::declined) return {};
  return fmt::format(", {}: {} {}", text_of(order->payment), order->total.amount,
                     order->total.currency.text());
}

/// The same of one that the snapshot alone knows, which has no amounts.
std::string money_of(const OpenOrder& order) {
  if (order.payment == PaymentState::none || order.payment == PaymentState::declined) return {};
  return fmt::format(", {}", text_of(order.payment));
}

/// None: there is none that can be read, and such a one knows nothing.
std::optional<sale::Sequencer::Memory> memory_in(SnapshotStore& snapshots) {
  const auto bytes = snapshots.load();
  if (!bytes || !*bytes) return std::nullopt;
  auto decoded = sale::decode_snapshot(**bytes);
  if (!decoded) return std::nullopt;
  return std::move(decoded->memory);
}

constexpr auto lost_end =
    "the log has lost its newest events: it ends at place {}, {} {}; restore a backup, or accept the loss "
    "with 'market log adopt'";

}  // namespace

Place fold_all(Log& log, RecordFold& records, LogOf whose, LogId records_of) {
  constexpr std::size_t batch_events = 16'384;
  std::vector<CountedEvents> groups;
  std::size_t waiting = 0;
  Place at = must(records.place());
  std::string trouble;
  // First: whoever goes on behind a run that was broken off finds what a restored store is named.
  if (records_of) must(records.set_log(records_of));
  const auto flush = [&] {
    if (groups.empty()) return true;
    const Place through = groups.back()->back().place;
    const auto done = records.fold(at, groups);
    if (!done)
      trouble = done.error().detail;
    else if (at = *done; at != through)
      trouble = "another process folds these records; stop all services first";
    groups.clear();
    waiting = 0;
    return trouble.empty();
  };
  const auto read = sale::read_counted(
      log,
      [&](const CountedEvents& events) {
        if (events->back().place <= at && groups.empty()) return true;
        groups.push_back(events);
        waiting += events->size();
        return waiting < batch_events || flush();
      },
      whose == LogOf::many);
  if (read && trouble.empty()) flush();
  if (!read) throw std::runtime_error(read.error().detail);
  if (!trouble.empty()) throw std::runtime_error(trouble);
  must(records.set_log(sale::id_of_next_term(read->log, records_of)));
  return at;
}

sale::LogRule::Point end_of(Log& log, LogOf whose) {
  return must(sale::read_counted(
      log, [](const CountedEvents&) { return true; }, whose == LogOf::many));
}

void expect_records_within(const sale::LogRule::Point& end, RecordFold& records) {
  const LogId of = must(records.log());
  expect_same_log(of, end.log);
  if (of && of.generation < end.log.generation) return;
  if (const Place recorded = must(records.place()); recorded > end.last)
    throw std::runtime_error(fmt::format(lost_end, end.last, "the records know", recorded));
}

void expect_snapshot_within(const sale::LogRule::Point& end, SnapshotStore& snapshots, LogId named) {
  const auto memory = memory_in(snapshots);
  if (memory && sale::knows_more(memory->end.point, end, named))
    throw std::runtime_error(
        fmt::format(lost_end, end.last, "the snapshot (gate.snapshot) knows", memory->end.point.last));
}

void give_up_the_rest(RecordFold& records) {
  if (const LogId log = must(records.log()))
    must(records.set_log(sale::id_behind_restore(log, SystemClock().now())));
}

bool adopt_what_is_left(Log& log, RecordFold& records, SnapshotStore& snapshots, LogId named, LogOf whose,
                        const std::string& name) {
  sale::KeyFilter keys;
  sale::SequencerSettings settings;
  settings.foreign_bytes_ignored = whose == LogOf::many;
  sale::Sequencer sequencer(settings, keys);
  must(sale::follow_to_end(log, sequencer, {}));
  const LogId of = must(records.log()), found = sequencer.end().point.log;
  expect_same_log(of, found);
  const Place end = sequencer.end().point.last, recorded = must(records.place());
  const bool broken_off = of && found && of.generation < found.generation;
  auto snapshot = memory_in(snapshots);
  if (snapshot && !sale::knows_more(snapshot->end.point, sequencer.end().point, named)) snapshot.reset();
  if (recorded <= end && !broken_off && !snapshot) {
    fmt::print("nothing to adopt: the log of '{}' ends at place {}, the records know {}\n", name, end,
               recorded);
    return false;
  }
  if (!of && !found && !snapshot)
    throw std::runtime_error("the log is empty, and the records do not say which it was; restore a backup");
  std::map<OrderId, std::string> lost;
  for (const OrderId order : must(records.beyond(end))) lost[order] = money_of(records, order);
  if (snapshot)
    for (const OpenOrder& order : sale::orders_beyond(snapshot->state, end))
      lost.try_emplace(order.id, money_of(order));
  for (const auto& [order, money] : lost) fmt::print("lost or changed: order {}{}\n", order.text(), money);
  if (snapshot)
    fmt::print(
        "lost: places {} to {}, which the snapshot knows; of orders that were closed then it has none\n",
        end + 1, snapshot->end.point.last);
  LogId raised = found ? sale::id_of_next_term(found, of) : of ? of : snapshot->end.point.log;
  if (snapshot) raised.generation = std::max(raised.generation, snapshot->end.point.log.generation);
  ++raised.generation;
  if (!broken_off) must(sale::begin_term(log, sequencer, random_number(), raised, SystemClock().now()));
  fmt::print("adopted: the log of '{}' ends at place {}; orders that are lost or changed: {}\n", name, end,
             lost.size());
  return true;
}

}  // namespace market::apps
