#include "sale/log_reader.hpp"

#include <fmt/format.h>

namespace market::sale {

Result<CountedEvents> judge(LogRule& rule, std::string_view record, bool foreign_ignored) {
  if (foreign_ignored && !wire::is_whole(record)) return nullptr;
  const auto decoded = wire::decode_record(record);
  if (!decoded) return fail(decoded.error());
  if (const auto* open = std::get_if<wire::Open>(&*decoded)) {
    rule.judge(*open);
    return nullptr;
  }
  const auto& group = std::get<wire::Group>(*decoded);
  if (!rule.judge(group.head)) return nullptr;
  auto events = wire::decode_events(group);
  if (!events) return fail(events.error());
  return std::make_shared<const std::vector<CountedEvent>>(std::move(*events));
}

namespace {

Error at_offset(Offset offset, const Error& error) {
  return Error(Code::internal, fmt::format("the record at offset {}: {}", offset, error.detail));
}

}  // namespace

Result<> follow_to_end(Log& log, Sequencer& sequencer,
                       const std::function<void(const CountedEvents&)>& each) {
  Result<> followed;
  const auto read = log.read(sequencer.end().next, [&](Offset offset, std::string_view record) {
    const auto one = sequencer.follow(offset, record);
    if (!one) followed = fail(at_offset(offset, one.error()));
    if (one && one->events && each) each(one->events);
    return followed.has_value();
  });
  return read ? followed : read;
}

Result<> holds_what_was_followed(Log& log, const Sequencer& sequencer) {
  const LogEnd& end = sequencer.end();
  if (end.next == 1) return {};
  bool same = false;
  const auto read = log.read(end.next - 1, [&](Offset offset, std::string_view record) {
    same = offset == end.next - 1 && wire::record_checksum(record) == end.checksum;
    return false;
  });
  if (!read) return read;
  if (same) return {};
  return fail(Code::internal,
              fmt::format("the log does not hold the record at offset {} that was followed: it "
                          "was cut, restored or made anew",
                          end.next - 1));
}

Result<LogRule::Point> read_counted(Log& log, const std::function<bool(const CountedEvents&)>& each,
                                    bool foreign_ignored) {
  LogRule rule;
  std::optional<Error> wrong;
  const auto read = log.read(1, [&](Offset offset, std::string_view record) {
    const auto events = judge(rule, record, foreign_ignored);
    if (!events) {
      wrong.emplace(Code::internal,
                    fmt::format("the record at offset {}: {}", offset, events.error().detail));
      return false;
    }
    return !*events || each(*events);
  });
  if (!read) return fail(read.error());
  if (wrong) return fail(*wrong);
  return rule.at();
}

Result<LogId> newest_id(Log& log) {
  LogRule rule;
  const auto read = log.read(1, [&](Offset, std::string_view record) {
    if (!wire::is_whole(record)) return true;
    const auto decoded = wire::decode_record(record);
    if (!decoded) return true;  // Whoever reads what it says is told.
    if (const auto* open = std::get_if<wire::Open>(&*decoded))
      rule.judge(*open);
    else
      rule.judge(std::get<wire::Group>(*decoded).head);
    return true;
  });
  if (!read) return fail(read.error());
  return rule.at().log;
}

}  // namespace market::sale
