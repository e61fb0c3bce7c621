#pragma once
/// Reading a log by its rule: with a sequencer that follows it, or for tools that keep no state.

#include "sale/sequencer.hpp"

namespace market::sale {

/// Follows the log from where the sequencer is to its end; `each` is told of the events of every group that
/// counts. Errors: the log's; internal: a record cannot be followed (says where).
Result<> follow_to_end(Log& log, Sequencer& sequencer, const std::function<void(const CountedEvents&)>& each);

/// Whether the record before the sequencer's end is still the one that it followed: a log that was cut,
/// restored or made anew is another. Errors: the log's; internal: it is not (says where).
Result<> holds_what_was_followed(Log& log, const Sequencer& sequencer);

/// The events of the record when it is a group that counts; null otherwise. Errors: internal: it counts, or
/// may count, and cannot be read. `foreign_ignored`: bytes that are no whole record are somebody else's.
Result<CountedEvents> judge(LogRule& rule, std::string_view record, bool foreign_ignored = false);

/// Calls `each` with the events of every group that counts, from the log's start, in order, until it answers
/// false. Answers the point behind the last record that was read. Errors: the log's; internal: a record
/// cannot be read (says where).
Result<LogRule::Point> read_counted(Log& log, const std::function<bool(const CountedEvents&)>& each,
                                    bool foreign_ignored = false);

/// Which log it is now: its `Open`s may raise the generation. None: nobody has ever written it. What cannot
/// be read is passed over. Errors: the log's.
Result<LogId> newest_id(Log& log);

}  // namespace market::sale
