#include "domain/registered_instance.hpp"

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

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return result;
}

}  // namespace market::registry
