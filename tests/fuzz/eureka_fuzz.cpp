// Eureka's JSON and XML: what can be read as an instance is written and read again as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/eureka/eureka_xml.hpp"

namespace eureka = market::wire::eureka;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto from_json = eureka::parse_json_instance(input);
  const auto from_xml = eureka::parse_xml_instance(input);
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find.
  if (from_xml && from_xml->status != market::registry::Status::up) std::abort();
#endif
  for (const auto& instance : {from_json, from_xml}) {
    if (!instance) continue;
    const std::string text = eureka::json_instance(*instance, eureka::Detail::full);
    const auto again = eureka::parse_json_instance(text);
    // A text that is no UTF-8 can come by XML; JSON refuses it.
    if (!again && !from_xml) std::abort();
    if (again && eureka::json_instance(*again, eureka::Detail::full) != text) std::abort();
    std::string xml;
    eureka::append_xml(xml, *instance, eureka::Detail::compact);
    (void)eureka::parse_xml_instance(xml);
  }
  const auto list = eureka::parse_json_applications(input);
  const auto batch = eureka::parse_json_batch(input);
  if (batch) {
    const auto again = eureka::parse_json_batch(eureka::json_batch(*batch));
    if (!again || again->size() != batch->size()) std::abort();
  }
  return list && list->instances.size() > size ? 1 : 0;
}
