#pragma once
/// Which services there are, as the registry told this process: for the operators' console.

#include <string>

#include "ports/discovery.hpp"

namespace market::platform {

struct RegistryView {
  std::string url;  ///< Without credentials; empty: none has answered yet.
  bool reached = false, registered = false, pushed = false;
  std::string trouble;  ///< Why it was not reached, when it was not.
};

/// One JSON object. `registry` is null for a process that is in none.
std::string service_view(const RegistryView* registry, const ServiceList& list);

}  // namespace market::platform
