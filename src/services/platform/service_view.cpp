#include "services/platform/service_view.hpp"

#include <array>

#include "wire/json/json_writer.hpp"

namespace market::platform {
namespace {

std::string_view text_of(InstanceStatus status) {
  constexpr std::array<std::string_view, 5> names{"UP", "DOWN", "STARTING", "OUT_OF_SERVICE", "UNKNOWN"};
  return names[static_cast<std::size_t>(status)];
}

}  // namespace

std::string service_view(const RegistryView* registry, const ServiceList& list) {
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().key("registry");
  if (registry) {
    json.begin_object().member("url", registry->url).member("reached", registry->reached);
    json.member("registered", registry->registered).member("pushed", registry->pushed);
    json.member("trouble", registry->trouble).end_object();
  } else {
    json.null();
  }
  json.key("items").begin_array();
  for (const auto& [service, instances] : list.services)
    for (const ServiceInstance& each : instances) {
      json.begin_object().member("service", service).member("id", each.id).member("host", each.host);
      json.member("port", each.port).member("zone", each.zone);
      json.member("status", text_of(each.status)).end_object();
    }
  json.end_array().key("leftOut").begin_array();
  for (const std::string& each : list.left_out) json.value(each);
  json.end_array().end_object();
  return body;
}

}  // namespace market::platform
