#pragma once
/// ports/webhook_sender.hpp over HTTPS with libcurl, signed as Standard Webhooks says
/// (https://www.standardwebhooks.com): headers webhook-id, webhook-timestamp and webhook-signature.
///
/// A webhook's URL is somebody's wish, so it leads nowhere inside: the address that a name gives is judged
/// when the connection is made, and redirects are not followed.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "base/task_fair_pool.hpp"
#include "http/message/client_address.hpp"
#include "ports/random_source.hpp"
#include "ports/webhook_sender.hpp"
#include "ports/webhooks.hpp"

namespace market::webhook {

struct SenderSettings {
  /// Addresses that are not public ones and may be reached all the same, also without TLS.
  std::vector<http::Network> private_networks;
  std::string ca_file;  ///< PEM; empty: what the system trusts.
  Millis connect_time_max{5'000}, answer_time_max{10'000};
};

/// Whether an address is one of the internet's own: no loopback, private, link-local, shared, reserved,
/// multicast or documentation one, and none that leads to such by translation.
bool is_public_address(const std::string& address);

/// "v1,BASE64" for each secret, by a space.
std::string signature_of(const WebhookPost& post);

class HttpWebhookSender final : public WebhookSender {
 public:
  HttpWebhookSender(SenderSettings settings, RandomSource& random);
  ~HttpWebhookSender() override { stop(); }
  std::string trouble_with(const std::string& url) const override;
  Task<WebhookAnswer> post_event(WebhookPost post) override;
  std::string new_secret() override;
  void stop() override;

 private:
  bool may_reach(const std::string& address, bool plain) const;
  WebhookAnswer perform(const WebhookPost& post) const;
  /// CURLOPT_OPENSOCKETFUNCTION: with the address that is really connected to.
  struct Opening;
  static Task<WebhookAnswer> stopped();
  static int open_socket(void* opening, int purpose, void* address);
  FairPool& pool_of(bool seller);

  const SenderSettings settings_;
  RandomSource& random_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  /// Each made for its first post, with a thread for each webhook; sellers take turns at theirs, since posts
  /// to webhooks that were removed meanwhile may still be under way.
  std::optional<FairPool> of_operators_, of_sellers_;
};

}  // namespace market::webhook
