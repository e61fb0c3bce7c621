#include "sale/begin_term.hpp"

#include <algorithm>

namespace market::sale {

LogId id_of_next_term(LogId log, LogId records_of) {
  if (records_of.is_same_log(log)) log.generation = std::max(log.generation, records_of.generation);
  return log;
}

LogId id_behind_restore(LogId log, Instant now) {
  const auto seconds = static_cast<std::uint32_t>(now.time_since_epoch() / std::chrono::seconds(1));
  log.generation = std::max(log.generation + 1, seconds);
  return log;
}

Result<> begin_term(Log& log, Sequencer& sequencer, wire::Term term, LogId id, Instant now,
                    const std::string& address) {
  const std::string open = sequencer.open(term, id, now, {}, address);
  const auto offset = log.append(open);
  if (!offset) return fail(offset.error());
  if (*offset != sequencer.end().next) return fail(Code::conflict, "another writer has appended to the log");
  const auto followed = sequencer.follow(*offset, open);
  if (!followed) return fail(followed.error());
  if (!sequencer.writes(term)) return fail(Code::conflict, "another writer has appended to the log");
  return {};
}

}  // namespace market::sale
