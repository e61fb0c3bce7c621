#pragma once
/// A writer of the log like any other, with nobody who waits for an answer; and a long history of orders.

#include "apps/commands/commands.hpp"
#include "apps/commands/fold_log.hpp"
#include "sale/sequencer.hpp"

namespace market::apps {

class LogSeeder {
 public:
  /// Reads the log; writes nothing before the first add(). `id`: of a log that has none yet. Throws
  /// std::runtime_error, as all of it does: also when the records know more than the log has, which nobody
  /// would see any more behind new events.
  LogSeeder(Log& log, RecordFold& records, SnapshotStore& snapshots, LogId id, LogOf whose);
  /// The id of what the command is about.
  std::int64_t add(const Command& command, Instant now);
  void flush();

 private:
  Offset append(std::string_view record);
  void open(Instant now);
  /// Nobody asks for closed orders here.
  void forget();

  Log& log_;
  const LogId id_, records_of_;
  std::unique_ptr<sale::KeyFilter> keys_ = std::make_unique<sale::KeyFilter>();
  std::unique_ptr<sale::Sequencer> sequencer_;
  bool opened_ = false;
};

/// Orders that were accepted long ago and expired, so that nothing of them is open.
void seed_orders(LogSeeder& log, const SeedOptions& options, const std::vector<UserId>& users,
                 const std::vector<ProductId>& products, const Clock& clock);

}  // namespace market::apps
