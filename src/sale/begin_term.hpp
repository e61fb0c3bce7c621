#pragma once
/// The one way to become the writer of a log.

#include "sale/sequencer.hpp"

namespace market::sale {

/// Appends an `Open` behind what `sequencer` has followed, and follows it: from then on it may write.
/// `term`: a fresh random number. `id`: what the log is called from here on, if it has no id yet or a raised
/// generation. `address`: where the other instances reach it. Errors: the log's; conflict: another writer has
/// appended to it.
Result<> begin_term(Log& log, Sequencer& sequencer, wire::Term term, LogId id, Instant now,
                    const std::string& address = {});

}  // namespace market::sale
