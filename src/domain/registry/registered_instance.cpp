#include "domain/registry/registered_instance.hpp"

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

Result<> check_metadata(const std::map<std::string, std::string>& metadata) {
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

std::string zone_of(const Instance& instance) {
  if (const auto zone = instance.metadata.find("zone"); zone != instance.metadata.end()) return zone->second;
  const auto zone = instance.data_center_metadata.find("availability-zone");
  return zone == instance.data_center_metadata.end() ? std::string() : zone->second;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return result;
}

}  // namespace market::registry
