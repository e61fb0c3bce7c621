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
  const LogId of = must(records.log());
  if (of && of != end.log) throw std::runtime_error(foreign_records);
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
  if (const LogId of = must(records.log()); of && of != sequencer.end().point.log)
    throw std::runtime_error(foreign_records);
  const Place end = sequencer.end().point.last, recorded = must(records.place());
  if (recorded <= end) {
    fmt::print("nothing to adopt: the log of '{}' ends at place {}, the records know {}\n", name, end,
               recorded);
    return false;
  }
  const auto lost = must(records.beyond(end));
  for (const OrderId order : lost) fmt::print("lost or changed: order {}\n", order.text());
  LogId raised = sequencer.end().point.log;
  ++raised.generation;
  must(sale::begin_term(log, sequencer, random_number(), raised, SystemClock().now()));
  fmt::print("adopted: the log of '{}' ends at place {}; orders that are lost or changed: {}\n", name, end,
             lost.size());
  return true;
}

}  // namespace market::apps
