#pragma once
/// A Redis that may be away at any time: one connection to the master, kept up by a thread of its own.
/// Commands of one turn leave in one write, and answers are matched in order. Whoever asks is answered within
/// the timeout, at once while there is no connection; nobody waits for one.
///
///   Client redis(settings);
///   redis.start();
///   const auto reply = co_await redis.call({"GET", "market:greeting"});
///
/// A command that is not answered in time ends its connection: what Redis does later it does unseen, so that
/// a failed call may have happened. The heartbeat asks for the server's role; a master that has become a
/// replica is left at once, and with Sentinel also one that Sentinel no longer calls the master.

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <mutex>
#include <thread>

#include "adapters/redis/connection.hpp"
#include "base/task_group.hpp"

namespace market::redis {

/// Lua that Redis runs as one step. Values come as keys and arguments, never as a part of the text. It
/// outlives the client.
class Script {
 public:
  explicit Script(std::string text);
  const std::string& text() const { return text_; }
  const std::string& sha1() const { return sha1_; }

 private:
  std::string text_, sha1_;
};

class Client {
 public:
  using Done = std::function<void(Result<Reply>)>;
  static constexpr std::size_t queue_bytes_max = 32u << 20;  ///< Of commands that wait.
  static constexpr Millis heartbeat{500};
  static constexpr Millis connect_time_max{1'000};  ///< Of one server: name, TCP, TLS, password, role.
  static constexpr Millis backoff_first{50}, backoff_max{500};

  /// For /metrics; any thread.
  struct Counters {
    std::atomic<std::uint64_t> answered{0}, refused{0}, failed{0}, away{0}, full{0};
    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::uint64_t> answer_microseconds{0};  ///< Of all that were answered or refused.
  };

  explicit Client(ClientSettings settings);
  ~Client() { stop(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  void start();
  /// What waits is answered `unavailable`. Twice is fine.
  void stop();

  /// Errors: overloaded (the queue is full: certainly not done), unavailable (no connection, or no answer in
  /// time: it may have happened), internal (Redis refuses: its words).
  Task<Reply> call(Words command);
  Task<Reply> run(const Script& script, Words keys, Words arguments);
  /// The same without waiting for it. `done`: on the client's thread, or at once on the caller's.
  void send(Words command, Done done);
  void send(const Script& script, Words keys, Words arguments, Done done);

  bool connected() const { return connected_.load(std::memory_order_acquire); }
  /// Rises with each connection: what Redis had may be gone since.
  std::uint64_t connection_number() const { return counters_.connections.load(std::memory_order_acquire); }
  /// Where the master is, or why there is none.
  std::string state() const;
  std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  const Counters& counters() const { return counters_; }
  const ClientSettings& settings() const { return settings_; }
  /// The client's own thread.
  asio::any_io_executor executor() { return io_.get_executor(); }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Pending {
    std::string bytes;
    Done done;
    SteadyTime sent;
  };

  // client.cpp
  asio::awaitable<void> write_all(ConnectionPtr connection);
  void flush();
  void answer(Pending& pending, Result<Reply> reply);
  void fail_all(const std::string& why);
  asio::awaitable<void> read_answers(ConnectionPtr connection);
  asio::awaitable<void> watch(ConnectionPtr connection);
  void beat(const ConnectionPtr& connection);

  // client_connect.cpp
  asio::awaitable<void> run_connections();
  asio::awaitable<ConnectionPtr> reach_master();
  Task<ConnectionPtr> reach(Address address, bool sentinel);
  Task<> greet(ConnectionPtr connection);
  Task<Address> ask_sentinels();
  Task<Address> ask_sentinel(Address sentinel);
  asio::awaitable<void> compare_with_sentinels(ConnectionPtr connection, Address master);
  asio::awaitable<void> rest(Millis longest);
  void say(std::string state, bool up);

  const ClientSettings settings_;
  const std::shared_ptr<asio::ssl::context> tls_;
  asio::io_context io_{1};
  Counters counters_;
  std::atomic<bool> connected_{false}, stopping_{false};
  std::atomic<std::size_t> waiting_{0}, waiting_bytes_{0};
  mutable std::mutex state_mutex_;
  std::string state_ = "not connected yet";

  std::mutex queue_mutex_;
  std::vector<Pending> queue_;  ///< Not taken by the client's thread yet.
  bool flush_posted_ = false, ended_ = false;

  // The client's thread only.
  asio::steady_timer pause_{io_};
  ConnectionPtr connection_;                     ///< The one that commands go to.
  std::vector<std::weak_ptr<Connection>> open_;  ///< All, also those that are only being tried.
  std::deque<Pending> in_flight_;
  std::string to_write_;
  bool writing_ = false;
  bool beating_ = false, comparing_ = false;
  Address master_;
  TaskGroup tasks_{"the connection to Redis"};
  std::thread thread_;
};

}  // namespace market::redis
