#include "wire/events/record_codec.hpp"

#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "base/checksum.hpp"
#include "wire/events/event_codec.hpp"

namespace market::wire {
namespace {

enum class Kind : std::uint8_t { open = 1, group = 2 };
constexpr std::size_t checksum_bytes = 8, event_bytes_min = 3;
constexpr std::uint64_t product_events = std::uint64_t{1} << 32;  // Beside the count, in its upper half.
constexpr std::size_t count_at = 2 + 8 + 8;

void begin(ByteWriter& out, Kind kind) {
  out.byte(record_format);
  out.byte(static_cast<std::uint8_t>(kind));
}

Record read_open(ByteReader& in) {
  Open open;
  open.log.hi = in.fixed64();
  open.log.lo = in.fixed64();
  const std::uint64_t generation = in.unsigned_integer();
  if (generation > std::numeric_limits<std::uint32_t>::max()) in.refuse();
  open.log.generation = static_cast<std::uint32_t>(generation);
  open.after = in.fixed64();
  open.nonce = in.fixed64();
  open.clock = Instant(Millis(in.integer()));
  open.instance = in.text();
  open.address = in.text();
  return open;
}

Record read_group(ByteReader& in) {
  Group group;
  group.head.term = in.fixed64();
  group.head.first = static_cast<Place>(in.fixed64());
  const std::uint64_t counted = in.fixed64();
  group.head.has_product_events = (counted & product_events) != 0;
  group.head.count = static_cast<std::uint32_t>(counted);
  if (counted > (product_events | std::numeric_limits<std::uint32_t>::max())) in.refuse();
  if (group.head.count > in.left() / event_bytes_min) in.refuse();  // Never room for more than there are.
  group.events = in.rest();
  return group;
}

}  // namespace

std::string encode_open(const Open& open) {
  std::string bytes;
  ByteWriter out(bytes);
  begin(out, Kind::open);
  out.fixed64(open.log.hi);
  out.fixed64(open.log.lo);
  out.unsigned_integer(open.log.generation);
  out.fixed64(open.after);
  out.fixed64(open.nonce);
  out.integer(open.clock.time_since_epoch().count());
  out.text(open.instance);
  out.text(open.address);
  out.fixed64(checksum(bytes));
  return bytes;
}

void GroupWriter::begin(Term term, Place first) {
  bytes_.clear();
  count_ = 0;
  has_product_events_ = false;
  ByteWriter out(bytes_);
  market::wire::begin(out, Kind::group);
  out.fixed64(term);
  out.fixed64(static_cast<std::uint64_t>(first));
  out.fixed64(0);  // Count and flags: finish() knows them.
}

void GroupWriter::add(const Event& event) {
  ByteWriter out(bytes_);
  encode_event(out, event);
  has_product_events_ = has_product_events_ || product_of(event.fact);
  ++count_;
}

std::string_view GroupWriter::finish() {
  const std::uint64_t counted = count_ | (has_product_events_ ? product_events : 0);
  std::memcpy(bytes_.data() + count_at, &counted, sizeof counted);
  ByteWriter(bytes_).fixed64(checksum(bytes_));
  return bytes_;
}

Result<Record> decode_record(std::string_view bytes) {
  if (bytes.size() < checksum_bytes + 2) return fail(Code::internal, "the record is cut off");
  const std::string_view body = bytes.substr(0, bytes.size() - checksum_bytes);
  // The format first: what a later one has at the end is not known here.
  ByteReader in(body);
  const std::uint8_t format = in.byte();
  if (format < record_format || format > record_format_readable_max)
    return fail(Code::internal, fmt::format("the record has format {}, this program reads {} to {}", format,
                                            record_format, record_format_readable_max));
  if (record_checksum(bytes) != checksum(body)) return fail(Code::internal, "the record's checksum is wrong");
  const auto kind = static_cast<Kind>(in.byte());
  if (kind != Kind::open && kind != Kind::group) return fail(Code::internal, "a record of unknown kind");
  Record record = kind == Kind::open ? read_open(in) : read_group(in);
  if (in.broken()) return fail(Code::internal, "the record's head is cut off");
  return record;
}

Result<std::vector<CountedEvent>> decode_events(const Group& group) {
  if (group.head.first < 1 || group.head.first > std::numeric_limits<Place>::max() - group.head.count)
    return fail(Code::internal, "the record's places are none");
  std::vector<CountedEvent> events(group.head.count);
  ByteReader in(group.events);
  Place place = group.head.first;
  bool any_of_product = false;
  for (CountedEvent& counted : events) {
    counted.place = place++;
    if (!decode_event(in, counted.event)) return fail(Code::internal, "an event cannot be read");
    any_of_product = any_of_product || product_of(counted.event.fact);
  }
  if (in.broken() || !in.at_end()) return fail(Code::internal, "the record does not end where it should");
  if (any_of_product != group.head.has_product_events)
    return fail(Code::internal, "the record's head says otherwise of product events");
  return events;
}

bool is_whole(std::string_view bytes) {
  return bytes.size() >= checksum_bytes + 2 &&
         record_checksum(bytes) == checksum(bytes.substr(0, bytes.size() - checksum_bytes));
}

std::uint64_t record_checksum(std::string_view bytes) {
  std::uint64_t stored = 0;
  if (bytes.size() >= sizeof stored)
    std::memcpy(&stored, bytes.data() + bytes.size() - sizeof stored, sizeof stored);
  return stored;
}

}  // namespace market::wire
