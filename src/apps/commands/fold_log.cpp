#include "apps/commands/fold_log.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "base/must.hpp"
#include "base/random.hpp"
#include "sale/begin_term.hpp"
#include "sale/log_reader.hpp"

namespace market::apps {
namespace {

constexpr auto foreign_records =
    "the records (records.db, records.mysql) belong to another log than this one; restore a backup";

/// Records of an earlier generation are those of a log whose adoption was broken off before they were folded
/// anew. An empty log is nobody's: what the records know was in it.
void expect_same_log(LogId of, LogId found) {
  if (of && found && !(of.is_same_log(found) && of.generation <= found.generation))
    throw std::runtime_error(foreign_records);
}

/// Of a lost order nobody will know that it was paid, or is to be: somebody must give it back.
std::string money_of(RecordFold& records, OrderId id) {
  const OrderPtr order = must(records.load(id));
  if (!order || order->payment == PaymentState::none || order->payment == PaymentState::declined) return {};
  return fmt::format(", {}: {} {}", text_of(order->payment), order->total.amount,
                     order->total.currency.text());
}

}  // namespace

Place fold_all(Log& log, RecordFold& records, LogOf whose) {
  constexpr std::size_t batch_events = 16'384;
  std::vector<CountedEvents> groups;
  std::size_t waiting = 0;
  Place at = must(records.place());
  std::string trouble;
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
  must(records.set_log(read->log));
  return at;
}

void refuse_records_that_know_more(Log& log, RecordFold& records, LogOf whose) {
  const auto end = must(sale::read_counted(
      log, [](const CountedEvents&) { return true; }, whose == LogOf::many));
  expect_records_within(end, records);
}

void expect_records_within(const sale::LogRule::Point& end, RecordFold& records) {
  const LogId of = must(records.log());
  expect_same_log(of, end.log);
  if (of && of.generation < end.log.generation) return;
  if (const Place recorded = must(records.place()); recorded > end.last)
    throw std::runtime_error(fmt::format(
        "the log has lost its newest events: it ends at place {}, the records know {}; restore a backup, or "
        "accept the loss with 'market log adopt'",
        end.last, recorded));
}

bool adopt_what_is_left(Log& log, RecordFold& records, LogOf whose, const std::string& name) {
  sale::KeyFilter keys;
  sale::SequencerSettings settings;
  settings.foreign_bytes_ignored = whose == LogOf::many;
  sale::Sequencer sequencer(settings, keys);
  must(sale::follow_to_end(log, sequencer, {}));
  const LogId of = must(records.log()), found = sequencer.end().point.log;
  expect_same_log(of, found);
  const Place end = sequencer.end().point.last, recorded = must(records.place());
  const bool broken_off = of && found && of.generation < found.generation;
  if (recorded <= end && !broken_off) {
    fmt::print("nothing to adopt: the log of '{}' ends at place {}, the records know {}\n", name, end,
               recorded);
    return false;
  }
  if (!of && !found)
    throw std::runtime_error("the log is empty, and the records do not say which it was; restore a backup");
  const auto lost = must(records.beyond(end));
  for (const OrderId order : lost)
    fmt::print("lost or changed: order {}{}\n", order.text(), money_of(records, order));
  LogId raised = found ? found : of;
  ++raised.generation;
  if (!broken_off) must(sale::begin_term(log, sequencer, random_number(), raised, SystemClock().now()));
  fmt::print("adopted: the log of '{}' ends at place {}; orders that are lost or changed: {}\n", name, end,
             lost.size());
  return true;
}

}  // namespace market::apps
