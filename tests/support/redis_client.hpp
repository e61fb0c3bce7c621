#pragma once
/// A client of a RedisServer of the test's own.

#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

#include "adapters/redis/client.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run_task.hpp"

namespace market::tests {

template <class Condition>
bool within(Millis longest, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + longest;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(Millis(5));
  }
  return true;
}

inline redis::ClientSettings settings_for(std::uint16_t port) {
  redis::ClientSettings settings;
  settings.servers = {{"127.0.0.1", port}};
  return settings;
}

inline std::unique_ptr<redis::Client> connected_client(std::uint16_t port) {
  auto client = std::make_unique<redis::Client>(settings_for(port));
  client->start();
  if (!within(Millis(3'000), [&] { return client->connected(); })) throw std::runtime_error(client->state());
  return client;
}

inline Result<redis::Reply> ask(redis::Client& client, redis::Words words) {
  return run(client.call(std::move(words)));
}

}  // namespace market::tests
