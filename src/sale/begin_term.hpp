#pragma once
/// The one way to become the writer of a log.

#include <functional>

#include "sale/sequencer.hpp"

namespace market::sale {

/// Appends an `Open` with a fresh term behind what `sequencer` has followed, and follows it: from then on it
/// may write. A log without an id gets one; `id` gives it another (a raised generation). Errors: the log's;
/// conflict: another writer has appended to it.
Result<wire::Term> begin_term(Log& log, Sequencer& sequencer, const std::function<std::uint64_t()>& random,
                              Instant now, LogId id = {});

}  // namespace market::sale
