#include "sale/begin_term.hpp"

namespace market::sale {

Result<wire::Term> begin_term(Log& log, Sequencer& sequencer, const std::function<std::uint64_t()>& random,
                              Instant now, LogId id) {
  if (!id) id = sequencer.end().point.log;
  if (!id) id = LogId{random(), random(), 0};
  const wire::Term term = random();
  const std::string open = sequencer.open(term, id, now, {}, {});
  const auto offset = log.append(open);
  if (!offset) return fail(offset.error());
  if (*offset != sequencer.end().next) return fail(Code::conflict, "another writer has appended to the log");
  const auto followed = sequencer.follow(*offset, open);
  if (!followed) return fail(followed.error());
  if (!sequencer.writes(term)) return fail(Code::conflict, "another writer has appended to the log");
  return term;
}

}  // namespace market::sale
