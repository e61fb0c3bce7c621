#pragma once
/// Posts what waits to the webhooks, to each on its own: one delivery at a time, with back-off, until it was
/// taken or has failed too often. One that is slow or gone holds up no other.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>

#include "base/failpoint.hpp"
#include "base/task_group.hpp"
#include "ports/random_source.hpp"
#include "ports/webhook_sender.hpp"
#include "ports/webhooks.hpp"

namespace market::order {

struct WebhookLimits {
  /// Of several instances with the same webhooks only one may send; none: this is the only one.
  std::function<bool()> may_send{};
  int attempts_max = 15;  ///< Then a delivery has failed: six hours and a half, with the default wait.
  Millis retry_wait{5'000}, retry_wait_max{3'600'000};
  Millis pause{500}, pause_max{60'000};  ///< Of a webhook whose last delivery failed.
  Millis look_every{1'000};
  Failpoint failpoint{};  ///< For tests alone.
};

/// Numbers for /metrics; any thread.
struct WebhookCounters {
  std::atomic<std::uint64_t> delivered{0}, retried{0}, failed{0};
};

/// Lives on one executor that runs on one thread.
class SendWebhooks {
 public:
  SendWebhooks(Webhooks& webhooks, WebhookSender& sender, RandomSource& random, const Clock& clock,
               asio::any_io_executor executor, std::function<void(const std::string&)> warn,
               WebhookLimits limits = {});
  void start();
  /// Any thread: there is something to send.
  void poke();
  /// Any thread but its own. False: a post was still under way after `longest`.
  bool stop(Millis longest = Millis(5'000));
  const WebhookCounters& counters() const { return counters_; }

 private:
  struct Lane {
    bool busy = false;
    int failures = 0;  ///< In a row.
    Instant not_before{};
  };
  asio::awaitable<void> run();
  asio::awaitable<void> work();
  asio::awaitable<void> deliver(Delivery delivery);
  Task<WebhookAnswer> post_delivery(const Delivery& delivery);
  Task<> note(const Delivery& delivery, const WebhookAnswer& answer);
  Millis jittered(Millis wait);

  Webhooks& webhooks_;
  WebhookSender& sender_;
  RandomSource& random_;
  const Clock& clock_;
  asio::any_io_executor executor_;
  const std::function<void(const std::string&)> warn_;
  const WebhookLimits limits_;
  WebhookCounters counters_;
  std::map<WebhookId, Lane> lanes_;
  asio::steady_timer timer_;
  std::atomic<bool> stopped_{false}, poked_{false};
  TaskGroup tasks_{"a webhook"};
};

}  // namespace market::order
