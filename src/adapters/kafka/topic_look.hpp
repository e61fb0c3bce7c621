#pragma once
/// A look at a topic that may have been deleted.

#include <string>

#include "adapters/kafka/client_settings.hpp"

namespace market::kafka {

/// Throws std::runtime_error when Kafka cannot be asked.
bool topic_is_there(const Connection& connection, const std::string& name);

}  // namespace market::kafka
