#pragma once
/// The records of the log, format 2, the same in every store:
///
///   format (1 byte) · kind (1 byte) · head · events · XXH3 of all before (8 bytes)
///
/// Open: log id, generation, after, nonce, clock, instance, address. Group: term, first, count, flags,
/// events. A head can be read without the events. Readers know format n+1 before writers use it:
/// `format_readable_max`.

#include <string>
#include <variant>

#include "domain/sale/event.hpp"

namespace market::wire {

inline constexpr std::uint8_t record_format = 2;
inline constexpr std::uint8_t record_format_readable_max = 2;

/// A writer's random nonce, once its Open counts; 0 is before the first.
using Term = std::uint64_t;

struct Open {
  LogId log;
  Term after = 0, nonce = 0;
  Instant clock{};
  std::string instance, address;  ///< Of the writer; empty where there is one process alone.
  friend bool operator==(const Open&, const Open&) = default;
};
struct GroupHead {
  Term term = 0;
  Place first = 0;
  std::uint32_t count = 0;
  bool has_product_events = false;
};
/// A group with its events still in bytes.
struct Group {
  GroupHead head;
  std::string_view events;
};
using Record = std::variant<Open, Group>;

std::string encode_open(const Open& open);

/// Writes one Group, event by event, so that its size is known while it grows. Keeps its memory.
class GroupWriter {
 public:
  void begin(Term term, Place first);
  void add(const Event& event);
  std::size_t bytes() const { return bytes_.size(); }
  std::uint32_t count() const { return count_; }
  /// The whole record; valid until begin().
  std::string_view finish();

 private:
  std::string bytes_;
  std::uint32_t count_ = 0;
  bool has_product_events_ = false;
};

/// Views into `bytes`. Errors: internal, in words: no record of a format that this program knows, or damaged.
Result<Record> decode_record(std::string_view bytes);
/// Errors: internal.
Result<std::vector<CountedEvent>> decode_events(const Group& group);

/// Whether these are the bytes of a record at all, of whatever format: they end with their checksum. What is
/// not whole was written by no version of this program.
bool is_whole(std::string_view bytes);

/// The checksum at a record's end; equal records have the same.
std::uint64_t record_checksum(std::string_view bytes);

}  // namespace market::wire
