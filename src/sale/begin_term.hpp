#pragma once
/// The one way to become the writer of a log.

#include "sale/sequencer.hpp"

namespace market::sale {

/// What a log is called from its next term on. A restore gives up what came behind the backup, whose places
/// are given again: it names the records (RecordFold::set_log) in a generation that nothing of that has, and
/// leaves the log as it is.
LogId id_of_next_term(LogId log, LogId records_of);
/// That name. How often what is given up was restored or adopted nobody knows; the clock is beyond it.
LogId id_behind_restore(LogId log, Instant now);

/// Appends an `Open` behind what `sequencer` has followed, and follows it: from then on it may write.
/// `term`: a fresh random number. `id`: what the log is called from here on, if it has no id yet or a raised
/// generation. `address`: where the other instances reach it. Errors: the log's; conflict: another writer has
/// appended to it.
Result<> begin_term(Log& log, Sequencer& sequencer, wire::Term term, LogId id, Instant now,
                    const std::string& address = {});

}  // namespace market::sale
