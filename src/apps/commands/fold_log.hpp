#pragma once
/// The log and the records of a market that nobody serves, wherever they are: for `rebuild`, `log adopt` and
/// `restore`.

#include "ports/log.hpp"
#include "ports/order_records.hpp"
#include "ports/snapshot_store.hpp"
#include "sale/log_rule.hpp"

namespace market::apps {

/// Whose log it is. In a topic, bytes that are no record are somebody else's; in a file of ours they are
/// damage.
enum class LogOf : std::uint8_t { one, many };

/// Writes to the records everything that the log has and they lack; their newest place. `records_of`: what
/// those were named that are folded anew. Throws std::runtime_error.
Place fold_all(Log& log, RecordFold& records, LogOf whose, LogId records_of = {});

/// Where the log ends. Throws std::runtime_error.
sale::LogRule::Point end_of(Log& log, LogOf whose);
/// Throws when the records know more than a log that ends there, or were folded from another one. Of a log
/// that was adopted they are to be folded anew, whatever they know.
void expect_records_within(const sale::LogRule::Point& end, RecordFold& records);
/// The same of what a snapshot knows of the log. `named`: as sale::knows_more() takes it.
void expect_snapshot_within(const sale::LogRule::Point& end, SnapshotStore& snapshots, LogId named);

/// The last step of a restore: nothing of what came behind the backup counts any more (begin_term.hpp).
void give_up_the_rest(RecordFold& records);

/// Goes on with a log that has lost events which the records or the snapshot know, be it all of them: prints
/// the orders that are lost with them and raises the log's generation. The records are to be folded anew
/// then; broken off before that, it is done again. False: nothing is lost.
bool adopt_what_is_left(Log& log, RecordFold& records, SnapshotStore& snapshots, LogId named, LogOf whose,
                        const std::string& name);

}  // namespace market::apps
