#include "services/gateway/prober.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>

#include "base/steady_time.hpp"

namespace market::gateway {
namespace {

using namespace std::chrono_literals;
using Tcp = asio::ip::tcp;

class OneInstance final : public Discovery {
 public:
  explicit OneInstance(std::uint16_t port) {
    auto list = std::make_shared<ServiceList>();
    auto& instance = list->services["s"].emplace_back();
    instance.service = "s";
    instance.host = "127.0.0.1";
    instance.port = port;
    list_ = list;
  }
  std::shared_ptr<const ServiceList> services() const override { return list_; }

 private:
  std::shared_ptr<const ServiceList> list_;
};

/// As long as it lives, this process opens no file.
class NoFiles {
 public:
  NoFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoFiles(const NoFiles&) = delete;

 private:
  rlimit before_{};
};

TEST(Prober, WantOfFilesIsNoFaultOfTheInstance) {
  asio::io_context io;
  Tcp::acceptor nobody(io, {asio::ip::make_address("127.0.0.1"), 0});
  const OneInstance discovery(nobody.local_endpoint().port());
  Balancer balancer(discovery, {});
  const auto instance = balancer.choose("s", {}, steady_ms(), 1);
  ASSERT_TRUE(instance);
  instance->failed(Fault::not_connected, balancer.limits(),
                   steady_ms() - balancer.limits().first_ejection.count());
  std::optional<Prober> prober(std::in_place, balancer, io.get_executor());
  prober->start();
  const auto due = steady_ms();
  {
    const NoFiles none;
    io.run_for(500ms);
  }
  EXPECT_TRUE(instance->probe_is_due(due)) << "it was not put off";
  nobody.close();
  io.run_for(500ms);
  EXPECT_FALSE(instance->probe_is_due(due)) << "this time it was asked";
  prober.reset();
  io.run();
}

}  // namespace
}  // namespace market::gateway
