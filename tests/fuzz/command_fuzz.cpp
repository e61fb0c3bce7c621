// What instances say to each other through the internal door: whatever the bytes are, nothing crashes; what
// is taken is within its bounds, and written again it is read as the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/events/command_codec.hpp"

namespace {
using namespace market;
using namespace market::wire;

void check_commands(const CommandMessage& message) {
  if (message.commands.size() > message_commands_max) std::abort();
  std::uint64_t last = 0;
  for (const Command& command : message.commands) {
    if (command.id.number <= last) std::abort();
    last = command.id.number;
#ifdef MARKET_FUZZ_CANARY
    // A planted bug that the fuzzer must find.
    if (std::holds_alternative<CancelOrder>(command.body) && command.copy.number > 1) std::abort();
#endif
  }
}

std::string encoded(const DoorMessage& message) {
  return std::visit([](const auto& one) { return encode_message(one); }, message);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = decode_message({reinterpret_cast<const char*>(data), size});
  if (!message) {
    if (message.error().code != Code::internal) std::abort();
    return 0;
  }
  if (const auto* commands = std::get_if<CommandMessage>(&*message)) check_commands(*commands);
  const std::string bytes = encoded(*message);
  const auto again = decode_message(bytes);
  if (!again || encoded(*again) != bytes) std::abort();
  return 0;
}
