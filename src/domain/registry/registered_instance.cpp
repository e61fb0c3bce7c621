#include "domain/registry/registered_instance.hpp"

#include <algorithm>

namespace market::registry {

std::string_view name_of(Status status) {
  switch (status) {
    case Status::up:
      return "UP";
    case Status::down:
      return "DOWN";
    case Status::starting:
      return "STARTING";
    case Status::out_of_service:
      return "OUT_OF_SERVICE";
    case Status::unknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

std::optional<Status> parse_status(std::string_view name) {
  for (const Status status :
       {Status::up, Status::down, Status::starting, Status::out_of_service, Status::unknown})
    if (name == name_of(status)) return status;
  return std::nullopt;
}

std::string_view name_of(Action action) {
  switch (action) {
    case Action::added:
      return "ADDED";
    case Action::modified:
      return "MODIFIED";
    case Action::deleted:
      return "DELETED";
  }
  return "MODIFIED";
}

namespace {

/// `&` is five bytes in XML, a quote or a line break two in JSON.
std::size_t cost_of_text(std::string_view text) {
  const auto is_escaped = [](char c) {
    return c == '&' || c == '<' || c == '>' || c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
  };
  return text.size() + 4 * static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_escaped));
}

std::size_t cost_of_entries(const Metadata& metadata) {
  constexpr std::size_t entry_bytes = 160;  // A node of the map, and the marks around it in an answer.
  std::size_t cost = 0;
  // XML writes a key twice.
  for (const auto& [key, value] : metadata) cost += entry_bytes + 2 * key.size() + cost_of_text(value);
  return cost;
}

}  // namespace

const std::string& RegisteredInstance::key() const {
  if (id && !id->empty()) return *id;
  if (data_center.java_class == DataCenter::amazon_class && data_center.metadata)
    if (const auto found = data_center.metadata->find("instance-id");
        found != data_center.metadata->end() && !found->second.empty())
      return found->second;
  return host;
}

Result<> check_metadata(const Metadata& metadata) {
  if (metadata.size() > metadata_entries_max)
    return fail(Code::payload_too_large, "metadata has more than " + std::to_string(metadata_entries_max) +
                                             " entries (metadata_entries_max)");
  std::size_t bytes = 0;
  for (const auto& [key, value] : metadata) bytes += key.size() + value.size();
  if (bytes > metadata_bytes_max)
    return fail(Code::payload_too_large, "metadata has " + std::to_string(bytes) + " bytes, more than " +
                                             std::to_string(metadata_bytes_max) + " (metadata_bytes_max)");
  return {};
}

std::size_t cost_of(const RegisteredInstance& instance) {
  constexpr std::size_t fixed_bytes = 2048;  // The object, its lease, its place in a delta; names of members.
  std::size_t cost = fixed_bytes + cost_of_text(instance.host) + cost_of_text(instance.app) +
                     cost_of_text(instance.ip) + cost_of_entries(instance.metadata);
  for (const auto* text : {&instance.id, &instance.sid, &instance.app_group, &instance.asg,
                           &instance.home_page_url, &instance.status_page_url, &instance.health_check_url,
                           &instance.secure_health_check_url, &instance.vip, &instance.secure_vip})
    if (*text) cost += cost_of_text(**text);
  if (instance.data_center.metadata) cost += cost_of_entries(*instance.data_center.metadata);
  return cost;
}

std::string zone_of(const RegisteredInstance& instance) {
  if (const auto zone = instance.metadata.find("zone"); zone != instance.metadata.end()) return zone->second;
  if (!instance.data_center.metadata) return {};
  const auto zone = instance.data_center.metadata->find("availability-zone");
  return zone == instance.data_center.metadata->end() ? std::string() : zone->second;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return result;
}

}  // namespace market::registry
