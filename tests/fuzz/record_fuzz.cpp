// Records of the log: whatever the bytes are, nothing crashes; what is taken is written again as the same
// events. The input is tried as it is, and as a body that gets a right checksum, so that the fuzzer comes
// behind it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/checksum.hpp"
#include "wire/events/bytes.hpp"
#include "wire/events/record_codec.hpp"

namespace {
using namespace market;
using namespace market::wire;

void check_group(const Group& group) {
  const auto events = decode_events(group);
  if (!events) {
    if (events.error().code != Code::internal) std::abort();
    return;
  }
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find.
  if (group.head.has_product_events && std::holds_alternative<Barrier>(events->front().event.fact))
    std::abort();
#endif
  // Written and read again it is the same (numbers may have been written in more bytes than they need).
  GroupWriter writer;
  writer.begin(group.head.term, group.head.first);
  for (const CountedEvent& counted : *events) writer.add(counted.event);
  const auto again = decode_record(writer.finish());
  if (!again) std::abort();
  const auto read = decode_events(std::get<Group>(*again));
  if (!read || *read != *events) std::abort();
}

void check_record(std::string_view bytes) {
  const auto record = decode_record(bytes);
  if (!record) {
    if (record.error().code != Code::internal) std::abort();
    return;
  }
  if (const auto* group = std::get_if<Group>(&*record)) return check_group(*group);
  const auto again = decode_record(encode_open(std::get<Open>(*record)));
  if (!again || std::get<Open>(*again) != std::get<Open>(*record)) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_record(input);
  std::string sealed(input);
  ByteWriter(sealed).fixed64(checksum(sealed));
  check_record(sealed);
  return 0;
}
