// Snapshots of the sequencer: the store's checksum keeps damage away from them; whatever comes all the same
// must be refused or give a sequencer that can be used, copied again to the same state, and never crash.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sale/snapshot.hpp"

namespace {
using namespace market;
using namespace market::sale;
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  auto decoded = decode_snapshot(input);
  if (!decoded) {
    if (decoded.error().code != Code::internal) std::abort();
    return 0;
  }
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find.
  const SaleState& state = decoded->memory.state;
  if (state.orders.size() > 0 && state.numbers.oversell_prevented != 0) std::abort();
#endif
  const std::uint64_t hash = state_hash(decoded->memory.state);
  static KeyFilter keys;
  Sequencer sequencer({}, keys);
  sequencer.restore(std::move(decoded->memory));
  if (state_hash(sequencer.state()) != hash) std::abort();
  SnapshotCopy copy(sequencer);
  if (!copy.step([] { return true; })) std::abort();
  const std::string bytes = copy.take_bytes();
  const auto again = decode_snapshot(bytes);
  if (!again || state_hash(again->memory.state) != hash) std::abort();
  sequencer.forget(sequencer.end().point.last);
  return 0;
}
