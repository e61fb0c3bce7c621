#include "adapters/remote/tcp_command_link.hpp"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>

#include "base/time.hpp"
#include "tests/support/wait.hpp"

namespace market::remote {
namespace {

using Tcp = boost::asio::ip::tcp;

/// A door that answers each message with itself, and keeps what it was told.
struct Instance {
  explicit Instance(std::uint8_t secret) : door(settings(secret)) {
    door.start(
        [this](std::string message, const CommandLink::Reply& reply) {
          note(asked, message);
          reply("re: " + message);
        },
        [this](const std::string& answer) { note(answered, answer); });
  }
  static TcpCommandLinkSettings settings(std::uint8_t secret) {
    TcpCommandLinkSettings settings;
    settings.secret.fill(secret);
    return settings;
  }
  void note(std::vector<std::string>& where, const std::string& what) {
    {
      const std::scoped_lock lock(mutex);
      where.push_back(what);
    }
    changed.notify_all();
  }
  bool wait(const std::function<bool()>& happens, Millis limit = Millis(5'000)) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, limit, happens);
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> asked, answered;
  TcpCommandLink door;
};

Tcp::endpoint endpoint_of(const TcpCommandLink& door) {
  const auto address = door.address();
  const auto colon = address.rfind(':');
  return {boost::asio::ip::make_address(address.substr(0, colon)),
          static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))};
}

TEST(TcpCommandLink, CarriesMessagesAndTheirAnswersInOrder) {
  Instance one(1), other(1);
  const std::string large(400'000, 'x');
  for (int i = 0; i < 100; ++i) one.door.send(other.door.address(), "message " + std::to_string(i));
  one.door.send(other.door.address(), large);
  ASSERT_TRUE(one.wait([&] { return one.answered.size() == 101; }));
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(one.answered[static_cast<std::size_t>(i)], "re: message " + std::to_string(i));
  EXPECT_EQ(one.answered[100], "re: " + large);
  one.door.send(one.door.address(), "to myself");
  EXPECT_TRUE(one.wait([&] { return one.answered.size() == 102; }));
}

/// The timers of the established connections with this port at either end, as the system shows them; 2: that
/// of keepalive.
std::vector<int> timers_of(std::uint16_t port) {
  std::vector<int> timers;
  std::ifstream table("/proc/self/net/tcp");
  const auto ends_with_port = [port](const std::string& address) {
    return std::stoi(address.substr(address.rfind(':') + 1), nullptr, 16) == port;
  };
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string number, local, remote, state, queues, timer;
    fields >> number >> local >> remote >> state >> queues >> timer;
    if (state == "01" && (ends_with_port(local) || ends_with_port(remote)))
      timers.push_back(std::stoi(timer.substr(0, 2), nullptr, 16));
  }
  return timers;
}

TEST(TcpCommandLink, BothEndsAskWhetherTheOtherIsStillThere) {
  Instance one(1), other(1);
  one.door.send(other.door.address(), "hello");
  ASSERT_TRUE(one.wait([&] { return !one.answered.empty(); }));
  const auto port = endpoint_of(other.door).port();
  EXPECT_TRUE(tests::wait([&] { return timers_of(port) == std::vector{2, 2}; }));
}

TEST(TcpCommandLink, WhoDoesNotKnowTheSecretIsToldNothing) {
  Instance one(1), stranger(2);
  stranger.door.send(one.door.address(), "let me in");
  EXPECT_FALSE(one.wait([&] { return !one.asked.empty(); }, Millis(500)));
  EXPECT_FALSE(stranger.wait([&] { return !stranger.answered.empty(); }, Millis(100)));
}

TEST(TcpCommandLink, AnInstanceIsToldFromWhoeverElseListens) {
  wire::SecretKey secret;
  secret.fill(1);
  Instance one(1), stranger(2);
  EXPECT_TRUE(answers(one.door.address(), secret));
  EXPECT_FALSE(answers(stranger.door.address(), secret));
  asio::io_context io;
  Tcp::acceptor silent(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  const auto port = silent.local_endpoint().port();
  EXPECT_FALSE(answers("127.0.0.1:" + std::to_string(port), secret));
  silent.close();
  EXPECT_FALSE(answers("127.0.0.1:" + std::to_string(port), secret));
  EXPECT_FALSE(answers("leaving", secret));
  EXPECT_FALSE(answers("", secret));
}

TEST(TcpCommandLink, NobodyGetsInWithAGreetingOfBefore) {
  Instance one(1);
  asio::io_context io;
  Tcp::socket socket(io);
  socket.connect(endpoint_of(one.door));
  std::string nonce(32, '\0');
  boost::asio::read(socket, boost::asio::buffer(nonce));
  boost::asio::write(socket, boost::asio::buffer(std::string(32 + 43, 'A') + std::string("\4\0\0\0boom", 8)));
  boost::system::error_code error;
  char byte = 0;
  boost::asio::read(socket, boost::asio::buffer(&byte, 1), error);
  EXPECT_TRUE(error) << "it was closed, and said nothing more";
  EXPECT_FALSE(one.wait([&] { return !one.asked.empty(); }, Millis(100)));
}

TEST(TcpCommandLink, ConnectionsThatSayNothingAreClosedAndDoNotKeepOthersOut) {
  Instance one(1), other(1);
  asio::io_context io;
  std::vector<Tcp::socket> silent;
  for (std::size_t i = 0; i < 100; ++i) {
    silent.emplace_back(io);
    silent.back().connect(endpoint_of(one.door));
  }
  other.door.send(one.door.address(), "hello");
  EXPECT_TRUE(other.wait([&] { return other.answered.size() == 1; }));
  std::string bytes(64, '\0');
  boost::system::error_code error;
  boost::asio::read(silent[0], boost::asio::buffer(bytes), error);
  EXPECT_TRUE(error) << "after two seconds";
}

TEST(TcpCommandLink, WhoComesBackIsReachedAgain) {
  Instance one(1);
  std::string address;
  std::uint16_t port = 0;
  {
    Instance other(1);
    address = other.door.address();
    port = endpoint_of(other.door).port();
    one.door.send(address, "first");
    ASSERT_TRUE(one.wait([&] { return one.answered.size() == 1; }));
  }
  for (int i = 0; i < 20; ++i) one.door.send(address, "nobody is there");
  auto settings = Instance::settings(1);
  settings.port = port;
  TcpCommandLink again(settings);
  again.start([](const std::string&, const CommandLink::Reply& reply) { reply("back"); },
              [](const std::string&) {});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  bool reached = false;
  while (!reached && std::chrono::steady_clock::now() < end) {
    one.door.send(address, "again");
    reached = one.wait([&] { return one.answered.size() > 1; }, Millis(100));
  }
  EXPECT_TRUE(reached);
}

TEST(TcpCommandLink, AddressesAreThoseThatOthersUse) {
  auto settings = Instance::settings(1);
  settings.known_as = "orders-1.example";
  const TcpCommandLink named(settings);
  EXPECT_TRUE(named.address().starts_with("orders-1.example:"));
  settings.known_as = "[::1]:7000";
  EXPECT_EQ(TcpCommandLink(settings).address(), "[::1]:7000");
  settings.known_as = "::1";
  EXPECT_TRUE(TcpCommandLink(settings).address().starts_with("[::1]:"));
  settings.host = "nonsense";
  EXPECT_THROW(TcpCommandLink{settings}, std::runtime_error);
}

}  // namespace
}  // namespace market::remote
