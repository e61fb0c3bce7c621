#include "sale/begin_term.hpp"

namespace market::sale {

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
