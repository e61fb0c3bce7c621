// Against redis-server itself, started and killed by each test.
#include "adapters/redis/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/redis_client.hpp"

namespace market::redis {
namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;
using tests::ask;
using tests::RedisServer;
using tests::run;
using tests::settings_for;
using tests::wait;

/// A client that is connected, or has failed the test.
struct Connected {
  explicit Connected(ClientSettings settings) : client(std::move(settings)) {
    client.start();
    EXPECT_TRUE(wait([this] { return client.connected(); }, Millis(3'000))) << client.state();
  }
  Client client;
};

TEST(RedisClient, KeepsAnyBytesInKeysAndValues) {
  RedisServer server;
  Connected on(settings_for(server.port));
  const std::string hostile = std::string("k\r\nFLUSHALL\r\n") + '\0' + " \xff\xfe*3\r\n$3\r\nDEL\r\n";
  for (const std::string& value : {std::string(), hostile, std::string(1'000'000, '\n')}) {
    ASSERT_TRUE(ask(on.client, {"SET", hostile, value}));
    const auto kept = ask(on.client, {"GET", hostile});
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->text(), value);
  }
  EXPECT_EQ(ask(on.client, {"DBSIZE"})->number(), 1);
  EXPECT_TRUE(ask(on.client, {"GET", "nothing"})->is_nil());
  const auto list = ask(on.client, {"MGET", hostile, "nothing"});
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ(list->at(0).text().size(), 1'000'000u);
  EXPECT_TRUE(list->at(1).is_nil());
  EXPECT_TRUE(list->at(2).is_nil()) << "beyond the end";
}

TEST(RedisClient, SaysWhatRedisRefusesInOneLine) {
  RedisServer server;
  Connected on(settings_for(server.port));
  const auto refused = ask(on.client, {"NO\r\nSUCH"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::internal);
  EXPECT_EQ(refused.error().detail.find('\n'), std::string::npos);
  EXPECT_TRUE(on.client.connected()) << "one refusal is no reason to leave";
}

TEST(RedisClient, AnswersManyAtOnceInOrder) {
  RedisServer server;
  Connected on(settings_for(server.port));
  constexpr int count = 3'000;
  std::vector<std::int64_t> answers(count);
  std::atomic<int> done{0};
  for (int i = 0; i < count; ++i)
    on.client.send({"INCR", "count"}, [&, i](const Result<Reply>& reply) {
      answers[static_cast<std::size_t>(i)] = reply ? reply->number().value_or(-1) : -1;
      ++done;
    });
  ASSERT_TRUE(wait([&] { return done == count; }, Millis(5'000)));
  for (int i = 0; i < count; ++i) ASSERT_EQ(answers[static_cast<std::size_t>(i)], i + 1);
  EXPECT_EQ(on.client.waiting(), 0u);
}

TEST(RedisClient, RunsAScriptThatRedisHasForgotten) {
  RedisServer server;
  Connected on(settings_for(server.port));
  const Script script("return {KEYS[1], ARGV[1]}");
  for (int round = 0; round < 2; ++round) {
    const auto reply = run(on.client.run(script, {"'..evil..'"}, {"]] return redis.call('FLUSHALL')"}));
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->at(0).text(), "'..evil..'");
    EXPECT_EQ(reply->at(1).text(), "]] return redis.call('FLUSHALL')");
    ASSERT_TRUE(ask(on.client, {"SCRIPT", "FLUSH"}));
  }
}

TEST(RedisClient, AnswersAtOnceWhileRedisWasNeverThere) {
  Client client(settings_for(tests::free_port()));
  client.start();
  const auto before = steady_clock::now();
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(ask(client, {"PING"}).error().code, Code::unavailable);
  EXPECT_LT(steady_clock::now() - before, Millis(500)) << "nobody waits for a connection";
  EXPECT_TRUE(wait([&] { return client.state().find("refused") != std::string::npos; }, Millis(2'000)));
}

TEST(RedisClient, ComesBackAfterAKillAndARestart) {
  RedisServer server;
  Connected on(settings_for(server.port));
  ASSERT_TRUE(ask(on.client, {"SET", "a", "1"}));
  server.kill();
  EXPECT_TRUE(wait([&] { return !on.client.connected(); }, Millis(500))) << "the end of the stream says so";
  EXPECT_EQ(ask(on.client, {"GET", "a"}).error().code, Code::unavailable);
  server.start();
  EXPECT_TRUE(wait([&] { return on.client.connected(); }, Millis(1'500))) << on.client.state();
  EXPECT_EQ(on.client.connection_number(), 2u);
  EXPECT_TRUE(ask(on.client, {"GET", "a"})->is_nil()) << "it is empty, and says so";
}

TEST(RedisClient, GivesUpAServerThatHangs) {
  RedisServer server;
  Connected on(settings_for(server.port));
  server.pause();
  const auto before = steady_clock::now();
  EXPECT_EQ(ask(on.client, {"PING"}).error().code, Code::unavailable);
  EXPECT_LT(steady_clock::now() - before, Millis(600));
  EXPECT_FALSE(on.client.connected());
  const auto next = steady_clock::now();
  EXPECT_FALSE(ask(on.client, {"PING"}));
  EXPECT_LT(steady_clock::now() - next, Millis(100)) << "only the first one waits";
  server.go_on();
  EXPECT_TRUE(wait([&] { return on.client.connected(); }, Millis(3'000))) << on.client.state();
}

TEST(RedisClient, NoticesASilentServerWithoutBeingAsked) {
  RedisServer server;
  Connected on(settings_for(server.port));
  server.pause();  // As a connection whose other end is gone without a word.
  EXPECT_TRUE(wait([&] { return !on.client.connected(); }, Millis(1'500)));
}

TEST(RedisClient, RefusesMoreThanItsQueueHolds) {
  RedisServer server;
  auto settings = settings_for(server.port);
  settings.queue_max = 10;
  settings.timeout = Millis(2'000);
  Connected on(std::move(settings));
  server.pause();
  std::atomic<int> full{0}, unknown{0};
  for (int i = 0; i < 60; ++i)
    on.client.send({"INCR", "n"}, [&](const Result<Reply>& reply) {
      if (!reply) ++(reply.error().code == Code::overloaded ? full : unknown);
    });
  EXPECT_GE(full, 49);
  EXPECT_TRUE(wait([&] { return full + unknown == 60; }, Millis(4'000))) << "everybody is answered";
  EXPECT_EQ(on.client.waiting(), 0u);
  EXPECT_GE(on.client.counters().full.load(), static_cast<std::uint64_t>(full))
      << "heartbeats are counted too";
}

TEST(RedisClient, AnswersAllWhenItIsStopped) {
  RedisServer server;
  Connected on(settings_for(server.port));
  server.pause();
  std::atomic<int> answered{0};
  for (int i = 0; i < 60; ++i) on.client.send({"PING"}, [&](const Result<Reply>&) { ++answered; });
  on.client.stop();
  EXPECT_EQ(answered, 60);
  EXPECT_EQ(ask(on.client, {"PING"}).error().code, Code::unavailable);
}

TEST(RedisClient, SaysThatItsPasswordIsWrong) {
  RedisServer server({"--requirepass", "right"});
  auto settings = settings_for(server.port);
  settings.password = "wrong";
  std::mutex mutex;
  std::vector<std::string> lines;
  settings.warn = [&](const std::string& line) {
    const std::scoped_lock lock(mutex);
    lines.push_back(line);
  };
  Client client(settings);
  client.start();
  EXPECT_TRUE(wait([&] { return client.state().find("WRONGPASS") != std::string::npos; }, Millis(2'000)));
  const auto said_again = [&] {
    const std::scoped_lock lock(mutex);
    return lines.size() > 1;
  };
  EXPECT_TRUE(tests::stays_away(said_again, Millis(700))) << "said once, however often it is tried";
  client.stop();
  EXPECT_FALSE(client.connected());
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].find("wrong\""), std::string::npos);
  settings.password = "right";
  Connected on(settings);
  EXPECT_TRUE(ask(on.client, {"PING"}));
}

TEST(RedisClient, WorksAsAUserWithFewRights) {
  RedisServer server({}, false,
                     "user default off\nuser market on >pass&word ~market:* resetchannels -@all +ping +role"
                     " +select +eval +evalsha +get +set\n");
  auto settings = settings_for(server.port);
  settings.user = "market";
  settings.password = "pass&word";
  settings.database = 1;
  Connected on(std::move(settings));
  EXPECT_TRUE(ask(on.client, {"SET", "market:a", "1"}));
  EXPECT_THAT(ask(on.client, {"SET", "other", "1"}).error().detail, HasSubstr("NOPERM"));
  EXPECT_THAT(ask(on.client, {"FLUSHALL"}).error().detail, HasSubstr("NOPERM"));
  EXPECT_TRUE(on.client.connected());
}

TEST(RedisClient, LeavesAMasterThatBecameAReplica) {
  RedisServer first, second;
  auto settings = settings_for(first.port);
  settings.servers.push_back({"127.0.0.1", second.port});
  Connected on(std::move(settings));
  EXPECT_EQ(on.client.state(), fmt::format("127.0.0.1:{}", first.port));
  ASSERT_TRUE(ask(on.client, {"REPLICAOF", "127.0.0.1", std::to_string(second.port)}));
  const auto second_name = fmt::format("127.0.0.1:{}", second.port);
  EXPECT_TRUE(wait([&] { return on.client.connected() && on.client.state() == second_name; }, Millis(3'000)))
      << on.client.state();
  EXPECT_TRUE(ask(on.client, {"SET", "a", "1"}));
}

TEST(RedisClient, FollowsSentinel) {
  RedisServer master;
  RedisServer replica({"--replicaof", "127.0.0.1", std::to_string(master.port)});
  {
    Connected to_master(settings_for(master.port));
    ASSERT_TRUE(wait([&] { return ask(to_master.client, {"ROLE"})->at(2).size() == 1; }, Millis(10'000)));
  }
  RedisServer sentinel({"--sentinel"}, false,
                       fmt::format("sentinel monitor shop 127.0.0.1 {} 1\n"
                                   "sentinel down-after-milliseconds shop 300\n"
                                   "sentinel failover-timeout shop 2000\n",
                                   master.port));
  auto settings = settings_for(sentinel.port);
  settings.servers.insert(settings.servers.begin(), {"127.0.0.1", tests::free_port()});  // One is away.
  settings.sentinel_master = "shop";
  Connected on(settings);
  EXPECT_EQ(on.client.state(), fmt::format("127.0.0.1:{}", master.port));
  const auto knows_replica = [&] {  // It asks the master, and writes down what it knows.
    std::ifstream file(sentinel.folder.path() / "redis.conf");
    const std::string written{std::istreambuf_iterator<char>(file), {}};
    return written.find(fmt::format("known-replica shop 127.0.0.1 {}", replica.port)) != std::string::npos;
  };
  ASSERT_TRUE(wait(knows_replica, Millis(15'000)));
  master.kill();
  const auto promoted = fmt::format("127.0.0.1:{}", replica.port);
  EXPECT_TRUE(wait([&] { return on.client.connected() && on.client.state() == promoted; }, Millis(15'000)))
      << on.client.state();
  EXPECT_TRUE(ask(on.client, {"SET", "a", "1"}));
  settings.sentinel_master = "no such";
  Client lost(settings);
  lost.start();
  EXPECT_TRUE(
      wait([&] { return lost.state().find("no master of that name") != std::string::npos; }, Millis(2'000)));
}

TEST(RedisClient, SpeaksTlsAndKnowsWhomWith) {
  tests::TempFolder folder;
  const auto path = [&folder](const char* name) { return (folder.path() / name).string(); };
  const std::string make =
      "cd " + folder.path().string() +
      " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca"
      " -keyout ca.key -out ca.pem 2>/dev/null"
      " && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=redis -keyout key.pem"
      " -out redis.csr 2>/dev/null && echo subjectAltName=IP:127.0.0.1 > names"
      " && openssl x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names"
      " -out cert.pem 2>/dev/null";
  ASSERT_EQ(std::system(make.c_str()), 0);
  RedisServer server({"--tls-cert-file", path("cert.pem"), "--tls-key-file", path("key.pem"),
                      "--tls-ca-cert-file", path("ca.pem")},
                     true);
  auto settings = settings_for(server.port);
  settings.tls = true;
  settings.tls_ca = path("ca.pem");
  Client unknown(settings);  // The server asks for a certificate.
  unknown.start();
  EXPECT_FALSE(wait([&] { return unknown.connected(); }, Millis(500)));
  settings.tls_certificate = path("cert.pem");
  settings.tls_key = path("key.pem");
  EXPECT_EQ(trouble_with(settings), "");
  Connected on(settings);
  const std::string large(3'000'000, 'x');
  ASSERT_TRUE(ask(on.client, {"SET", "market:large", large}));
  EXPECT_EQ(ask(on.client, {"GET", "market:large"})->text(), large);

  settings.servers = {{"localhost", server.port}};
  Client misled(settings);  // The certificate is for 127.0.0.1.
  misled.start();
  EXPECT_TRUE(wait([&] { return misled.state().find("verify") != std::string::npos; }, Millis(2'000)))
      << misled.state();
  settings.servers = {{"127.0.0.1", server.port}};
  settings.tls_ca.clear();
  Client careful(settings);  // Nobody known has signed it.
  careful.start();
  EXPECT_TRUE(wait([&] { return careful.state().find("verify") != std::string::npos; }, Millis(2'000)))
      << careful.state();
  EXPECT_FALSE(careful.connected());
}

TEST(RedisClient, RefusesSettingsThatMakeNoSense) {
  const auto trouble = [](auto change) {
    auto settings = settings_for(6'379);
    change(settings);
    return trouble_with(settings);
  };
  EXPECT_EQ(trouble([](ClientSettings&) {}), "");
  EXPECT_THAT(trouble([](auto& s) { s.servers.clear(); }), HasSubstr("redis.servers"));
  EXPECT_THAT(trouble([](auto& s) { s.servers.push_back(s.servers[0]); }), HasSubstr("twice"));
  EXPECT_THAT(trouble([](auto& s) { s.user = "market"; }), HasSubstr("needs redis.password"));
  EXPECT_THAT(trouble([](auto& s) { s.sentinel_password = "p"; }), HasSubstr("needs redis.sentinel_master"));
  EXPECT_THAT(trouble([](auto& s) { s.tls_ca = "ca.pem"; }), HasSubstr("needs redis.tls"));
  EXPECT_THAT(trouble([](auto& s) { s.tls = true, s.tls_key = "k"; }),
              HasSubstr("needs redis.tls_certificate"));
  EXPECT_THAT(trouble([](auto& s) { s.tls = true, s.tls_ca = "/nowhere/ca.pem"; }),
              HasSubstr("redis.tls_ca: /nowhere/ca.pem cannot be used"));
}

/// Not a Redis at all.
TEST(RedisClient, LeavesWhoSpeaksSomethingElse) {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  std::thread other([&] {
    for (const char* words : {"HTTP/1.1 400 Bad Request\r\n\r\n", "*1\r\n$6\r\nmaster\r\n+unasked\r\n",
                              "*-7\r\n", "$99999999999999999999\r\n", "*1000000000\r\n"}) {
      auto socket = acceptor.accept();
      asio::write(socket, asio::buffer(std::string_view(words)));
      socket.non_blocking(true);
      const auto client_leaves = [&] {
        std::array<char, 64> sent;
        boost::system::error_code end;
        socket.read_some(asio::buffer(sent), end);
        return end == asio::error::eof || end == asio::error::connection_reset;
      };
      EXPECT_TRUE(wait(client_leaves)) << words;
    }
  });
  Client client(settings_for(acceptor.local_endpoint().port()));
  client.start();
  other.join();
  EXPECT_TRUE(wait([&] { return !client.connected(); }, Millis(2'000)));
  EXPECT_FALSE(ask(client, {"PING"}));
}

}  // namespace
}  // namespace market::redis
