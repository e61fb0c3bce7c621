#include "apps/commands/seed_log.hpp"

#include <stdexcept>

#include "apps/settings/settings.hpp"
#include "base/must.hpp"
#include "base/random.hpp"
#include "sale/begin_term.hpp"
#include "sale/log_reader.hpp"

namespace market::apps {
namespace {

constexpr std::chrono::hours orders_age{48};  ///< Seeded orders lie within the time of seeded sales.

sale::SequencerSettings settings_of(LogOf whose) {
  sale::SequencerSettings settings;
  settings.foreign_bytes_ignored = whose == LogOf::many;
  return settings;
}

}  // namespace

LogSeeder::LogSeeder(Log& log, RecordFold& records, SnapshotStore& snapshots, LogId id, LogOf whose)
    : log_(log),
      id_(id),
      records_of_(must(records.log())),
      sequencer_(std::make_unique<sale::Sequencer>(settings_of(whose), *keys_)) {
  const auto read = sale::follow_to_end(log_, *sequencer_, [this](const CountedEvents&) { forget(); });
  if (!read) throw std::runtime_error(read.error().detail);
  expect_records_within(sequencer_->end().point, records);
  expect_snapshot_within(sequencer_->end().point, snapshots, id);
}

std::int64_t LogSeeder::add(const Command& command, Instant now) {
  if (!std::exchange(opened_, true)) open(now);
  auto outcome = sequencer_->decide(command, {}, now);
  if (outcome.full) {
    flush();
    outcome = sequencer_->decide(command, {}, now);
  }
  if (outcome.refused) throw std::runtime_error(outcome.refused->detail);
  return outcome.subject;
}

void LogSeeder::flush() {
  if (!sequencer_->has_group()) return;
  sequencer_->counted(append(sequencer_->seal()));
  forget();
}

Offset LogSeeder::append(std::string_view record) {
  const auto offset = log_.append(record);
  if (!offset) throw std::runtime_error(offset.error().detail);
  if (*offset != sequencer_->end().next) throw std::runtime_error("another writer has appended to the log");
  return *offset;
}

void LogSeeder::open(Instant now) {
  const LogId known = sequencer_->end().point.log;
  const auto begun = sale::begin_term(log_, *sequencer_, random_number(),
                                      sale::id_of_next_term(known ? known : id_, records_of_), now);
  if (!begun) throw std::runtime_error("the log cannot be opened for writing: " + begun.error().detail);
}

void LogSeeder::forget() {
  sequencer_->forget(sequencer_->end().point.last);
}

void seed_orders(LogSeeder& log, const SeedOptions& options, const std::vector<UserId>& users,
                 const std::vector<ProductId>& products, const Clock& clock) {
  if (options.orders == 0) return;
  for (std::int64_t i = 0; i < options.orders; ++i) {
    const Instant then = clock.now() - orders_age;
    PlaceOrder place;
    place.user = users[static_cast<std::size_t>(i) % users.size()];
    place.lines.push_back(WantedLine{products[static_cast<std::size_t>(i) % products.size()], 1});
    const OrderId order{log.add(Command(std::move(place)), then)};
    log.add(ExpireOrder{order}, then + Millis(1));
  }
  log.flush();
}

}  // namespace market::apps
