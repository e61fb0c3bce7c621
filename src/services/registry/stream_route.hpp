#pragma once
/// GET /eureka/stream: a `list` event with everything, then one `change` event for each change. Our own
/// services learn of a change in milliseconds; Java clients go on polling.

#include "services/registry/door.hpp"

namespace market::registry {

Task<http::Reply> open_stream(std::shared_ptr<const RegistryDoors> doors);

}  // namespace market::registry
