#include "services/order/send_webhooks.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/redirect_error.hpp>

#include "base/task_outlive.hpp"

namespace market::order {

SendWebhooks::SendWebhooks(Webhooks& webhooks, WebhookSender& sender, RandomSource& random,
                           const Clock& clock, asio::any_io_executor executor,
                           std::function<void(const std::string&)> warn, WebhookLimits limits)
    : webhooks_(webhooks),
      sender_(sender),
      random_(random),
      clock_(clock),
      executor_(executor),
      warn_(std::move(warn)),
      limits_(limits),
      timer_(executor) {}

void SendWebhooks::start() {
  tasks_.spawn(executor_, run());
}

void SendWebhooks::poke() {
  if (poked_.exchange(true)) return;
  asio::post(executor_, [this] { timer_.cancel(); });
}

bool SendWebhooks::stop(Millis longest) {
  stopped_.store(true);
  asio::post(executor_, [this] { timer_.cancel(); });
  sender_.stop();
  return tasks_.wait(longest);
}

asio::awaitable<void> SendWebhooks::run() {
  boost::system::error_code ignored;
  while (!stopped_.load()) {
    poked_.store(false);
    co_await work();
    if (stopped_.load()) co_return;
    timer_.expires_after(poked_.load() ? Millis(0) : limits_.look_every);
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

/// Begins one delivery of each webhook that is at rest.
asio::awaitable<void> SendWebhooks::work() {
  if (limits_.may_send && !limits_.may_send()) co_return;
  const Instant now = clock_.now();
  std::vector<WebhookId> busy;
  for (const auto& [id, lane] : lanes_)
    // Further ahead than any rest: the clock was set back meanwhile.
    if (lane.busy || (lane.not_before > now && lane.not_before - now <= limits_.pause_max))
      busy.push_back(id);
  auto due = co_await outlive("looking for webhooks", webhooks_.due(now, std::move(busy)));
  if (!due) co_return;  // The next look.
  for (Delivery& delivery : *due) {
    lanes_[delivery.webhook].busy = true;
    tasks_.spawn(executor_, deliver(std::move(delivery)));
  }
}

Task<WebhookAnswer> SendWebhooks::post_delivery(const Delivery& delivery) {
  const auto webhook = co_await webhooks_.find(delivery.webhook);
  if (!webhook) co_return fail(webhook.error());
  WebhookPost post;
  post.url = webhook->url;
  post.id = delivery.event_id;
  post.body = delivery.payload;
  post.at = clock_.now();
  post.seller = webhook->owner;
  post.secrets.push_back(webhook->secret);
  if (!webhook->previous_secret.empty() && post.at < webhook->previous_until)
    post.secrets.push_back(webhook->previous_secret);
  auto answer = co_await sender_.post_event(std::move(post));
  co_return answer;
}

Task<> SendWebhooks::note(const Delivery& delivery, const WebhookAnswer& answer) {
  const Instant now = clock_.now();
  if (answer.reason.empty()) {
    counters_.delivered.fetch_add(1);
    auto marked = co_await webhooks_.mark_delivered(delivery.id, now, answer.status);
    co_return marked;
  }
  const int attempts = delivery.attempts + 1;
  Millis wait = limits_.retry_wait;
  for (int i = 1; i < attempts && wait < limits_.retry_wait_max; ++i) wait *= 2;
  std::optional<Instant> next_at;
  if (attempts < limits_.attempts_max) next_at = now + jittered(std::min(wait, limits_.retry_wait_max));
  const auto marked =
      co_await webhooks_.mark_failed(delivery.id, delivery.attempts, next_at, answer.status, answer.reason);
  if (!marked) co_return fail(marked.error());
  if (!*marked) co_return Result<>();  // Another instance has it by now.
  (next_at ? counters_.retried : counters_.failed).fetch_add(1);
  if (!next_at)
    warn_(fmt::format("webhook {}: {} was given up: {}", delivery.webhook.text(), delivery.event_id,
                      answer.reason));
  co_return Result<>();
}

asio::awaitable<void> SendWebhooks::deliver(Delivery delivery) {
  const WebhookId id = delivery.webhook;
  auto answer = co_await outlive("a webhook", post_delivery(delivery));
  bool done = false;
  if (answer && answer->reason.empty()) limits_.failpoint.reach(Failpoint::At::post);
  if (answer && !(stopped_.load() && !answer->reason.empty())) {  // A stop is not the receiver's failure.
    const auto noted = co_await outlive("noting a webhook", note(delivery, *answer));
    done = noted && answer->reason.empty();
  }
  Lane& lane = lanes_[id];
  lane.busy = false;
  // Want of room here, and a database that is away, say nothing of the receiver.
  const bool ours =
      !answer && (answer.error().code == Code::overloaded || answer.error().code == Code::unavailable);
  if (!ours) lane.failures = done ? 0 : lane.failures + 1;
  Millis pause = limits_.pause;
  for (int i = 1; !ours && i < lane.failures && pause < limits_.pause_max; ++i) pause *= 2;
  lane.not_before = done ? Instant() : clock_.now() + std::min(pause, limits_.pause_max);
  if (!answer && answer.error().code == Code::not_found) lanes_.erase(id);  // It was removed.
  if (done) poke();
}

/// Between a half and the whole of it: those that wait for the same do not come back at once.
Millis SendWebhooks::jittered(Millis wait) {
  std::array<std::uint8_t, 2> bytes;
  random_.fill(bytes);
  return wait / 2 + Millis(wait.count() / 2 * (bytes[0] << 8 | bytes[1]) / 65'535);
}

}  // namespace market::order
