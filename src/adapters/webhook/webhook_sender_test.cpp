#include "adapters/webhook/webhook_sender.hpp"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "tests/support/run_task.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::webhook {
namespace {

TEST(WebhookSender, SignsAsStandardWebhooksSays) {
  WebhookPost post;
  post.id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
  post.at = Instant(std::chrono::seconds(1'614'265'330));
  post.body = R"({"test": 2432232314})";
  post.secrets = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
  EXPECT_EQ(signature_of(post), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  post.secrets.push_back(post.secrets.front());
  const std::string both = signature_of(post);
  EXPECT_EQ(both.substr(both.size() / 2 + 1), both.substr(0, both.size() / 2));
}

TEST(WebhookSender, KnowsWhichAddressesAreInside) {
  for (const char* inside : {"127.0.0.1",
                             "127.255.255.255",
                             "0.0.0.0",
                             "10.0.0.1",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.0.1",
                             "169.254.169.254",
                             "100.64.0.1",
                             "100.127.255.255",
                             "192.0.2.1",
                             "198.18.0.1",
                             "198.51.100.7",
                             "203.0.113.7",
                             "224.0.0.1",
                             "239.1.1.1",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::1",
                             "::",
                             "fe80::1",
                             "fe80::1%eth0",
                             "fc00::1",
                             "fd12::1",
                             "ff02::1",
                             "::ffff:127.0.0.1",
                             "::ffff:10.0.0.1",
                             "::127.0.0.1",
                             "64:ff9b::7f00:1",
                             "2002:7f00:1::",
                             "2001:db8::1",
                             "2001::1",
                             "",
                             "x",
                             "1.2.3",
                             "localhost"})
    EXPECT_FALSE(is_public_address(inside)) << inside;
  for (const char* outside :
       {"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "172.15.0.1", "223.255.255.255",
        "2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"})
    EXPECT_TRUE(is_public_address(outside)) << outside;
}

TEST(WebhookSender, ItsSecretsDifferAndAreWhole) {
  tests::CountingRandom random;
  HttpWebhookSender sender({}, random);
  const std::string first = sender.new_secret();
  EXPECT_EQ(first.size(), 6u + 32u);
  EXPECT_TRUE(first.starts_with("whsec_"));
  EXPECT_NE(first, sender.new_secret());
}

TEST(WebhookSender, PlainHttpIsForNetworksThatAreAllowedAlone) {
  tests::CountingRandom random;
  HttpWebhookSender strict({}, random);
  EXPECT_EQ(strict.trouble_with("https://example.com/hook?x=1"), "");
  EXPECT_NE(strict.trouble_with("http://example.com/hook"), "");
  SenderSettings settings;
  settings.private_networks.emplace_back("127.0.0.0/8");
  HttpWebhookSender local(settings, random);
  EXPECT_EQ(local.trouble_with("http://127.0.0.1:8080/hook"), "");
  EXPECT_NE(local.trouble_with("http://10.0.0.1/hook"), "");
  EXPECT_EQ(local.trouble_with("http://8.8.8.8/hook"), "must be https");
  EXPECT_EQ(local.trouble_with("https://8.8.8.8/hook"), "");
}

TEST(WebhookSender, WhatLeadsInsideIsNotConnected) {
  tests::CountingRandom random;
  HttpWebhookSender sender({}, random);
  WebhookPost post;
  post.url = "https://localhost:1/";
  post.secrets = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
  const auto answer = tests::run(sender.post_event(post));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 0);
  EXPECT_NE(answer->reason, "");
  sender.stop();
  EXPECT_EQ(tests::run(sender.post_event(post)).error().code, Code::unavailable) << "it is answered";
}

using boost::asio::ip::tcp;

/// Takes connections, and says what it was given to say.
class Receiver {
 public:
  explicit Receiver(std::string answer) : answer_(std::move(answer)) {
    if (!answer_.empty()) serving_ = std::thread([this] { serve(); });
  }
  ~Receiver() {
    if (!serving_.joinable()) return;
    asio::io_context io;
    tcp::socket last(io);
    last.connect(listening_.local_endpoint());  // It ends behind this one.
    ended_ = true;
    last.close();
    serving_.join();
  }
  WebhookPost post(UserId seller) const {
    WebhookPost post;
    post.url = "http://127.0.0.1:" + std::to_string(listening_.local_endpoint().port()) + "/";
    post.secrets = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
    post.seller = seller;
    return post;
  }

 private:
  void serve() {
    while (!ended_) {
      tcp::socket caller = listening_.accept();
      boost::system::error_code ignored;
      std::array<char, 4'096> request;
      caller.read_some(asio::buffer(request), ignored);
      asio::write(caller, asio::buffer(answer_), ignored);
    }
  }
  const std::string answer_;
  asio::io_context io_;
  tcp::acceptor listening_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::atomic<bool> ended_{false};
  std::thread serving_;
};

TEST(WebhookSender, SlowReceiversOfSellersHoldUpNoneOfTheOperators) {
  tests::CountingRandom random;
  SenderSettings settings;
  settings.private_networks.emplace_back("127.0.0.0/8");
  settings.answer_time_max = Millis(3'000);
  HttpWebhookSender sender(settings, random);
  const Receiver silent(""), quick("HTTP/1.1 204 No Content\r\n\r\n");
  asio::io_context io;
  std::vector<std::future<Result<WebhookAnswer>>> slow;
  for (int i = 0; i < webhooks_of_sellers_max; ++i)
    slow.push_back(asio::co_spawn(io, sender.post_event(silent.post(UserId{1 + i / webhooks_per_seller_max})),
                                  asio::use_future));
  std::thread runs([&io] { io.run(); });
  const auto began = std::chrono::steady_clock::now();
  const auto answer = tests::run(sender.post_event(quick.post(UserId{})));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_TRUE(answer && answer->status == 204) << (answer ? answer->reason : answer.error().detail);
  EXPECT_LT(took, settings.answer_time_max) << "it waited for none of the sellers'";
  runs.join();
  for (auto& each : slow) {
    const auto late = each.get();
    ASSERT_TRUE(late) << "each of the sellers has a thread, too: " << late.error().detail;
    EXPECT_EQ(late->status, 0);
  }
}

}  // namespace
}  // namespace market::webhook
