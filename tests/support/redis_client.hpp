#pragma once
/// A client of a RedisServer of the test's own.

#include <memory>
#include <stdexcept>

#include "adapters/redis/client.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/wait.hpp"

namespace market::tests {

inline redis::ClientSettings settings_for(std::uint16_t port) {
  redis::ClientSettings settings;
  settings.servers = {{"127.0.0.1", port}};
  return settings;
}

inline std::unique_ptr<redis::Client> connected_client(std::uint16_t port) {
  auto client = std::make_unique<redis::Client>(settings_for(port));
  client->start();
  if (!wait([&] { return client->connected(); }, Millis(3'000))) throw std::runtime_error(client->state());
  return client;
}

inline Result<redis::Reply> ask(redis::Client& client, redis::Words words) {
  return run(client.call(std::move(words)));
}

}  // namespace market::tests
