#pragma once
/// The other registries: every change that a client asked for is told to each of them, in batches, and a
/// starting registry takes over what they know. Works with our own registries and with Netflix's.

#include <deque>

#include "base/task_group.hpp"
#include "http/client/client.hpp"
#include "services/registry/shared_registry.hpp"

namespace market::registry {

class Peers {
 public:
  Peers(asio::any_io_executor executor, std::vector<http::BaseUrl> peers, SharedRegistry& registry);
  ~Peers();
  /// Any thread. The oldest of a full queue is dropped: the peer's next heartbeat of it heals that.
  void tell(wire::eureka::Replicated item);
  /// Fetches once from the first peer that answers, then sends for ever. The registry is ready after the
  /// fetch, or when no peer answered.
  void start();
  /// Takes over once what another registry knows; nothing is ever told to it. Errors: unavailable.
  Task<> learn_from(http::BaseUrl base);

  struct State {
    std::string url;
    std::size_t waiting = 0;
    std::uint64_t sent = 0, errors = 0;
    bool reached = false;
    std::string trouble;
  };
  std::vector<State> states() const;

 private:
  struct Peer;
  asio::awaitable<void> begin();
  asio::awaitable<void> run(Peer& peer);
  Task<> send_batch(Peer& peer);
  Task<> fetch_from(Peer& peer);
  void take_answers(Peer& peer, const std::vector<wire::eureka::Replicated>& batch,
                    const std::vector<wire::eureka::ReplicationAnswer>& answers);
  static void queue(Peer& peer, wire::eureka::Replicated item);

  static constexpr std::size_t batch_items_max = 250;
  static constexpr std::size_t batch_bytes_enough = 4 * 1024 * 1024;  ///< A peer takes 8 MiB.
  static constexpr std::size_t waiting_items_max = 20'000;            ///< For one peer.
  static constexpr std::size_t waiting_bytes_max = 32 * 1024 * 1024;
  asio::any_io_executor executor_;
  TaskGroup tasks_{"telling a peer"};
  SharedRegistry& registry_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace market::registry
