#pragma once
/// Reads a log from its start by the log's rule, for tools that keep no state of their own.

#include "ports/log.hpp"
#include "sale/log_rule.hpp"

namespace market::sale {

/// Calls `each` with the events of every group that counts, in order, until it answers false. Answers the
/// point behind the last record that was read. Errors: the log's; internal: a record cannot be read (says
/// where).
Result<LogRule::Point> read_counted(Log& log, const std::function<bool(const CountedEvents&)>& each);

}  // namespace market::sale
