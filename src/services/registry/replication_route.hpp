#pragma once
/// POST peerreplication/batch/: what another registry tells.

#include "services/registry/door.hpp"

namespace market::registry {

Task<http::Reply> take_batch(std::shared_ptr<const RegistryDoors> doors, const http::Request& request);

}  // namespace market::registry
