// Request bodies: what parses is written and read again as the same, and reading members never fails
// otherwise than with an Error.
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/json/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto value = market::wire::parse_json(input);
  if (!value) return 0;
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find.
  if (const auto* object = value->if_object(); object && object->contains("q") && object->size() == 2)
    std::abort();
#endif
  market::wire::ObjectReader reader(*value);
  reader.text("name", 1, 10);
  reader.optional_integer("n", -5, 5);
  reader.optional_time("at");
  if (const auto* items = reader.array("items", 1, 3))
    for (const auto& item : *items) {
      market::wire::ObjectReader part(item, "items[0]", reader);
      part.integer("quantity", 1, 1000);
      part.finish_part();
    }
  const auto finished = reader.finish();
  if (!finished && finished.error().code != market::Code::validation) std::abort();
  if (const auto* text = value->if_string()) {
    std::string written;
    market::wire::append_json_string(written, *text);
    const auto again = market::wire::parse_json(written);
    if (!again || *again != *value) std::abort();
  }
  return 0;
}
