#pragma once
/// A service's side of Eureka: registers the services of this process, renews them, keeps the list of all
/// others. Needs no registry to start, and keeps the last known list while none answers.
///
///   RegistryClient client(settings, clock);
///   client.start();                      // a thread of its own
///   client.services()->services.find("product");
///   client.leave();                      // on SIGTERM, before draining; bounded in time

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "adapters/eureka/known_instances.hpp"
#include "base/task_group.hpp"
#include "http/client/client.hpp"

namespace market::eureka {

struct RegistryClientSettings {
  std::vector<http::BaseUrl> registries;  ///< Tried in this order.
  std::vector<std::string> services;      ///< What this process is; may be empty: then it only looks.
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string zone;
  http::AllowedAddresses allowed;  ///< Where others may be.
  Millis renewal_interval{30'000}, lease{90'000}, fetch_interval{30'000};
};

class RegistryClient final : public Discovery {
 public:
  RegistryClient(RegistryClientSettings settings, const Clock& clock);
  ~RegistryClient() override;

  std::shared_ptr<const ServiceList> services() const override { return known_.list(); }
  void start();
  /// The settings were read again: registers anew where its zone has changed. Any thread.
  void apply(std::string zone, http::AllowedAddresses allowed);
  /// Until the first list is there or every registry was asked in vain, at most `most` long: whoever
  /// forwards requests is not ready before.
  void wait_for_list(Millis most);
  /// OUT_OF_SERVICE, so that nobody new comes. Returns when the registry knows, at most after `most`.
  void withdraw(Millis most = Millis(2'000));
  /// Cancels every instance; nothing is renewed from here on. At most `most` long.
  void leave(Millis most = Millis(2'000));

  struct State {
    bool registered = false, reached = false, pushed = false;
    std::uint64_t renewals = 0, errors = 0;
    std::string registry, trouble;
  };
  State state() const;
  bool has_registry() const { return !settings_.registries.empty(); }

 private:
  struct Mine {
    registry::RegisteredInstance instance;
    bool registered = false;
    bool known_before = false;  ///< This process has registered it at least once.
  };
  asio::awaitable<void> keep_registered();
  asio::awaitable<void> keep_list();
  asio::awaitable<void> leave_all();
  asio::awaitable<void> withdraw_all();
  asio::awaitable<void> wait_for_renewals();
  Task<> return_to_service(const registry::RegisteredInstance& instance);
  Task<> enroll(Mine& mine);
  Task<> renew(Mine& mine);
  Task<> fetch();
  Task<> fetch_whole();
  Task<> listen(std::size_t index);
  /// To the registry in use; to the next ones when it cannot be reached.
  Task<http::ClientReply> send(http::ClientRequest request);
  void take_events(std::string_view piece);
  void note_asked();
  void note_reached(std::size_t index);
  /// Counts it, logs the first, and gives it back to be answered with.
  tl::unexpected<Error> trouble(Error error);
  template <class Work>
  void run_bounded(Work work, Millis most);

  RegistryClientSettings settings_;
  const Clock& clock_;
  KnownInstances known_;
  TaskGroup tasks_{"speaking with the registry"};
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::unique_ptr<http::Client>> registries_;
  std::vector<Mine> mine_;
  std::size_t current_ = 0;
  bool leaving_ = false, renewing_ = false;
  std::string events_;  ///< Of the stream, not yet whole.
  asio::steady_timer renew_timer_, fetch_timer_;
  std::atomic<bool> pushed_{false};
  mutable std::mutex state_mutex_;
  std::condition_variable asked_;
  bool asked_once_ = false;
  State state_;
  std::thread thread_;
};

}  // namespace market::eureka
